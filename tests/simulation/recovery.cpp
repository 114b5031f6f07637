// A Connector dies while everybody is quiet: which of its calls must be there afterwards, and how.
#include <algorithm>
#include <map>
#include <optional>

#include "site.h"

namespace tandem::simulation {

using tserver::Call;
using tserver::LegState;
using tserver::Party;

struct Site::Expected {
  ConnId id;
  std::string uuid;
  std::optional<std::string> user_data;  // not there: its T-Server was lost as well, and may get the role again
  struct Place {
    DialogPtr dialog;
    bool on_hold, muted;
  };
  std::map<PartyNo, Place> places;
};

// Calls on it in which all talk or hold, as T-Server and phones see it.
std::vector<Site::Expected> Site::established(const Connector& on) {
  std::vector<Expected> out;
  const Server* server = primary();
  if (server == nullptr) return out;
  std::map<std::string, DialogPtr> dialogs;
  for (const Connector::LegPtr& leg : on.legs()) {
    const Dialog& dialog = *leg->dialog;
    if (leg->acked && dialog.phase == Dialog::Phase::Up && !dialog.changing && dialog.connector == &on)
      dialogs[dialog.call_id] = leg->dialog;
  }
  for (const tserver::CtiLink& link : server->state().links) {
    if (connectors_[link.no].get() != &on) continue;
    for (const auto& [no, call] : link.conversations) {
      Expected one{call->id, call->uuid, call->user_data.SerializeAsString(), {}};
      const bool quiet = !call->attempt && !call->treatment && call->lobby.guests.empty();
      const bool all = std::all_of(call->parties.begin(), call->parties.end(), [&](const Party& party) {
        const auto dialog = dialogs.find(party.call_id);
        if (party.leg != LegState::Up || !party.no || dialog == dialogs.end()) return false;
        one.places[party.no] = {dialog->second, party.on_hold, party.muted};
        return true;
      });
      if (quiet && all && one.places.size() > 1) out.push_back(std::move(one));
    }
  }
  std::sort(out.begin(), out.end(), [](const Expected& a, const Expected& b) { return a.id < b.id; });
  return out;
}

void Site::expect_kept(const Expected& one) {
  const std::string name = "call " + to_string(one.id) + " was to outlive its Connector: ";
  const Server* server = primary();
  if (server == nullptr) return schedule_.fault(name + "nobody is primary");
  for (const auto& [no, place] : one.places) {
    if (place.dialog->phase != Dialog::Phase::Up) schedule_.fault(name + place.dialog->call_id + " is over");
    if (!place.dialog->connector->has(*place.dialog))
      schedule_.fault(name + place.dialog->connector->name() + " doesn't know " + place.dialog->call_id);
  }
  const auto found = server->state().calls.find(one.id);
  if (found == server->state().calls.end()) return schedule_.fault(name + "it is gone");
  const Call& call = *found->second;
  if (call.uuid != one.uuid || (one.user_data && call.user_data.SerializeAsString() != *one.user_data))
    schedule_.fault(name + "it isn't the same");
  if (call.parties.size() != one.places.size()) schedule_.fault(name + "its parties are others");
  for (const auto& [no, place] : one.places) {
    const Party* party = call.party(no);
    if (party == nullptr || party->leg != LegState::Up || party->on_hold != place.on_hold ||
        party->muted != place.muted)
      schedule_.fault(name + place.dialog->phone->dn() + " isn't in it as it was");
  }
}

// With its disk, too, and with the primary T-Server: its disk or a T-Server must have what is needed.
void Site::lose_a_connector() {
  Connector& lost = any_connector();
  const bool long_away = random_.one_in(2);
  const bool disk_lost = random_.one_in(3);
  const Instant away = long_away ? 6s + random_.up_to(6s) : 50ms + random_.up_to(4s);
  auto expected = established(lost);
  Server* const server = arbiter_ && random_.one_in(3) ? primary() : nullptr;
  schedule_.trace("net", lost.name() + " is lost in the calm" + (disk_lost ? ", its disk" : "") +
                             (server != nullptr ? ", " + server->name() : "") + ", " + std::to_string(expected.size()) +
                             " calls must stay");
  lost.kill();
  if (disk_lost) lost.disk().lose();
  if (server != nullptr) server->kill();
  schedule_.run_for(away);
  lost.launch();
  if (server != nullptr) server->launch();
  schedule_.run_for(12s);
  if (!faults().empty()) return;
  tally_.recovered += expected.size();
  for (Expected& one : expected) {
    if (server != nullptr && server->primary()) one.user_data.reset();
    expect_kept(one);
  }
}

}  // namespace tandem::simulation
