// Session timers (RFC 4028) as pure functions: who refreshes, how often, and what the messages say.
#pragma once

#include <cstdint>

#include "common/base/time.h"
#include "connector/core/machine.h"

namespace tandem::connector {

inline constexpr std::uint32_t kMinSe = 90;  // no Min-SE below it (section 4)

// What a dialog agreed on. expires_s 0: no timer runs.
struct SessionExpiry {
  std::uint32_t expires_s = 0;
  bool we_refresh = false;

  Instant refresh_after() const { return std::chrono::seconds(expires_s) / 2; }
  // When the side that waits for a refresh ends the session: the smaller of 32 s and a third before it expires.
  Instant ends_after() const;
};

// Is the request's interval refused with 422?
bool too_small(const SessionTimer& request, const CoreSettings& settings);

struct SessionAnswer {
  SessionTimer response;  // for the 2xx
  SessionExpiry expiry;
};

// A request of the party, answered by us.
SessionAnswer answer_timer(const SessionTimer& request, const CoreSettings& settings);

// A request of ours that asked for `asked_s` (0: none), answered by the party.
SessionExpiry timer_answered(const SessionTimer& response, std::uint32_t asked_s);

}  // namespace tandem::connector
