// RequestMakeCall: the originator is called first, then its destination.
#pragma once

#include <string>

#include "tserver/features/core.h"

namespace tandem::tserver {

// The originator has answered: now its destination.
void call_target(Core& core, Call& call, const std::string& target);

}  // namespace tandem::tserver
