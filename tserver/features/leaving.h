// Parties that leave a call which may go on without them.
#pragma once

#include "tserver/features/ending.h"

namespace tandem::tserver {

// Would the call go on without this party? It does if two are left, or one for whom a Routing Point looks or somebody
// rings.
bool goes_on_without(const Call& call, const Party& party);

// `party` leaves, neither invited now nor a Routing Point: its EventReleased, then EventPartyDeleted for who is left;
// or the call ends. `ending.leaver` is set here; `ending.order`: its leg is there still. The call may be gone after it.
void leave_call(Core& core, Call& call, Party& party, Ending ending);

// EventPartyDeleted for everybody who is left: `name` left the call; `by` had a hand in it. `asker` is answered by the
// event of its own party.
void tell_deleted(Core& core, const Call& call, const std::string& name, const std::string& by,
                  const tlib::KVList* reasons = nullptr, const Party* asking = nullptr, Asker asker = {});

// EventPartyChanged for everybody who is up: `name` is where `before` was.
void tell_replaced(Core& core, const Call& call, const std::string& name, tlib::TDNRole role, const std::string& before,
                   tlib::TCallState state);

// The Routing Point is out of a call that goes on: EventAbandoned.
void drop_routing_point(Core& core, Call& call);

// Everything this leg takes part in: its party in each of the calls leaves.
void leg_left(Core& core, Call& call, Party& party, const Ending& ending);

}  // namespace tandem::tserver
