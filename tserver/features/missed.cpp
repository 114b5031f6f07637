#include "tserver/features/missed.h"

namespace tandem::tserver {

Missed missed(std::uint32_t status, const std::string& reason) {
  const auto text = [&](const char* words) {
    return std::string(words) + " (SIP " + std::to_string(status) + (reason.empty() ? "" : " " + reason) + ")";
  };
  switch (status) {
    case 486:
    case 600:
      return {tlib::TERR_DN_BUSY, tlib::CallStateBusy, 486, text("the destination is busy")};
    case 408:
    case 480:
    case 487:
      return {tlib::TERR_DN_NO_ANSWER, tlib::CallStateNoAnswer, 480, text("the destination did not answer")};
    case 404:
    case 410:
    case 414:
    case 416:
    case 484:
    case 604:
      return {tlib::TERR_INV_DEST_DN, tlib::CallStateSitInvalidnum, 404, text("the destination does not exist")};
    default:
      break;
  }
  if (status >= 500 && status < 600) {
    return {tlib::TERR_CONN_ATTEMPT_FAILED, tlib::CallStateSitNocircuit, 503, text("the connection attempt failed")};
  }
  return {tlib::TERR_CALL_REJECTED, tlib::CallStateOk, 603, text("the destination rejected the call")};
}

Missed missed_in_time(bool heard) {
  if (heard)
    return {tlib::TERR_DN_NO_ANSWER, tlib::CallStateNoAnswer, 480, "the destination did not answer in time", true};
  return {tlib::TERR_TIMEOUT_PRF_OP, tlib::CallStateNoAnswer, 480, "the Connector gave no answer in time", true};
}

}  // namespace tandem::tserver
