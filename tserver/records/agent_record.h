// Agents that are logged in, as records.
#pragma once

#include "tserver/model/state.h"
#include "tserver/records/record.h"

namespace tandem::tserver {

// `to` is empty.
void write_agent(const Writing& writing, const Device& device, sync::Agent& to);
// False: nobody can be logged in on its DN here.
bool read_agent(Reading& reading, State& state, const sync::Agent& from);

}  // namespace tandem::tserver
