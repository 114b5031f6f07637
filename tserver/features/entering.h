// Calls that come in for a call there is already: to take a party's place (INVITE with Replaces), or by conference URI.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// `caller`: the DN of ours that calls, if it is one. Handles Offered with `replaces` or `conference`.
void enter(Core& core, CtiLink& link, const link::Happening& happening, Device* caller);

}  // namespace tandem::tserver
