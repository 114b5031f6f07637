// Routing requests about a call whose Connector is away: kept, and carried out once it is back or another one has the
// call.
#pragma once

#include "tserver/features/core.h"
#include "tserver/features/table.h"

namespace tandem::tserver {

// The handler refused; true: only since the Connector is away, and the request is kept.
bool postpone(Core& core, const Request& request, const Refusal& why);
// Connectors are back, or have calls of others: what waits for that is carried out.
void serve_postponed(Core& core);
// The call ends.
void refuse_postponed(Core& core, Call& call);

}  // namespace tandem::tserver
