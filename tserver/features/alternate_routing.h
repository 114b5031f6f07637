// Alternate routing: where calls go without, or instead of, an instruction (MMC-159 to MMC-165).
#pragma once

#include <chrono>

#include "tserver/features/core.h"

namespace tandem::tserver {

// default-dn for a call on this Routing Point: the Routing Point's own if it has one, else the application's. An empty
// one switches default routing off, also where only the Routing Point's is empty.
const std::string& default_dn(const Core& core, const Device& routing_point);

// Is there a default-dn, and has the call redirections left?
bool default_routing_possible(const Core& core, Call& call);

// Sends a waiting call on to its default-dn. False if that can't be; then the call stays where it is.
bool default_route(Core& core, Call& call);

// Time a routed destination has to accept: the request's, else the destination DN's, else the application's; 0 is no
// limit.
std::chrono::seconds no_answer_timeout(const Core& core, const Attempt& attempt, const Party& leg);

// After options changed: who waits without a time limit gets one, or goes on at once, if that is possible now.
void review_waiting(Core& core, Device& routing_point);

// Nobody who could give an instruction is left on the Routing Point: its waiting calls go to default-dn.
void routers_gone(Core& core, Device& routing_point);

}  // namespace tandem::tserver
