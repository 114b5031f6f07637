// Transfers and conferences in one step: somebody is invited into a call that is up.
#pragma once

#include "tserver/features/attempt.h"
#include "tserver/features/ending.h"

namespace tandem::tserver {

// Invites the destination to take the place of `by`, whose request (`asker`) or phone (`referred`) wants it. A Routing
// Point takes it at once. `destination` is nobody in the call yet.
void start_transfer(Core& core, Call& call, Party& by, Attempt attempt, const Destination& destination);

// The transferring party goes, the destination has its place: MMC-399.
void transfer_answered(Core& core, Call& call, const Attempt& attempt, Party& leg);
void transfer_missed(Core& core, Call& call, const Attempt& attempt, Party& leg, const Missed& why);
// The transferring party goes, the call waits on the Routing Point.
void transfer_to_routing_point(Core& core, Call& call, const Attempt& attempt, Device& routing_point);

// A party leaves, and what the others see in its place is `name`. `attempt`: of whose outcome that is; `leg_there`: its
// leg has to be ended.
void hand_over(Core& core, Call& call, Party& by, const std::string& name, tlib::TDNRole role, const Attempt& attempt,
               bool leg_there);

// The transferring party left before the destination answered. Its phone hung up: the others wait for the answer
// without it, and it is dealt with (true). It was released by request: the transfer is off.
bool transferor_left(Core& core, Call& call, Party& party, const Ending& ending);

// Everybody in the call is a conference member from now on, but for observers.
void make_conference(Call& call);

}  // namespace tandem::tserver
