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
  }
}

void FakeConnector::apply(const link::Happening& happening) {
  const std::uint64_t no = happening.conversation();
  if (happening.has_offered()) {
    talks_[no].legs[happening.party()] = {link::OFFERED, happening.offered().from(), false};
    talks_[no].id = happening.offered().conversation_id();
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
  } else if (happening.has_failed() || happening.has_left()) {
    remove(no, happening.party());
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
