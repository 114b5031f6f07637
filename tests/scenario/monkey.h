// Random clients, callers, phones, link losses, timers and configuration changes against the machine, all from one
// seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::tserver::test {

struct Run {
  std::uint32_t steps = 0;      // done, fewer than asked for if something was wrong
  std::size_t established = 0;  // how much came of it
  std::size_t diverted = 0;
  std::size_t held = 0, moved = 0, added = 0, deleted = 0;  // EventHeld, EventPartyChanged, PartyAdded, PartyDeleted
  std::size_t takeovers = 0;
  std::size_t lobbies = 0;  // steps in which somebody waited in a lobby
  std::vector<std::string> faults;
  std::string story;  // the last log lines
};

// After `steps` steps everybody hangs up, and nothing may be left. A pair: a backup is told of each input's changes and
// compared with the primary each time, and takes over now and then.
Run play(std::uint32_t seed, std::uint32_t steps, bool pair = false);

}  // namespace tandem::tserver::test
