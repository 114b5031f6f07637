// What phones say and are told beside offer and answer: digits, "answer now" (talk), transfers (REFER), who is at them.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kDigitsMax = 64;                     // of one SendDigits
constexpr Instant kReferWait = std::chrono::seconds(180);  // a transfer without an outcome

bool is_digit(char c) {
  return (c >= '0' && c <= '9') || c == '*' || c == '#' || (c >= 'A' && c <= 'D') || (c >= 'a' && c <= 'd');
}

}  // namespace

// --- Digits ---

// Pressed by the party. Told to its treatment, or to the T-Server; what is pressed while a treatment doesn't ask for it
// counts for the next one that does.
void Core::digit(Party& party, char digit, std::uint32_t duration_ms) {
  if (!is_digit(digit)) return;
  if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
  if (party.play) {
    auto& machine = party.play->machine;
    if (!machine.collects() && party.typed.size() < kTypedMax) party.typed += digit;
    if (machine.takes_digits()) return run(party, machine.digit(digit));
  }
  auto message = happening(party);
  message.mutable_digit()->set_digit(std::string(1, digit));
  message.mutable_digit()->set_duration_ms(duration_ms);
  report(std::move(message));
}

void Core::on(DigitReceived& input) {
  const auto found = by_media_.find(input.media);
  if (found == by_media_.end()) return;
  if (auto* party = find_party(found->second)) digit(*party, input.digit, input.duration_ms);
}

// One that isn't in the voice stream, so the others are given it.
void Core::on(InfoDigit& input) {
  const auto* leg = find_leg(input.leg);
  auto* party = leg ? find_party(leg->party) : nullptr;
  if (!party || party->dialog != input.leg || !is_digit(input.digit)) return;
  if (!party->play) give_digits(*party, std::string(1, input.digit));
  digit(*party, input.digit, input.duration_ms);
}

bool Core::give_digits(const Party& from, const std::string& digits) {
  bool heard = false;
  const auto& conversation = *from.conversation;
  if (!is_here(from, conversation)) return false;
  for (const auto* party : conversation.parties) {
    if (party == &from || !is_here(*party, conversation) || party->state != PartyState::Connected) continue;
    if (!party->stream.announced || party->held || party->deaf()) continue;
    act(MediaDigits{party->stream.endpoint.media, digits});
    heard = true;
  }
  return heard;
}

void Core::send_digits(Party& party, const link::Command& command) {
  const auto& digits = command.send_digits().digits();
  if (digits.empty() || digits.size() > kDigitsMax ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return is_digit(c) || c == ','; })) {
    return command_failed(command, Code::BAD_ADDRESS, "not dialing digits, or too many");
  }
  if (party.state != PartyState::Connected || !give_digits(party, digits))
    return command_failed(command, Code::WRONG_STATE, "nobody is there to hear them");
  auto message = happening(party, command.id());
  message.mutable_digits_sent()->set_digits(digits);
  report(std::move(message));
}

// --- "Answer now" ---

void Core::pickup(Party& party, const link::Command& command) {
  if (!party.out) return command_failed(command, Code::WRONG_STATE, "it doesn't ring");
  LegId able;
  for (const auto id : party.out->legs) {
    const auto* leg = find_leg(id);
    if (leg && leg->talk && !able) able = id;
  }
  if (!able) return command_failed(command, Code::NOT_SUPPORTED, "the phone can't be told to answer");
  party.out->pickup = command.id();
  party.out->pickup_generation = link_generation_;
  act(SendTalk{able});
}

void Core::on(TalkRefused& input) {
  const auto* leg = find_leg(input.leg);
  auto* party = leg ? find_party(leg->party) : nullptr;
  if (!party || !party->out || party->out->pickup == 0) return;
  link::Command command;
  command.set_id(party->out->pickup_generation == link_generation_ ? party->out->pickup : 0);
  command.set_conversation(party->conversation->no.value);
  command.set_party(party->no.value);
  party->out->pickup = 0;
  command_failed(command, Code::NOT_SUPPORTED, "the phone refused to answer: " + std::to_string(input.status));
}

// --- Transfers ---

void Core::on(ReferAsked& input) {
  const auto refuse = [&](int status, std::string reason) {
    if (logs(LogLevel::Interaction))
      log(LogLevel::Interaction, "REFER refused with " + std::to_string(status) + ": " + reason);
    act(AnswerRefer{input.leg, status, {}});
  };
  const auto* leg = find_leg(input.leg);
  auto* party = leg && leg->state != LegState::Cancelling ? find_party(leg->party) : nullptr;
  if (!party || party->state != PartyState::Connected) return refuse(481, "no such dialog");
  if (!in_reach_) return refuse(503, "no T-Server in reach");
  if (party->referring) return refuse(491, "one is under way");
  if (input.refer_to.empty() || !one_line(input.refer_to)) return refuse(400, "Refer-To can't be used");
  party->referring = true;
  act(AnswerRefer{input.leg, 202, {}});
  arm(Wait::Refer, party->no.value, party->refer, kReferWait);
  auto message = happening(*party);
  auto& referred = *message.mutable_referred();
  const auto* other_leg = input.replaces ? find_leg(input.replaces) : nullptr;
  const auto* other = other_leg ? find_party(other_leg->party) : nullptr;
  referred.set_to(std::move(input.refer_to));
  if (other) {
    referred.set_replaces_conversation(other->conversation->no.value);
    referred.set_replaces_party(other->no.value);
  }
  referred.set_replaces_unknown(!other && (input.replaces || input.replaces_unknown));
  log(LogLevel::Trace, *party, "refers", referred.to());
  report(std::move(message));
}

void Core::refer(Party& party, const link::Command& command) {
  const auto& order = command.refer();
  if (!party.referring) return command_failed(command, Code::WRONG_STATE, "it asked for no transfer");
  if (order.status() < 100 || order.status() > 699) return command_failed(command, Code::NOT_SUPPORTED, "no status");
  if (!one_line(order.reason())) return command_failed(command, Code::BAD_ADDRESS, "control characters");
  referred(party, static_cast<int>(order.status()), order.reason());
}

void Core::referred(Party& party, int status, std::string reason) {
  if (status >= 200) {
    party.referring = false;
    disarm(Wait::Refer, party.no.value, party.refer);
  }
  act(NotifyRefer{party.dialog, status, std::move(reason)});
}

// --- Who is at it ---

void Core::identify(Party& party, std::string identity) {
  if (identity.empty() || !one_line(identity) || identity == party.identity) return;
  party.identity = std::move(identity);
  log(LogLevel::Trace, party, "identified", party.identity);
  auto message = happening(party);
  message.mutable_identified()->set_dn(party.identity);
  touch_all(party);
  report(std::move(message));
}

}  // namespace tandem::connector
