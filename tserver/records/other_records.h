// Records of what is neither a call nor a DN: counters, Connectors, requests a Connector answers, reservations.
#pragma once

#include "tserver/model/state.h"
#include "tserver/records/record.h"

namespace tandem::tserver {

// `to` is empty in each.
void write_counters(const State& state, sync::Counters& to);
void read_counters(State& state, const sync::Counters& from);

void write_link(const Writing& writing, const State& state, const CtiLink& link, sync::Link& to);
void read_link(Reading& reading, State& state, const sync::Link& from);

void write_awaited(const Writing& writing, const State& state, const Awaited& awaited, sync::Awaited& to);
void read_awaited(Reading& reading, State& state, const sync::Awaited& from);

void write_reservation(const Writing& writing, const std::string& key, const Reservation& reservation,
                       sync::Reservation& to);
void read_reservation(Reading& reading, State& state, const sync::Reservation& from);

}  // namespace tandem::tserver
