// Bindings of phones, shared among the Connectors of a pool.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// A Connector (re)connected: what it holds replaces what it held, the others are told, and it is told what they hold.
void exchange_locations(Core& core, CtiLink& link, const link::Snapshot& snapshot);

}  // namespace tandem::tserver
