// Values of the core as records of what survives (proto/ha.proto), and back. Pure.
#pragma once

#include "connector/core/state.h"
#include "proto/ha.pb.h"

namespace tandem::connector::records {

inline constexpr std::uint32_t kMajor = 1;

// `offset`: what is added to an instant of the steady clock to have the wall clock's.
using Offset = std::chrono::nanoseconds;
inline Offset offset(Now now) {
  return now.wall - now.steady;
}

ha::Record to_record(const Conversation& conversation, Offset offset);
// Without its dialogs, which the sip room adds. `legs`: its one, or one for each fork.
ha::Record to_record(const Party& party, const std::vector<const Leg*>& legs, Offset offset);

// Is it whole enough to be taken up?
bool usable(const ha::Party& party);

Stream stream_from(const ha::Stream& record);
SessionTimer timer_from(const ha::Offered& record);
// Without its legs and timers.
Outgoing outgoing_from(const ha::Called& record);
std::int64_t to_wall_ms(Instant at, Offset offset);
Instant from_wall_ms(std::int64_t ms, Offset offset);

}  // namespace tandem::connector::records
