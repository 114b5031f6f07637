// Conferences that can be called and watched: the address of a conversation, who enters by it, and what its subscribers
// are told (OCS-41, OCS-50 to OCS-52).
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kSubscribersMax = 200;  // of one conference

const char* status_of(const Party& party, const Conversation& conversation) {
  switch (party.state) {
    case PartyState::Offered:
      return "dialing-in";
    case PartyState::Inviting:
      return "dialing-out";
    case PartyState::Alerting:
      return "alerting";
    case PartyState::Connected:
      break;
  }
  if (party.held || !is_here(party, conversation)) return "on-hold";
  return party.muted() ? "muted-via-focus" : "connected";
}

const char* direction_of(const Party& party, const Conversation& conversation) {
  if (party.state != PartyState::Connected) return "";
  if (party.held || !is_here(party, conversation)) return "inactive";
  const bool muted = party.muted();
  const bool deaf = party.deaf();
  return muted && deaf ? "inactive" : muted ? "recvonly" : deaf ? "sendonly" : "sendrecv";
}

std::string as_uri(const std::string& address) {
  return address.find(':') != std::string::npos ? address : "tel:" + address;
}

Roster roster_of(const Conversation& conversation) {
  Roster roster{.uri = conversation.focus->uri, .locked = conversation.focus->locked};
  for (const auto* party : conversation.parties) {
    if (party->audio && party->audio->hidden()) continue;
    const auto& who = party->identity.empty() ? party->dn : party->identity;
    roster.entries.push_back(RosterEntry{.user = as_uri(who),
                                         .endpoint = to_string(party->no),
                                         .role = roster.entries.empty() ? "organizer" : "participant",
                                         .status = status_of(*party, conversation),
                                         .called = party->outgoing,
                                         .direction = direction_of(*party, conversation)});
  }
  return roster;
}

}  // namespace

ConferencePolicy Core::conference_policy() const {
  return ConferencePolicy{.count = settings_.conferences.count,
                          .ready = settings_.conference_pool_size,
                          .keep = settings_.caching && !settings_.conference_shutdown,
                          .uses = settings_.conference_uses};
}

void Core::conference(Conversation& conversation, const link::Command& command) {
  const auto& order = command.conference();
  if (order.open() && !conversation.focus) {
    if (settings_.conferences.count == 0)
      return command_failed(command, Code::NOT_SUPPORTED, "no addresses of conferences are configured");
    const auto taken = conferences_made_.take(conference_policy(), now_.steady);
    if (!taken) return command_failed(command, Code::NO_RESOURCES, "all addresses of conferences are in use");
    conversation.focus = std::make_unique<Focus>();
    conversation.focus->conference = *taken;
    conversation.focus->uri = settings_.conferences.name(taken->number);
    conferences_[taken->number] = conversation.no;
  } else if (!order.open() && conversation.focus) {
    close_focus(conversation);
  }
  if (conversation.focus) {
    conversation.focus->locked = order.locked();
    conversation.focus->lobby = order.lobby() || !settings_.lobby_bypass;
    touch(conversation);
  }
  report_conference(conversation, command.id());
}

void Core::report_conference(const Conversation& conversation, std::uint64_t command) {
  link::Happening message;
  message.set_command(command);
  message.set_conversation(conversation.no.value);
  auto& changed = *message.mutable_conference_changed();
  if (conversation.focus) {
    changed.set_uri(conversation.focus->uri);
    changed.set_locked(conversation.focus->locked);
    changed.set_lobby(conversation.focus->lobby);
  }
  if (logs(LogLevel::Trace)) {
    log(LogLevel::Trace, "conference " + (changed.uri().empty() ? "closed" : changed.uri()) +
                             (changed.locked() ? " locked" : "") + (changed.lobby() ? " lobby" : "") +
                             ": conversation " + conversation.id + " connid " + to_hex(conversation.conn_id));
  }
  report(std::move(message));
}

// The address is given back, and who watches it is told that it is over.
void Core::close_focus(Conversation& conversation) {
  if (!conversation.focus) return;
  auto focus = std::move(conversation.focus);
  const auto body =
      focus->subscribers.empty()
          ? std::string()
          : conference_info(Roster{.uri = focus->uri, .locked = focus->locked, .active = false}, focus->version + 1);
  for (const auto subscription : focus->subscribers) {
    subscriptions_.erase(subscription);
    act(NotifyConference{subscription, body, true});
  }
  conferences_.erase(focus->conference.number);
  // Of a pattern that holds no more, nothing is kept.
  if (settings_.conferences.count != 0 && settings_.conferences.name(focus->conference.number) == focus->uri)
    conferences_made_.give_back(focus->conference, conference_policy(), now_.steady);
}

// Merged: the address leads to the other conversation from now on, unless that has its own.
void Core::move_focus(Conversation& from, Conversation& into) {
  if (!from.focus || into.focus) return;
  into.focus = std::move(from.focus);
  conferences_[into.focus->conference.number] = into.no;
  for (const auto subscription : into.focus->subscribers) subscriptions_[subscription] = into.no;
  touch(into);
  report_conference(into, 0);
}

// None: it leads nowhere.
Conversation* Core::conference_at(std::string_view uri) {
  const auto number = settings_.conferences.number(uri);
  const auto found = number ? conferences_.find(*number) : conferences_.end();
  if (found == conferences_.end()) return nullptr;
  const auto conversation = conversations_.find(found->second);
  const bool same = conversation != conversations_.end() && conversation->second.focus->uri == uri;
  return same ? &conversation->second : nullptr;
}

// Past the lobby: answered without an order.
void Core::enter(PartyNo no) {
  auto* party = find_party(no);
  link::Command none;
  none.set_conversation(party->conversation->no.value);
  none.set_party(no.value);
  answer_call(*party, none);
  party = find_party(no);
  if (!party) return;
  auto message = happening(*party);
  message.mutable_answered()->set_dn(party->dn);
  if (const auto* leg = find_leg(party->dialog)) message.mutable_answered()->set_call_id(leg->call_id);
  report(std::move(message));
}

// --- Subscribers ---

void Core::on(ConferenceSubscribed& input) {
  const auto known = subscriptions_.find(input.subscription);
  if (known != subscriptions_.end()) {
    const auto conversation = conversations_.find(known->second);
    if (conversation == conversations_.end()) return;
    auto& focus = *conversation->second.focus;
    return act(NotifyConference{input.subscription, conference_info(roster_of(conversation->second), ++focus.version)});
  }
  auto* conversation = conference_at(input.uri);
  if (!conversation) return act(AnswerSubscription{input.subscription, 404});
  auto& focus = *conversation->focus;
  if (focus.subscribers.size() >= kSubscribersMax) return act(AnswerSubscription{input.subscription, 503});
  focus.subscribers.push_back(input.subscription);
  subscriptions_[input.subscription] = conversation->no;
  const auto roster = roster_of(*conversation);
  focus.told = conference_info(roster, 0);
  act(AnswerSubscription{input.subscription, 200});
  act(NotifyConference{input.subscription, conference_info(roster, ++focus.version)});
  if (focus.subscribers.size() == 1 && logs(LogLevel::Trace))
    log(LogLevel::Trace, "conference " + focus.uri + " is watched by " + input.subscriber);
}

void Core::on(ConferenceUnsubscribed& input) {
  const auto found = subscriptions_.find(input.subscription);
  if (found == subscriptions_.end()) return;
  const auto conversation = conversations_.find(found->second);
  if (conversation != conversations_.end() && conversation->second.focus)
    std::erase(conversation->second.focus->subscribers, input.subscription);
  subscriptions_.erase(found);
}

// At the end of an input that changed something.
void Core::tell_subscribers(Conversation& conversation) {
  if (!conversation.focus || conversation.focus->subscribers.empty()) return;
  auto& focus = *conversation.focus;
  const auto roster = roster_of(conversation);
  auto same = conference_info(roster, 0);
  if (same == focus.told) return;
  focus.told = std::move(same);
  const auto body = conference_info(roster, ++focus.version);
  for (const auto subscription : focus.subscribers) act(NotifyConference{subscription, body});
}

}  // namespace tandem::connector
