// Called parties: from the order to call to the answer. Several contacts ring at once, by q value one group after the
// other.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr Instant kCancelGuard = std::chrono::seconds(40);  // beyond 64*T1 (RFC 3261 section 9.1)
constexpr std::string_view kElsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";

// How much a final response tells the caller; the least is the best (RFC 3261 section 16.7 step 6).
int rank(int status) {
  if (status >= 600) return 0;
  if (status == 408 || status == 487 || status == 481) return 499;  // within its class the last choice
  if (status == 401 || status == 407 || status == 415 || status == 420 || status == 484) return 401;
  if (status == 486 || status == 480) return 410;
  if (status / 100 == 4) return 450;
  return status / 100 * 100 + 99;
}

bool is_uri(const std::string& text) {
  return text.starts_with("sip:") || text.starts_with("sips:") || text.starts_with("tel:");
}

}  // namespace

void Core::invite(const link::Command& command) {
  const auto& order = command.invite();
  const PartyNo no{command.party()};
  const ConversationNo number{command.conversation()};
  auto* const there = find_party(no);
  if (there && there->outgoing && there->dn == order.to() && there->conversation->no == number) {
    // Ordered again by a T-Server that couldn't know that it was heard.
    there->command = command.id();
    there->command_generation = link_generation_;
    return;
  }
  if (!no || there) return command_failed(command, Code::WRONG_STATE, "party exists or has no number");
  if (order.to().empty() || !one_line(order.to()) || !one_line(order.from()) || !one_line(order.from_display())) {
    return command_failed(command, Code::BAD_ADDRESS, "empty address or control characters");
  }
  for (const auto& header : order.headers()) {
    if (header.name().empty() || !one_line(header.name()) || !one_line(header.value())) {
      return command_failed(command, Code::BAD_ADDRESS, "header with control characters");
    }
  }
  const auto known = conversations_.find(number);
  if (known == conversations_.end() && (!order.originator() || !number)) {
    return command_failed(command, Code::NO_SUCH_CONVERSATION, "no such conversation");
  }
  if (stopping_) return command_failed(command, Code::NO_RESOURCES, "stopping");
  if (parties_.size() >= settings_.parties_max ||
      (known == conversations_.end() && conversations_.size() >= settings_.conversations_max)) {
    return command_failed(command, Code::NO_RESOURCES, "limit of conversations or parties reached");
  }

  Unreachable why;
  auto targets = directory_.resolve(order.to(), why);
  auto& conversation =
      known != conversations_.end() ? known->second : make_conversation(number, to_string(number) + "-Genesys");
  auto& party = parties_[no];
  party.no = no;
  party.conversation = &conversation;
  party.state = PartyState::Inviting;
  party.outgoing = true;
  party.dn = order.to();
  party.command = command.id();
  party.command_generation = link_generation_;
  party.out = std::make_unique<Outgoing>();
  conversation.parties.push_back(&party);
  touch(conversation);
  if (targets.empty()) return end_party(party, End{.reason = std::move(why.reason), .status = why.status});
  if (conversation.max_forwards <= 1) return end_party(party, End{.reason = "too many hops", .status = 483});

  auto& out = *party.out;
  take_targets(out, std::move(targets));
  if (!open_stream(party, out.targets.front().local_ip)) {
    // Nothing was begun: no Failed, the command as such can't be carried out.
    std::erase(conversation.parties, &party);
    parties_.erase(no);
    if (conversation.parties.empty()) end_conversation(conversation);
    return command_failed(command, Code::NO_RESOURCES, "no RTP port left");
  }
  out.to = is_uri(order.to()) ? order.to() : std::string();
  out.from_uri = order.from();
  out.from_display = order.from_display();
  out.max_forwards = conversation.max_forwards - 1;
  out.session_expires_s = settings_.session_expires_s;
  out.headers.reserve(static_cast<std::size_t>(order.headers_size()) + 2);
  for (const auto& header : order.headers()) out.headers.push_back(SipHeader{header.name(), header.value()});
  if (order.auto_answer()) {
    out.headers.push_back(SipHeader{"Call-Info", "<sip:auto-answer>;answer-after=0"});
    out.headers.push_back(SipHeader{"Alert-Info", "<http://localhost>;info=alert-autoanswer;delay=0"});
  }
  out.sdp = offer_body(party, offer_from_peer(party));
  if (order.timeout_ms()) ring_until(party, now_.steady + std::chrono::milliseconds(order.timeout_ms()));
  call_group(party);
}

void Core::take_targets(Outgoing& out, std::vector<Target> targets) {
  out.targets = std::move(targets);
  std::stable_sort(out.targets.begin(), out.targets.end(),
                   [](const Target& a, const Target& b) { return a.q_milli > b.q_milli; });
  if (out.targets.size() > settings_.targets_max) out.targets.resize(settings_.targets_max);
}

void Core::ring_until(Party& party, Instant at) {
  party.out->ring_due = at;
  arm(Wait::Ring, party.no.value, party.out->ring, std::max<Instant>(at - now_.steady, Instant{1}));
}

void Core::next_group_at(Party& party, Instant at) {
  party.out->group_due = at;
  arm(Wait::ForkGroup, party.no.value, party.out->group, std::max<Instant>(at - now_.steady, Instant{1}));
}

// Calls the next contacts of one q value, or ends the party if there are none.
void Core::call_group(Party& party) {
  auto& out = *party.out;
  disarm(Wait::ForkGroup, party.no.value, out.group);
  if (out.next >= out.targets.size()) {
    return end_party(party, End{.reason = std::move(out.reason),
                                .status = out.status ? out.status : 480,
                                .contacts = std::move(out.contacts)});
  }
  const auto q = out.targets[out.next].q_milli;
  while (out.next < out.targets.size() && out.targets[out.next].q_milli == q) call_target(party, out.next++, false);
  if (out.next < out.targets.size()) next_group_at(party, now_.steady + settings_.fork_group);
}

void Core::call_target(Party& party, std::size_t target, bool retried) {
  auto& out = *party.out;
  const LegId id{kTopBit | ++leg_counter_};
  auto& leg = legs_[id];
  leg.id = id;
  leg.party = party.no;
  leg.target = target;
  leg.retried = retried;
  leg.call_id = to_hex(id.value) + to_hex(incarnation_ ^ ids_);  // also of two that started in the same moment
  out.legs.push_back(id);
  if (logs(LogLevel::Trace)) log(LogLevel::Trace, party, "inviting", out.targets[target].request_uri);
  act(SendInvite{.leg = id,
                 .target = out.targets[target],
                 .from_uri = out.from_uri,
                 .from_display = out.from_display,
                 .to_uri = out.to.empty() ? out.targets[target].request_uri : out.to,
                 .conversation_id = party.conversation->id,
                 .headers = out.headers,
                 .sdp = out.sdp,
                 .session_expires_s = out.session_expires_s,
                 .min_se_s = out.min_se_s,
                 .max_forwards = out.max_forwards,
                 .call_id = leg.call_id});
}

// Gives one attempt up; what still comes of it is dealt with by state Cancelling.
void Core::give_up(LegId id, std::string_view reason) {
  auto* leg = find_leg(id);
  if (!leg) return;
  if (leg->restored) follow(*leg);
  leg->state = LegState::Cancelling;
  leg->party = PartyNo{};
  act(SendCancel{id, std::string(reason)});
  arm(Wait::CancelGuard, id.value, leg->guard, kCancelGuard);
}

void Core::give_up_legs(Party& party, LegId but, std::string_view reason) {
  for (const auto id : party.out->legs) {
    if (id != but) give_up(id, reason);
  }
  party.out->legs.clear();
}

// Without a word to anybody.
void Core::drop_legs(Party& party) {
  for (const auto id : std::exchange(party.out->legs, {})) drop(id);
}

void Core::note_failure(Outgoing& out, int status, std::string reason, std::vector<std::string> contacts) {
  if (status / 100 == 3) {
    for (auto& contact : contacts) {
      if (out.contacts.size() < settings_.targets_max) out.contacts.push_back(std::move(contact));
    }
  }
  if (out.status != 0 && rank(out.status) <= rank(status)) return;
  out.status = status;
  out.reason = std::move(reason);
}

void Core::branch_failed(Party& party, LegId id, int status, std::string reason, std::vector<std::string> contacts) {
  auto& out = *party.out;
  forget(id);
  std::erase(out.legs, id);
  note_failure(out, status, std::move(reason), std::move(contacts));
  if (status >= 600) {
    // A global refusal: nobody else is tried (RFC 3261 section 16.7 step 5).
    return end_party(party, End{.reason = std::move(out.reason), .status = out.status});
  }
  if (out.legs.empty()) call_group(party);
}

void Core::on(Progressed& input) {
  auto* leg = find_leg(input.leg);
  if (!leg || leg->incoming || leg->state != LegState::Trying) return;
  auto* party = find_party(leg->party);
  if (!party || !party->out) return;
  bool changed = false;
  leg->talk = leg->talk || input.talk;
  if (input.sdp) {
    auto remote = read_answer(*input.sdp, party->stream.line);
    auto agreed = remote ? settle(party->stream.described, remote->payloads) : Payloads{};
    if (!agreed.empty()) {
      take_remote(*party, std::move(*remote), std::move(agreed));
      party->early_media = true;
      connect(*party);
      changed = true;
    }
  }
  const bool alerts = input.status == 180 || input.status == 183 || changed;
  if (alerts && party->state == PartyState::Inviting) {
    party->state = PartyState::Alerting;
    log(LogLevel::Trace, *party, "alerting", party->early_media ? "early media" : "");
    auto message = happening(*party, party->command_generation == link_generation_ ? party->command : 0);
    message.mutable_alerting()->set_early_media(party->early_media);
    message.mutable_alerting()->set_talk(leg->talk);
    report(std::move(message));
    changed = true;
  }
  if (changed) pass_early_media(*party->conversation);
}

void Core::on(InviteAccepted& input) {
  auto* leg = find_leg(input.leg);
  if (!leg || leg->incoming) return;
  if (leg->state == LegState::Cancelling) {
    // The answer overtook our CANCEL.
    act(SendBye{input.leg, std::string(kElsewhere)});
    return forget(input.leg);
  }
  if (leg->state != LegState::Trying) return;
  auto* party = find_party(leg->party);
  if (!party || !party->out) return;
  auto remote = read_answer(input.sdp ? std::string_view(*input.sdp) : std::string_view(), party->stream.line);
  auto agreed = remote ? settle(party->stream.described, remote->payloads) : Payloads{};
  if (agreed.empty()) {
    const std::string why = remote ? "no common format" : remote.error().text;
    act(SendBye{input.leg, "SIP;cause=488"});
    return branch_failed(*party, input.leg, 488, why, {});
  }
  leg->state = LegState::Confirmed;
  if (!input.call_id.empty()) leg->call_id = input.call_id;
  auto& out = *party->out;
  give_up_legs(*party, input.leg, kElsewhere);
  disarm(Wait::Ring, party->no.value, out.ring);
  disarm(Wait::ForkGroup, party->no.value, out.group);
  const auto expiry = timer_answered(input.timer, out.session_expires_s);
  auto message = happening(*party, party->command_generation == link_generation_ ? party->command : 0);
  auto& answered = *message.mutable_answered();
  const auto& target = out.targets[leg->target];
  if (!input.asserted_identity.empty()) {
    answered.set_dn(std::move(input.asserted_identity));
  } else {
    answered.set_dn(target.dn.empty() ? party->dn : target.dn);
  }
  party->identity = answered.dn();
  answered.set_call_id(leg->call_id);
  party->out.reset();
  party->dialog = input.leg;
  party->state = PartyState::Connected;
  party->early_media = false;
  log(LogLevel::Trace, *party, "answered", answered.dn());
  take_remote(*party, std::move(*remote), std::move(agreed));
  run_session_timer(*party, expiry);
  connect(*party);
  report(std::move(message));
  set_held(*party, party->stream.remote->held);
  touch(*party->conversation);
}

void Core::on(InviteRejected& input) {
  auto* leg = find_leg(input.leg);
  if (!leg || leg->incoming) return;
  if (leg->state == LegState::Cancelling) return forget(input.leg);
  if (leg->state != LegState::Trying) return;
  auto* party = find_party(leg->party);
  if (!party || !party->out) return;
  auto& out = *party->out;
  if (input.status == 422 && input.min_se_s > out.session_expires_s && !leg->retried) {
    // Again with the interval it wants (RFC 4028 section 7.3).
    const auto target = leg->target;
    out.session_expires_s = out.min_se_s = input.min_se_s;
    forget(input.leg);
    std::erase(out.legs, input.leg);
    return call_target(*party, target, true);
  }
  if (logs(LogLevel::Trace)) log(LogLevel::Trace, *party, "refused", std::to_string(input.status) + " " + input.reason);
  branch_failed(*party, input.leg, input.status, std::move(input.reason), std::move(input.contacts));
}

}  // namespace tandem::connector
