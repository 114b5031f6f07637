// Processes die while everybody is quiet: which calls must be there afterwards, and how.
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
    std::optional<bool> on_hold;  // not there: whoever is held for what has ended without a T-Server is taken back
    bool muted;
  };
  std::map<PartyNo, Place> places;
  const Connector* on;
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
      Expected one{call->id, call->uuid, call->user_data.SerializeAsString(), {}, &on};
      const bool quiet = !call->attempt && !call->treatment && call->lobby.guests.empty();
      const bool all = std::all_of(call->parties.begin(), call->parties.end(), [&](const Party& party) {
        const auto dialog = dialogs.find(party.call_id);
        if (party.leg != LegState::Up || !party.no || dialog == dialogs.end()) return false;
        // Answered for by somebody outside: only a T-Server that was there knows for whom.
        if (party.device != nullptr && dialog->second->phone->outside()) return false;
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
  const std::string name = "call " + to_string(one.id) + " was to stay: ";
  const Server* server = primary();
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
    if (party == nullptr || party->leg != LegState::Up || party->on_hold != place.on_hold.value_or(party->on_hold) ||
        party->muted != place.muted)
      schedule_.fault(name + place.dialog->phone->dn() + " isn't in it as it was");
  }
}

// One with its disk, too, and with the primary T-Server: its disk or a T-Server must have what is needed. Or several
// processes one after the other, with a disk that is whole.
void Site::lose_something() {
  // What happens in the last milliseconds may be lost; and what is on its way to a T-Server.
  const auto kept = [&] {
    return std::all_of(connectors_.begin(), connectors_.end(), [](const auto& one) { return one->all_kept(); });
  };
  for (int wait = 0; wait < 20 && !kept(); ++wait) schedule_.run_for(1s);
  std::vector<Expected> expected;
  for (const auto& one : connectors_) {
    auto some = established(*one);
    std::move(some.begin(), some.end(), std::back_inserter(expected));
  }
  schedule_.trace("net", std::to_string(expected.size()) + " calls must stay");
  const bool upgraded = arbiter_ && random_.one_in(4);
  const bool same_data = upgraded ? upgrade_servers() : random_.one_in(2) ? lose_a_connector(expected) : lose_several();
  while (primary() == nullptr && faults().empty()) schedule_.run_for(1s);  // the role may be on its way just now
  if (!faults().empty()) return;
  tally_.recovered += expected.size();
  for (Expected& one : expected) {
    if (!same_data) {
      one.user_data.reset();
      for (auto& [no, place] : one.places) place.on_hold.reset();
    }
    expect_kept(one);
  }
}

void Site::lose(Process& one, Instant away) {
  schedule_.trace("net", one.name() + " is lost in the calm");
  one.kill();
  schedule_.at(schedule_.steady() + away, [&one] { one.launch(); });
}

bool Site::lose_a_connector(std::vector<Expected>& expected) {
  Connector& lost = any_connector();
  const Instant away = random_.one_in(2) ? 6s + random_.up_to(6s) : 50ms + random_.up_to(4s);
  Server* const server = arbiter_ && random_.one_in(3) ? primary() : nullptr;
  lose(lost, away);
  const bool disk = random_.one_in(3);
  if (disk) lost.disk().lose();
  if (server != nullptr) lose(*server, away);
  schedule_.run_for(away + 12s);
  const bool again = server != nullptr && server->primary();
  if (disk && again) std::erase_if(expected, [&](const Expected& one) { return one.on == &lost; });
  return !again;
}

// One after the other ends as an operator wishes, and is another one then. Whoever ends is no primary any more.
bool Site::upgrade_servers() {
  for (const auto& server : servers_) {
    const auto other_knows = [&] { return servers_[server == servers_[0] ? 1 : 0]->knows_all(); };
    for (int wait = 0; wait < 20 && server->primary(); ++wait) {
      if (other_knows()) server->give_up_role(false);
      schedule_.run_for(2s);
    }
    if (server->primary()) schedule_.fault(server->name() + " can't give the role up");
    if (!faults().empty()) return false;
    lose(*server, random_.up_to(2s));
    schedule_.run_for(12s);
  }
  return true;
}

// False: no T-Server needs to know more of the calls than what Connectors tell.
bool Site::lose_several() {
  const Server* former = primary();
  const auto times = 2 + random_.pick(3);
  std::size_t servers = 0;
  for (std::uint64_t i = 0; i < times; ++i) {
    // All in all below link-loss-timeout.
    const Instant away = i == 0 && random_.one_in(2) ? 5s + random_.up_to(3s) : 50ms + random_.up_to(2s);
    if (random_.one_in(3)) {
      ++servers;
      lose(*random_.any(servers_), away);
    } else {
      lose(any_connector(), away);
    }
    schedule_.run_for(random_.one_in(3) ? random_.up_to(8s) : random_.up_to(1s));
  }
  schedule_.run_for(24s);
  return servers == 0 && former != nullptr;
}

}  // namespace tandem::simulation
