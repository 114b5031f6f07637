// T-Servers: who is connected, what a new one is told, and what happens while none is in reach.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

link::PartyState state_of(const Party& party, const Conversation& conversation) {
  switch (party.state) {
    case PartyState::Offered:
      return link::OFFERED;
    case PartyState::Inviting:
      return link::INVITING;
    case PartyState::Alerting:
      return link::ALERTING;
    case PartyState::Connected:
      break;
  }
  if (!is_here(party, conversation)) return link::HELD;
  return party.held ? link::HELD_BY_PHONE : link::CONNECTED;
}

}  // namespace

void Core::on(LinkOpened& input) {
  links_[input.link] = input.primary;
  conferences_made_.top_up(conference_policy(), now_.steady);
  log(LogLevel::Trace,
      "link " + std::to_string(input.link) + " opened, " + std::to_string(conversations_.size()) + " conversations");
  act(SendSnapshot{input.link, snapshot()});
  if (input.primary) offer_again();
  if (settings_.keep_calls) tell_all_ = true;
  reach_changed();
}

void Core::on(LinkRole& input) {
  const auto found = links_.find(input.link);
  if (found == links_.end()) return;
  if (found->second != input.primary) another_commands();
  found->second = input.primary;
  if (input.primary) {
    act(SendSnapshot{input.link, snapshot()});
    offer_again();
  }
  reach_changed();
}

void Core::on(LinkClosed& input) {
  const auto found = links_.find(input.link);
  if (found == links_.end()) return;
  if (found->second) another_commands();
  links_.erase(found);
  log(LogLevel::Trace, "link " + std::to_string(input.link) + " closed");
  reach_changed();
}

// Callers who came while there was no primary, or whose offer was the last that one heard.
void Core::offer_again() {
  std::vector<ConversationNo> all;
  for (const auto& [number, conversation] : conversations_) all.push_back(number);
  std::sort(all.begin(), all.end());
  offer_again(all);
}

void Core::offer_again(const std::vector<ConversationNo>& conversations) {
  for (const auto number : conversations) {
    const auto found = conversations_.find(number);
    if (found == conversations_.end() || found->second.parties.size() != 1 || found->second.conn_id != 0) continue;
    const auto* party = found->second.parties.front();
    if (!party->incoming || !party->incoming->offered) continue;
    auto message = happening(*party);
    *message.mutable_offered() = *party->incoming->offered;
    report(std::move(message));
  }
}

// What the one before began to say is void.
void Core::another_commands() {
  ++link_generation_;
  restored_.clear();
  restored_bytes_ = 0;
}

void Core::reach_changed() {
  const bool reach = std::any_of(links_.begin(), links_.end(), [](const auto& link) { return link.second; });
  if (reach == in_reach_) return;
  in_reach_ = reach;
  if (reach) {
    fallback_ = first_word_due_ = false;
    disarm(Wait::NoServer, 0, no_server_);
    log(LogLevel::Standard, "a primary T-Server is in reach");
    tell_strays();
  } else {
    over_unheard_.clear();  // those of before, it has heard of
    arm(Wait::NoServer, 0, no_server_, settings_.without_server);
    log(LogLevel::Standard, "no primary T-Server in reach: established calls stay, others end in " +
                                std::to_string(settings_.without_server.count()) + " ms");
  }
}

// The grace is over. Who talks to somebody goes on doing so.
void Core::end_unestablished() {
  fallback_ = true;
  first_word_due_ = false;
  decide_held();
  std::vector<PartyNo> ends;
  for (const auto& [number, conversation] : conversations_) {
    const auto connected = std::count_if(conversation.parties.begin(), conversation.parties.end(),
                                         [](const Party* party) { return party->state == PartyState::Connected; });
    for (const auto* party : conversation.parties) {
      const bool talks_elsewhere = !party->elsewhere.empty();
      if (party->state != PartyState::Connected || (connected < 2 && !talks_elsewhere)) ends.push_back(party->no);
    }
  }
  std::sort(ends.begin(), ends.end());  // same inputs, same outputs
  log(LogLevel::Standard,
      "no T-Server in time: " + std::to_string(ends.size()) + " parties not established are let go");
  for (const auto no : ends) {
    auto* party = find_party(no);
    if (!party) continue;
    const bool caller = party->state == PartyState::Offered;
    end_party(*party, End{.cause = link::Left::REMOVED,
                          .reason = "no T-Server in reach",
                          .status = caller ? 503 : 487,
                          .retry_after = true});
  }
}

void Core::on(CoreStopping&) {
  stopping_ = true;
  say_all_byes();
  std::vector<PartyNo> all;
  for (const auto& [number, conversation] : conversations_)
    for (const auto* party : conversation.parties) all.push_back(party->no);
  std::sort(all.begin(), all.end());  // same inputs, same outputs
  log(LogLevel::Standard, "stopping: " + std::to_string(all.size()) + " parties are let go");
  for (const auto no : all) {
    auto* party = find_party(no);
    if (!party) continue;
    const bool called = party->outgoing && party->state != PartyState::Connected;
    end_party(*party, End{.cause = link::Left::SHUTDOWN, .reason = "stopping", .status = called ? 487 : 503});
  }
}

void Core::describe(const Conversation& conversation, link::Conversation& to) const {
  to.set_conversation(conversation.no.value);
  to.set_conversation_id(conversation.id);
  to.set_conn_id(conversation.conn_id);
  to.set_call_uuid(conversation.call_uuid);
  if (conversation.focus) to.set_conference_uri(conversation.focus->uri);
  for (const auto* party : conversation.parties) {
    auto& copy = *to.add_parties();
    copy.set_party(party->no.value);
    copy.set_state(state_of(*party, conversation));
    copy.set_dn(party->dn);
    copy.set_outgoing(party->outgoing);
    copy.set_playing(party->play != nullptr);
    if (party->audio) *copy.mutable_audio() = *party->audio;
    const auto leg = legs_.find(party->dialog ? party->dialog : first_leg(*party));
    if (leg != legs_.end()) copy.set_call_id(leg->second.call_id);
  }
}

link::Snapshot Core::snapshot() const {
  link::Snapshot all;
  for (const auto& [number, conversation] : conversations_) describe(conversation, *all.add_conversations());
  std::sort(all.mutable_conversations()->begin(), all.mutable_conversations()->end(),
            [](const auto& a, const auto& b) { return a.conversation() < b.conversation(); });
  all.set_stale(held_back_);
  for (auto& registration : directory_.registrations(now_)) *all.add_registrations() = std::move(registration);
  return all;
}

}  // namespace tandem::connector
