// A backup that becomes primary: its state from the records it was told.
#pragma once

#include <string>
#include <vector>

#include "tserver/model/state.h"
#include "tserver/records/record.h"
#include "tserver/records/replica.h"

namespace tandem::tserver {

struct Installed {
  std::vector<Reading::Wait> timers;  // to be set; what is due already fires at once
  std::vector<std::string> left_out;  // what could not be taken up, and why
};

// `state` has no calls, agents, or kept clients. Links are down when this is done with; all names are given anew from
// here on, and those the former primary gave are known.
Installed install(State& state, const Replica& replica, Now now);

}  // namespace tandem::tserver
