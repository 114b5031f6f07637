#include "common/base/timers.h"

namespace tandem {

void TimerQueue::set(const TimerKey& key, Instant at) {
  cancel(key);
  const Slot slot{at, ++order_};
  by_time_.emplace(slot, key);
  by_key_.emplace(key, slot);
}

void TimerQueue::cancel(const TimerKey& key) {
  if (auto it = by_key_.find(key); it != by_key_.end()) {
    by_time_.erase(it->second);
    by_key_.erase(it);
  }
}

std::optional<Instant> TimerQueue::next() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first.first;
}

std::optional<TimerKey> TimerQueue::pop(Instant now, std::uint64_t set_before) {
  for (auto it = by_time_.begin(); it != by_time_.end() && it->first.first <= now; ++it) {
    if (it->first.second > set_before) continue;
    const TimerKey key = it->second;
    by_time_.erase(it);
    by_key_.erase(key);
    return key;
  }
  return std::nullopt;
}

}  // namespace tandem
