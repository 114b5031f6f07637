// Keyed timers in one ordered queue. Pure: the owner tells the time and asks what is due. Used by simulated time in tests
// and by the programs' event loops alike, so that both fire in the same order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "common/base/time.h"

namespace tandem {

// What a wait is for. A generation tells a late timer from the present one with the same purpose.
struct TimerKey {
  std::uint32_t kind = 0;  // an enumeration of the core that set it
  std::uint32_t generation = 0;
  std::uint64_t subject = 0;
  friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
};

class TimerQueue {
 public:
  // Sets or moves the timer with this key.
  void set(const TimerKey& key, Instant at);
  void cancel(const TimerKey& key);
  // When the next one is due, if any.
  std::optional<Instant> next() const;
  // Takes the earliest timer due at `now`; equal instants come in the order they were set.
  std::optional<TimerKey> pop(Instant now) { return pop(now, order_); }
  // The same, but only of those set before mark() gave `set_before`: what a timer that fires sets anew for a time that
  // has gone by comes in the next round, after all others.
  std::optional<TimerKey> pop(Instant now, std::uint64_t set_before);
  std::uint64_t mark() const { return order_; }
  std::size_t size() const { return by_key_.size(); }

 private:
  using Slot = std::pair<Instant, std::uint64_t>;
  std::map<Slot, TimerKey> by_time_;
  std::map<TimerKey, Slot> by_key_;
  std::uint64_t order_ = 0;
};

}  // namespace tandem
