#include "tserver/clients/intake.h"

namespace tandem::tserver {
namespace {

Intake refuse(const tlib::Message& found, tlib::TErrorCode code, const char* why) {
  if (!found.has_referenceid()) return Hopeless{why};
  tlib::Message error;
  error.set_type(tlib::EventError);
  error.set_referenceid(found.referenceid());
  error.set_errorcode(code);
  error.set_errormessage(why);
  return Answerable{std::move(error)};
}

}  // namespace

Intake take_in(std::string_view frame) {
  tlib::Message message;
  if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
    return refuse(message, tlib::TERR_INVALID_ATTR, "the message can't be decoded");  // of what was read until then
  }
  if (!message.has_type()) return refuse(message, tlib::TERR_UNSUP_OPER, "the message has no Type");
  if (message.type() == tlib::AddpPoll) return Poll{message.requestid(), message.streamnumber()};
  if (message.type() == tlib::AddpAnswer || message.type() == tlib::ConfirmEvents) return Alive{message.streamnumber()};
  if (message.type() == tlib::EndSession) return End{};
  return message;
}

tlib::Message addp_message(tlib::MessageType type, std::uint64_t stamp) {
  tlib::Message message;
  message.set_type(type);
  message.set_requestid(stamp);
  return message;
}

}  // namespace tandem::tserver
