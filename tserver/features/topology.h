// What has to be looked at whenever it changed who is in a call: whether anybody here is left (MMC-265).
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// After a party joined a call that was up, left a call that goes on, or took another's place, and after calls were
// merged. The last thing that happens to the call in this step: it may be gone after it.
void topology_changed(Core& core, Call& call);

}  // namespace tandem::tserver
