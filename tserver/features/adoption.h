// Calls that a Connector has and this T-Server doesn't know.
#pragma once

#include <vector>

#include "tserver/features/core.h"

namespace tandem::tserver {

// Takes conversations up as calls, with the ConnIDs and CallUUIDs they had, without events: who registers from now on
// sees them in EventRegistered. Held parties are held, three and more are a conference, and of a DN's two calls on one
// leg the younger is a consultation. What can't become a call (given up here before, nobody talks or rings) is
// released.
void adopt(Core& core, CtiLink& link, std::vector<const link::Conversation*> conversations);

// A caller to whom no T-Server has said anything: it is offered once more, and not taken up.
bool not_heard_of(const link::Conversation& conversation);

// A new primary's knowledge of a call may be older than the call: the former one went on with it and invited others.
// Such calls become what the Connector has, without events; what they are called and their user data stay.
void renew_outdated(Core& core, CtiLink& link, const link::Snapshot& snapshot);

}  // namespace tandem::tserver
