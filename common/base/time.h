// Time as pure code sees it: told with each input, never asked for.
#pragma once

#include <chrono>

namespace tandem {

using namespace std::chrono_literals;

// Instant of the process's steady clock; only differences mean something.
using Instant = std::chrono::nanoseconds;

// Both clocks at the moment an input came in.
struct Now {
  Instant steady{0};
  std::chrono::microseconds wall{0};  // since 1970 UTC
};

}  // namespace tandem
