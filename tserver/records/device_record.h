// DNs with who is registered on them, and client sessions, as records.
#pragma once

#include "tserver/model/state.h"
#include "tserver/records/record.h"

namespace tandem::tserver {

// False: there is nothing to be said about it.
bool has_record(const Device& device);
void write_device(const Device& device, sync::Device& to);
void read_device(State& state, const sync::Device& from);

void write_client(const Client& client, sync::Client& to);
void read_client(State& state, const sync::Client& from);

}  // namespace tandem::tserver
