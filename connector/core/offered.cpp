// Callers: from INVITE to the answer.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kConversationIdMax = 128;
constexpr Instant kProvisionalAgain = std::chrono::seconds(60);  // RFC 3261 section 13.3.1.1

// What a caller brought as Conversation-ID goes into other phones' headers and events: visible characters only.
bool usable_conversation_id(const std::string& id) {
  return !id.empty() && id.size() <= kConversationIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~' && c != ',' && c != ';'; });
}

}  // namespace

// Refused before it is anything: no conversation, nothing for the T-Server.
void Core::refuse_call(const Invited& input, int status, std::string reason, bool retry_after) {
  if (logs(LogLevel::Interaction)) {
    log(LogLevel::Interaction, "refused with " + std::to_string(status) + ": " + reason + " caller " + input.caller.dn +
                                   " to " + input.request_uri + " call-id " + input.call_id);
  }
  Answer answer{.leg = input.leg, .status = status};
  if (status == 422) answer.timer.min_se_s = std::max(settings_.min_se_s, kMinSe);
  if (retry_after) answer.headers.push_back(SipHeader{"Retry-After", std::to_string(settings_.retry_after_s)});
  act(std::move(answer));
  act(ForgetLeg{input.leg});
}

// The party whose dialog, or ringing, is to be taken over (RFC 3891). An early dialog of a caller can't be.
Party* Core::replaced_by(LegId id) {
  const auto* leg = find_leg(id);
  if (!leg || leg->state == LegState::Cancelling || (leg->state == LegState::Trying && leg->incoming)) return nullptr;
  return find_party(leg->party);
}

Conversation& Core::begin_conversation(Invited& input) {
  const ConversationNo number{next_id()};
  return make_conversation(number, usable_conversation_id(input.conversation_id) ? std::move(input.conversation_id)
                                                                                 : to_string(number) + "-Genesys");
}

void Core::on(Invited& input) {
  if (find_leg(input.leg)) return;
  if (stopping_) return refuse_call(input, 503, "stopping", true);
  if (fallback_) return refuse_call(input, 503, "no T-Server in reach", true);
  if (conversations_.size() >= settings_.conversations_max || parties_.size() >= settings_.parties_max) {
    return refuse_call(input, 503, "limit of conversations or parties reached", true);
  }
  if (too_small(input.timer, settings_)) return refuse_call(input, 422, "session interval too small", false);
  std::optional<Remote> remote;
  if (input.sdp) {
    auto read = read_offer(*input.sdp);
    if (!read) return refuse_call(input, read.error().status, read.error().text, false);
    remote = std::move(*read);
  }

  const auto* replaced = input.replaces ? replaced_by(input.replaces) : nullptr;
  if (input.replaces && !replaced) return refuse_call(input, 481, "the call to take over is gone", false);

  Conversation* entered = nullptr;
  if (!replaced && settings_.conferences.number(input.request_uri)) {
    entered = conference_at(input.request_uri);
    if (!entered) return refuse_call(input, 404, "no such conference", false);
    if (entered->focus->locked) return refuse_call(input, 403, "the conference is locked", false);
  }

  auto& conversation = replaced ? *replaced->conversation : entered ? *entered : begin_conversation(input);
  conversation.max_forwards = std::min(conversation.max_forwards, input.max_forwards);
  const PartyNo no{next_id()};
  auto& party = parties_[no];
  party.no = no;
  party.conversation = &conversation;
  party.dn = std::move(input.caller.dn);
  party.identity = party.dn;
  party.dialog = input.leg;
  party.incoming = std::make_unique<Incoming>();
  party.incoming->timer = input.timer;
  party.incoming->local_ip = std::move(input.local_ip);
  conversation.parties.push_back(&party);

  auto message = happening(party);
  auto& offered = *message.mutable_offered();
  offered.set_conversation_id(conversation.id);
  offered.set_from(party.dn);
  offered.set_from_display(std::move(input.from_display));
  offered.set_from_authenticated(input.caller.authenticated);
  offered.set_trunk(std::move(input.caller.trunk));
  offered.set_to(std::move(input.request_uri));
  offered.set_call_id(input.call_id);
  offered.set_video(remote && remote->video);
  for (auto& header : input.headers) {
    auto& copy = *offered.add_headers();
    copy.set_name(std::move(header.name));
    copy.set_value(std::move(header.value));
  }
  offered.set_source(std::move(input.source));
  if (replaced) offered.set_replaces(replaced->no.value);
  offered.set_conference(entered != nullptr);

  auto& leg = legs_[input.leg];
  leg.id = input.leg;
  leg.party = no;
  leg.incoming = true;
  leg.call_id = std::move(input.call_id);
  if (remote) {
    auto& stream = party.stream;
    stream.can = remote->payloads;
    stream.line = remote->line;
    stream.others = std::move(remote->others);
    stream.transport = remote->transport;
    stream.remote = std::move(remote);
  }
  log(LogLevel::Trace, party, "offered", offered.to());
  if (!replaced && !entered) party.incoming->offered = std::make_unique<link::Offered>(offered);
  report(std::move(message));
  arm(Wait::Decision, no.value, party.incoming->decision, settings_.undecided);
  touch(conversation);
  if (entered && !entered->focus->lobby) enter(no);
}

void Core::decision_due(Party& party) {
  auto& incoming = *party.incoming;
  if (incoming.provisional == 0) {
    return end_party(
        party,
        End{.cause = link::Left::REMOVED, .reason = "no T-Server decided in time", .status = 503, .retry_after = true});
  }
  // Proxies on the way give up a call that is silent for three minutes.
  give_provisional(party);
}

void Core::give_provisional(Party& party) {
  auto& incoming = *party.incoming;
  if (is_withheld(party.dialog)) return;  // what is to be said is said once it is ours
  act(Answer{.leg = party.dialog,
             .status = incoming.provisional,
             .sdp = incoming.with_sdp ? party.stream.local : std::string()});
  arm(Wait::Decision, party.no.value, incoming.decision, kProvisionalAgain);
}

// 183 with our answer. False: can't be, there is no offer, no common format or no port.
bool Core::answer_early(Party& party, Payloads agreed) {
  auto& incoming = *party.incoming;
  if (incoming.with_sdp || !party.stream.remote || agreed.empty() || !open_stream(party, incoming.local_ip))
    return false;
  answer_body(party, agreed);
  party.stream.agreed = std::move(agreed);
  incoming.provisional = 183;
  incoming.with_sdp = true;
  give_provisional(party);
  connect(party);
  return true;
}

void Core::admit(Party& party, Conversation& conversation, const link::Command& command) {
  if (party.state == PartyState::Connected && command.admit().mode() == link::Admit::WAITING) {
    conversation.waits = true;
    return touch(conversation);
  }
  if (party.state != PartyState::Offered) return command_failed(command, Code::WRONG_STATE, "not an offered party");
  auto& incoming = *party.incoming;
  incoming.offered.reset();
  const auto mode = command.admit().mode();
  if (mode == link::Admit::ANSWER) return answer_call(party, command);
  if (mode == link::Admit::WAITING) {
    if (incoming.waiting) return;
    incoming.waiting = true;
    if (settings_.early_media_waiting && answer_early(party, own_share(party.stream.can))) {
      log(LogLevel::Trace, party, "waiting", "183");
      return touch(*party.conversation);
    }
  } else if (mode != link::Admit::RINGING) {
    return command_failed(command, Code::NOT_SUPPORTED, "unknown mode");
  }
  if (incoming.provisional != 0) return;  // hears ringback already
  incoming.provisional = 180;
  log(LogLevel::Trace, party, incoming.waiting ? "waiting" : "ringing", "180");
  give_provisional(party);
  pass_early_media(*party.conversation);
}

// Announcements of a trunk before it answers are for the caller's ears, if it was told that the other side alerts.
void Core::pass_early_media(Conversation& conversation) {
  if (!settings_.early_media_through) return;
  Party* caller = nullptr;
  const Party* called = nullptr;
  for (auto* party : conversation.parties) {
    if (party->incoming && party->incoming->provisional == 180) caller = party;
    if (party->early_media) called = party;
  }
  if (caller && called) answer_early(*caller, share(caller->stream.can, called->stream.agreed));
  touch(conversation);
}

void Core::answer_call(Party& party, const link::Command& command) {
  auto& incoming = *party.incoming;
  auto& stream = party.stream;
  if (!open_stream(party, incoming.local_ip)) {
    command_failed(command, Code::NO_RESOURCES, "no RTP port left");
    return end_party(
        party, End{.cause = link::Left::REMOVED, .reason = "no RTP port left", .status = 503, .retry_after = true});
  }
  std::string body;
  if (!stream.remote) {
    body = offer_body(party, offer_from_peer(party));
    party.answer_owed = true;
  } else if (incoming.with_sdp) {
    body = stream.local;  // the 2xx repeats what the 183 said
  } else {
    const auto* peer = peer_of(party);
    auto agreed = peer ? share(stream.can, peer->stream.agreed) : Payloads{};
    if (agreed.empty()) agreed = own_share(stream.can);
    if (agreed.empty()) agreed = stream.can;
    body = answer_body(party, agreed);
    stream.agreed = std::move(agreed);
  }
  const auto timer = answer_timer(incoming.timer, settings_);
  disarm(Wait::Decision, party.no.value, incoming.decision);
  party.incoming.reset();
  party.state = PartyState::Connected;
  if (auto* leg = find_leg(party.dialog)) leg->state = LegState::Answered;
  log(LogLevel::Trace, party, "answered");
  act(Answer{.leg = party.dialog, .status = 200, .sdp = std::move(body), .timer = timer.response});
  run_session_timer(party, timer.expiry);
  if (stream.remote) {
    connect(party);
    set_held(party, stream.remote->held);
  }
  touch(*party.conversation);
}

void Core::reject(Party& party, const link::Command& command) {
  if (party.state != PartyState::Offered) return command_failed(command, Code::WRONG_STATE, "not an offered party");
  const auto& order = command.reject();
  if (order.status() < 300 || order.status() > 699)
    return command_failed(command, Code::NOT_SUPPORTED, "not a final refusal");
  const bool redirect = order.status() < 400;
  if (redirect && order.contact().empty())
    return command_failed(command, Code::BAD_ADDRESS, "redirection without contact");
  if (!one_line(order.contact()) || !one_line(order.reason()))
    return command_failed(command, Code::BAD_ADDRESS, "control characters");
  End end{.cause = link::Left::REMOVED,
          .reason = order.reason(),
          .command = command.id(),
          .status = static_cast<int>(order.status())};
  end.phrase = order.reason();
  if (redirect) end.contacts.push_back(order.contact());
  end_party(party, std::move(end));
}

void Core::on(Cancelled& input) {
  auto* leg = find_leg(input.leg);
  if (!leg || !leg->incoming || leg->state == LegState::Confirmed) return;
  auto* party = find_party(leg->party);
  if (!party) return;
  if (!in_reach_ && !input.branch.empty()) tell({leg->call_id, std::move(input.branch), input.reason});
  end_party(*party, End{.cause = link::Left::CANCELLED, .reason = std::move(input.reason), .gone = true});
}

void Core::on(Acked& input) {
  auto* leg = find_leg(input.leg);
  if (!leg || leg->state == LegState::Trying || leg->state == LegState::Cancelling) return;
  auto* party = find_party(leg->party);
  if (!party) return;
  const bool first = leg->state == LegState::Answered;
  leg->state = LegState::Confirmed;
  if (first) log(LogLevel::Trace, *party, "acknowledged");
  if (party->answer_owed && !answered_late(*party, first, input.sdp)) return;
  if (party->reinvite_wanted) send_reinvite(*party);
}

// The ACK to our offer in a 2xx. False: the party is gone.
bool Core::answered_late(Party& party, bool first, const std::optional<std::string>& sdp) {
  party.answer_owed = false;
  auto& stream = party.stream;
  auto remote = read_answer(sdp ? std::string_view(*sdp) : std::string_view(), stream.line);
  auto agreed = remote ? settle(stream.described, remote->payloads) : Payloads{};
  if (agreed.empty()) {
    const std::string why = remote ? "no common format" : remote.error().text;
    if (!first) {
      log(LogLevel::Standard, party, "re-INVITE without a usable answer", why);
      return true;  // what was agreed before stays
    }
    end_party(party, End{.cause = link::Left::MEDIA_REFUSED, .reason = why, .wire_reason = "SIP;cause=488"});
    return false;
  }
  take_answer(party, std::move(*remote), std::move(agreed));
  return true;
}

void Core::on(AckMissing& input) {
  auto* leg = find_leg(input.leg);
  if (!leg || leg->state == LegState::Trying || leg->state == LegState::Cancelling) return;
  if (auto* party = find_party(leg->party)) {
    end_party(*party,
              End{.cause = link::Left::NO_ACK, .reason = "no ACK", .wire_reason = "SIP;cause=408;text=\"no ACK\""});
  }
}

}  // namespace tandem::connector
