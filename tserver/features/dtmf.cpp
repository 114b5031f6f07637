// Digits in a call: sent by request (MMC-414), or dialed on the phone.
#include <algorithm>

#include "tserver/features/awaited.h"
#include "tserver/features/features.h"
#include "tserver/features/routing_point.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxDigits = 64;
constexpr Instant kPerDigit = std::chrono::milliseconds(500);
constexpr Instant kPerComma = std::chrono::seconds(1);
constexpr std::string_view kDigits = "0123456789*#ABCDabcd,";

bool dialable(std::string_view digits) {
  return !digits.empty() && digits.size() <= kMaxDigits &&
         digits.find_first_not_of(kDigits) == std::string_view::npos &&
         digits.find_first_not_of(',') != std::string_view::npos;
}

// How long they take to be sent, beside what a Connector may take to answer.
Instant duration_of(std::string_view digits) {
  const auto commas = std::count(digits.begin(), digits.end(), ',');
  return commas * kPerComma + (static_cast<std::ptrdiff_t>(digits.size()) - commas) * kPerDigit;
}

void tell_sent(Core& core, const Call& call, const Party& party, const std::string& digits, Asker asker) {
  Details details;
  details.digits = &digits;
  core.tell(call, party, tlib::EventDTMFSent, details, asker);
}

std::optional<Refusal> send_dtmf(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  std::string digits = request.message.dtmfdigits();
  if (!dialable(digits)) return refusal(tlib::TERR_INV_DTMF_STRING, "DTMFDigits are 1 to 64 of 0-9 * # A-D and comma");
  if (on->party->state != PartyState::Connected) return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN isn't connected");
  if (is_awaited(core, *on->call, *on->party, Awaited::Kind::Digits))
    return refusal(tlib::TERR_OTHER_TEL_OPER, "digits of ThisDN are being sent already");
  if (const auto why = too_many_outstanding(core, request)) return *why;
  core.order(*on->call, on->party->no,
             [&](link::Command& command) { command.mutable_send_digits()->set_digits(digits); });
  const Instant deadline = duration_of(digits) + core.settings().request_timeout;
  await(core, *on->call, *on->party, Awaited::Kind::Digits, request.asker(), deadline, std::move(digits));
  return std::nullopt;
}

void on_digits_sent(Core& core, CtiLink& link, const link::Happening& happening) {
  const auto awaited = take_awaited(core, link, happening);
  if (!awaited) return;
  Call* call = core.state.call(awaited->call);
  const Party* party = call != nullptr ? call->party(awaited->party) : nullptr;
  if (party != nullptr) tell_sent(core, *call, *party, awaited->digits, awaited->asker);
}

void on_digit(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  const Party* party = call != nullptr ? call->party(PartyNo{happening.party()}) : nullptr;
  if (party == nullptr || party->device == nullptr || happening.digit().digit().empty()) return;
  tell_sent(core, *call, *party, happening.digit().digit(), {});
}

}  // namespace

void register_dtmf(Table& table) {
  table.serve(tlib::RequestSendDTMF, send_dtmf);
  table.makes({tlib::EventDTMFSent});
  table.on(link::Happening::kDigitsSent, on_digits_sent);
  table.on(link::Happening::kDigit, on_digit);
}

}  // namespace tandem::tserver
