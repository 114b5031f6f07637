#include "schedule.h"

#include <algorithm>
#include <cstdio>

namespace tandem::simulation {

void Schedule::at(Instant when, Action action) {
  heap_.push_back({std::max(when, now_), ++order_, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

void Schedule::run_until(Instant end) {
  while (!heap_.empty() && heap_.front().when <= end && faults_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    Entry next = std::move(heap_.back());
    heap_.pop_back();
    now_ = next.when;
    next.action();
  }
  now_ = std::max(now_, end);
}

void Schedule::fault(const std::string& what) {
  trace("FAULT", what);
  faults_.push_back(what);
}

void Schedule::trace(const std::string& who, const std::string& what) {
  if (!traced_) return;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now_).count();
  std::printf("%8lld.%06lld %-4s %s\n", static_cast<long long>(us / 1000000), static_cast<long long>(us % 1000000),
              who.c_str(), what.c_str());
}

}  // namespace tandem::simulation
