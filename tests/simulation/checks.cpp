// What must hold when the storm is over.
#include <algorithm>
#include <set>

#include "site.h"

namespace tandem::simulation {

using tserver::LegState;

namespace {

std::string hex(std::uint64_t value) {
  return to_hex(value);
}

bool up(link::PartyState state) {
  return state == link::CONNECTED || state == link::HELD || state == link::HELD_BY_PHONE;
}

}  // namespace

void Site::calm() {
  heal();
  schedule_.run_for(45s);
  heal();  // who was about to be started again, and pauses that lasted
  settle();
  if (!faults().empty()) return;
  for (const auto& desk : desks_) desk->expect_answered(170s);  // a phone may ring for long
  kept_desk_->expect_answered(170s);
  lose_something();
  if (faults().empty()) settle();
}

// Until all agree.
void Site::settle() {
  std::vector<std::string> wrong;
  for (int wait = 0; wait < 12; ++wait) {
    // Longer than any wait for silence, an answer, or a session's refresh.
    schedule_.run_for(wait < 8 ? 10s : 40s);
    if (!faults().empty()) return;
    wrong = disagreements();
    if (wrong.empty()) break;
  }
  for (const std::string& what : wrong) schedule_.fault("after the storm: " + what);
}

std::vector<std::string> Site::disagreements() {
  std::vector<std::string> out;
  std::size_t primaries = 0;
  for (const auto& server : servers_) {
    if (!server->links_up()) out.push_back(server->name() + " has links that are down");
    if (!server->primary()) {
      if (!server->state().calls.empty()) out.push_back(server->name() + " is backup and has calls");
      if (!server->knows_all()) out.push_back(server->name() + " doesn't know all that the primary does");
      continue;
    }
    ++primaries;
    compare(*server, out);
  }
  if (kept_desk_->alive() && !kept_desk_->has_session()) out.push_back("the kept desk has no session");
  if (primaries != 1) out.push_back(std::to_string(primaries) + " T-Servers are primary");
  for (const auto& connector : connectors_) compare_legs(*connector, out);
  for (const auto& phone : phones_) {
    for (const DialogPtr& dialog : phone->dialogs()) {
      if (dialog->phase == Dialog::Phase::Up && !dialog->connector->has(*dialog))
        out.push_back(dialog->call_id + " is up at the phone, and " + dialog->connector->name() + " doesn't know it");
    }
  }
  return out;
}

void Site::compare(const Server& server, std::vector<std::string>& out) {
  for (tserver::LinkNo link = 0; link < connectors_.size(); ++link) compare(server, link, out);
}

// The T-Server's calls are the Connector's conversations, party by party.
void Site::compare(const Server& server, tserver::LinkNo link, std::vector<std::string>& out) {
  const std::string who = server.name() + " and " + connectors_[link]->name() + ": ";
  const auto& known = server.state().links[link].conversations;
  std::set<std::uint64_t> there;
  const link::Snapshot seen = connectors_[link]->snapshot();
  for (const link::Conversation& conversation : seen.conversations()) {
    there.insert(conversation.conversation());
    const auto it = known.find(ConversationNo{conversation.conversation()});
    if (it == known.end()) {
      out.push_back(who + "conversation " + hex(conversation.conversation()) +
                    " is no call: " + conversation.ShortDebugString());
      continue;
    }
    const tserver::Call& call = *it->second;
    const std::string name = who + "call " + to_string(call.id) + ": ";
    if (conversation.conn_id() != call.id.value) out.push_back(name + "is " + hex(conversation.conn_id()) + " there");
    std::set<std::uint64_t> parties;
    for (const link::Party& party : conversation.parties()) {
      parties.insert(party.party());
      const tserver::Party* ours = call.party(PartyNo{party.party()});
      if (ours == nullptr) {
        out.push_back(name + "party " + hex(party.party()) + " of " + party.dn() + " is there only");
        continue;
      }
      const std::string one = name + ours->name() + " ";
      if (up(party.state()) != (ours->leg == LegState::Up)) out.push_back(one + "is up on one side only");
      if (!up(party.state()) || ours->leg != LegState::Up) continue;
      if ((party.state() == link::HELD) != ours->on_hold && !ours->held_by_phone &&
          ours->state != tserver::PartyState::Dialing)
        out.push_back(one + "is held by order on one side only");
      // A hold of the phone behind one by order is not in snapshots, so a takeover may lose it.
      const bool comparable = party.state() != link::HELD && !connectors_[link]->ordered_about(party.party());
      if (comparable && (party.state() == link::HELD_BY_PHONE) != ours->held_by_phone)
        out.push_back(one + "is held by its phone on one side only");
      if (party.audio().muted() != ours->muted) out.push_back(one + "is muted on one side only");
    }
    for (const tserver::Party& party : call.parties) {
      if (party.no && !parties.contains(party.no.value)) out.push_back(name + party.name() + " is here only");
    }
  }
  for (const auto& [no, call] : known) {
    if (!there.contains(no.value)) out.push_back(who + "call " + to_string(call->id) + " is a ghost");
  }
}

// Its legs are the phones' dialogs.
void Site::compare_legs(Connector& connector, std::vector<std::string>& out) {
  std::set<std::string> legs;
  for (const Connector::LegPtr& leg : connector.legs()) {
    legs.insert(leg->dialog->call_id);
    if (!leg->acked) continue;
    if (leg->dialog->phase != Dialog::Phase::Up)
      out.push_back(connector.name() + ": " + leg->dialog->call_id + " is up, and not at the phone");
    if (leg->dialog->connector != &connector)
      out.push_back(connector.name() + ": " + leg->dialog->call_id + " is " + leg->dialog->connector->name() + "'s");
  }
  const link::Snapshot seen = connector.snapshot();
  for (const link::Conversation& conversation : seen.conversations()) {
    for (const link::Party& party : conversation.parties()) {
      if (up(party.state()) && !legs.contains(party.call_id()))
        out.push_back(connector.name() + ": " + party.dn() + " has no leg, " + party.call_id());
    }
  }
}

// Everybody hangs up, and goes.
void Site::finish() {
  for (int round = 0; round < 12 && faults().empty(); ++round) {
    for (const auto& phone : phones_) {
      for (const DialogPtr& dialog : phone->dialogs()) phone->hang_up(dialog);
    }
    schedule_.run_for(20s);
  }
  for (const auto& connector : connectors_) connector->lose_unheard();
  for (const auto& desk : desks_) desk->expect_answered(60s);
  kept_desk_->expect_answered(60s);
  for (const auto& desk : desks_) desk->leave();
  kept_desk_->leave();
  schedule_.run_for(5min);
  if (!faults().empty()) return;
  for (const auto& phone : phones_) {
    if (!phone->dialogs().empty()) schedule_.fault(phone->dn() + " has dialogs left: " + phone->dialogs()[0]->call_id);
  }
  for (const auto& server : servers_) server->expect_quiet();
  for (const auto& connector : connectors_) connector->expect_quiet();
}

}  // namespace tandem::simulation
