// What must hold after every input. Empty: all is well; else one line per violation.
#pragma once

#include <string>
#include <vector>

#include "tserver/model/state.h"

namespace tandem::tserver {

std::vector<std::string> check_invariants(const State& state);

}  // namespace tandem::tserver
