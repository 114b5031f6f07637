// Calls that wait on a Routing Point.
#pragma once

#include "tserver/features/destination.h"

namespace tandem::tserver {

// The call enters: EventQueued, EventRouteRequest, and the wait for an instruction.
void queue_at(Core& core, Call& call, Device& routing_point, tlib::TCallState state = tlib::CallStateOk);

// Who is alone on the Routing Point hears ringback: a caller without an answer, or a party that talked before.
void let_wait(Core& core, Call& call);

// The call is sent on to where it was told (`attempt` says by whom): an Extension or number is invited, another Routing
// Point takes it over at once.
void route(Core& core, Call& call, const Destination& destination, Attempt attempt);

// From its Routing Point to another, under the same ConnID.
void change_routing_point(Core& core, Call& call, Device& next, const Attempt& attempt,
                          tlib::TCallState state = tlib::CallStateOk);

// Starts router-timeout, if alternate routing could follow.
void wait_for_instruction(Core& core, Call& call);

// The call a happening is about; null if it is not known (any more).
Call* find_call(CtiLink& link, const link::Happening& happening);

}  // namespace tandem::tserver
