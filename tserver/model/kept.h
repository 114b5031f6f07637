// Which client sessions outlive their connection and their T-Server.
#pragma once

#include <cstdint>

#include "tserver/model/machine.h"

namespace tandem::tserver {

// Sessions that end with their connection are numbered by each T-Server for itself below this, kept ones from here on
// by the primary, which knows all of them: no number means two sessions, wherever they go on.
inline constexpr std::uint64_t kFirstKeptSession = 1'000'000'000'000;
inline bool is_kept(SessionId session) {
  return session.value >= kFirstKeptSession;
}

}  // namespace tandem::tserver
