// Calls that a Connector has and this T-Server doesn't know.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// Takes a conversation up as a call, with the ConnID and CallUUID it had, without events: who registers from now on
// sees it in EventRegistered. What can't become a call (given up here before, nobody talks or rings) is released.
void adopt(Core& core, CtiLink& link, const link::Conversation& conversation);

}  // namespace tandem::tserver
