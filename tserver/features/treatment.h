// What a caller hears and is asked while a call waits on a Routing Point (MMC-402, MMC-419).
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// The call goes on to a destination: the treatment stops, unless it may go on while that one rings
// (sip-treatments-continuous). `answered`: it stops anyway.
void routing_stops_treatment(Core& core, Call& call, bool answered);

// The call is over, or leaves the Routing Point: a treatment that has an end ends as CANCELLED; who still waits for it
// to begin is refused. Without a word to the Connector.
void drop_treatment(Core& core, Call& call);

// A command of a treatment failed; false if it was none of one.
bool treatment_failed(Core& core, Call& call, const link::Happening& happening);

// The Connector is back, and plays nothing (any more): how it ended is not known.
void treatment_lost(Core& core, Call& call);

// The waiting call became another one (a consultation was completed): the treatment goes with it.
void move_treatment(Core& core, Call& from, Call& to);

// Who heard it has left, and another one waits in that place now (a transfer to the Routing Point was completed): that
// one hears it from its beginning. The application sees nothing of it.
void hand_over_treatment(Core& core, Call& call);

}  // namespace tandem::tserver
