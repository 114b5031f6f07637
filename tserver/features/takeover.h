// Calls that outlive their Connector: what it says of them is kept, and another one of its pool takes them over when it
// stays away.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

void keep_call_data(CtiLink& link, const link::CallData& data);
// A Connector was lost: begins to wait. Calls that were on their way to it are given up.
void await_takeover(Core& core, CtiLink& link);
// A Connector is back: what lives elsewhere now it is told to forget. The rest of its snapshot.
link::Snapshot disown_moved(Core& core, CtiLink& link, const link::Snapshot& snapshot);

}  // namespace tandem::tserver
