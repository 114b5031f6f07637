#include "fake_connector.h"

namespace tandem::tserver::test {

void FakeConnector::remove(std::uint64_t conversation, std::uint64_t party) {
  const auto it = talks_.find(conversation);
  if (it == talks_.end()) return;
  it->second.legs.erase(party);
  if (it->second.legs.empty()) talks_.erase(it);
}

void FakeConnector::obey(const link::Command& command) {
  const std::uint64_t no = command.conversation();
  if (command.has_invite() && (talks_.contains(no) || command.invite().originator())) {
    talks_[no].legs[command.party()] = {link::INVITING, command.invite().to(), true};
    return;
  }
  const auto it = talks_.find(no);
  if (it == talks_.end()) return;
  if (command.has_tag()) {
    it->second.conn_id = command.tag().conn_id();
    it->second.uuid = command.tag().call_uuid();
  } else if (command.has_admit()) {
    const auto leg = it->second.legs.find(command.party());
    if (leg != it->second.legs.end() && command.admit().mode() == link::Admit::ANSWER)
      leg->second.state = link::CONNECTED;
  } else if (command.has_play() || command.has_stop()) {
    const auto leg = it->second.legs.find(command.party());
    if (leg != it->second.legs.end()) leg->second.play = command.has_play() ? command.id() : 0;
  } else if (command.has_reject() || command.has_remove()) {
    remove(no, command.party());
  } else if (command.has_release()) {
    talks_.erase(it);
  } else if (command.has_join()) {
    join(it->second, command.party(), command.join().to());
  } else if (command.has_hold()) {
    hold(it->second, command.party(), command.hold().on());
  } else if (command.has_conference()) {
    const link::Conference& order = command.conference();
    it->second.uri = order.open() ? "sip:conf01@t.test" : "";
    it->second.locked = order.locked();
    it->second.lobby = order.lobby();
  } else if (command.has_merge()) {
    merge(no, command.merge().into());
  }
}

void FakeConnector::join(Talk& from, std::uint64_t party, std::uint64_t to) {
  const auto leg = from.legs.find(party);
  if (leg == from.legs.end()) return;
  Leg copy = leg->second;
  talks_[to].legs[party] = copy;
  hold(talks_[to], party, false);
}

// Heard in one conversation, it is held in every other.
void FakeConnector::hold(Talk& talk, std::uint64_t party, bool on) {
  const auto leg = talk.legs.find(party);
  if (leg == talk.legs.end() || leg->second.state == link::OFFERED) return;
  if (on) {
    leg->second.state = link::HELD;
    return;
  }
  for (auto& [no, other] : talks_) {
    if (const auto there = other.legs.find(party); there != other.legs.end()) there->second.state = link::HELD;
  }
  talk.legs[party].state = link::CONNECTED;
}

void FakeConnector::merge(std::uint64_t from, std::uint64_t into) {
  const auto source = talks_.find(from);
  const auto target = talks_.find(into);
  if (source == talks_.end() || target == talks_.end() || source == target) return;
  for (const auto& [party, leg] : source->second.legs) target->second.legs.emplace(party, leg);
  talks_.erase(from);
}

void FakeConnector::hang_up(std::uint64_t party) {
  for (auto it = talks_.begin(); it != talks_.end();) {
    it->second.legs.erase(party);
    it = it->second.legs.empty() ? talks_.erase(it) : std::next(it);
  }
}

void FakeConnector::apply(const link::Happening& happening) {
  const std::uint64_t no = happening.conversation();
  if (happening.has_offered()) {
    talks_[no].legs[happening.party()] = {link::OFFERED, happening.offered().from(), false};
    if (talks_[no].id.empty()) talks_[no].id = happening.offered().conversation_id();
    return;
  }
  const auto it = talks_.find(no);
  if (it == talks_.end()) return;
  const auto leg = it->second.legs.find(happening.party());
  if (leg == it->second.legs.end()) return;
  if (happening.has_alerting()) {
    leg->second.state = link::ALERTING;
  } else if (happening.has_answered()) {
    leg->second.state = link::CONNECTED;
  } else if (happening.has_played() || happening.has_command_failed()) {
    leg->second.play = 0;
  } else if (happening.has_left()) {
    hang_up(happening.party());
  } else if (happening.has_failed()) {
    remove(no, happening.party());
  } else if (happening.has_hold_changed()) {
    const bool held = happening.hold_changed().held();
    if (leg->second.state == (held ? link::CONNECTED : link::HELD_BY_PHONE))
      leg->second.state = held ? link::HELD_BY_PHONE : link::CONNECTED;
  }
}

link::Snapshot FakeConnector::snapshot() const {
  link::Snapshot all;
  for (const auto& [no, talk] : talks_) {
    link::Conversation& conversation = *all.add_conversations();
    conversation.set_conversation(no);
    conversation.set_conversation_id(talk.id);
    conversation.set_conn_id(talk.conn_id);
    conversation.set_call_uuid(talk.uuid);
    conversation.set_conference_uri(talk.uri);
    for (const auto& [party, leg] : talk.legs) {
      link::Party& copy = *conversation.add_parties();
      copy.set_party(party);
      copy.set_state(leg.state);
      copy.set_dn(leg.dn);
      copy.set_outgoing(leg.outgoing);
      copy.set_playing(leg.play != 0);
    }
  }
  return all;
}

}  // namespace tandem::tserver::test
