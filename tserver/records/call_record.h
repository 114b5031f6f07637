// Calls as records.
#pragma once

#include <string>
#include <vector>

#include "tserver/model/state.h"
#include "tserver/records/record.h"

namespace tandem::tserver {

// `to` is empty.
void write_call(const Writing& writing, const State& state, const Call& call, sync::Call& to);

// Puts the call into the state, filed under its link and conversation; not yet in the lists of its DNs' calls. Null:
// it can't be taken up here, and `why` says why.
Call* read_call(Reading& reading, State& state, const sync::Call& from, std::string& why);

}  // namespace tandem::tserver
