// Calls that come in for a call there is already: to take a party's place (INVITE with Replaces), or by conference URI.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// `newcomer`, whose leg is offered, is a member of the conference from now on: the leg is answered, everybody is told.
void let_in(Core& core, Call& call, Party newcomer);

// `caller`: the DN of ours that calls, if it is one. Handles Offered with `replaces` or `conference`.
void enter(Core& core, CtiLink& link, const link::Happening& happening, Device* caller);

}  // namespace tandem::tserver
