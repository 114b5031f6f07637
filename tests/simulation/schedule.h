// Simulated time: what happens when, in one order for one seed. Nothing here waits.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"

namespace tandem::simulation {

using Action = std::function<void()>;

class Random {
 public:
  explicit Random(std::uint64_t seed) : source_(seed) {}
  std::uint64_t pick(std::uint64_t n) { return source_() % n; }
  bool one_in(std::uint64_t n) { return pick(n) == 0; }
  Instant up_to(Instant most) {
    return Instant(static_cast<Instant::rep>(pick(static_cast<std::uint64_t>(most.count()) + 1)));
  }
  template <class T>
  const T& any(const std::vector<T>& all) {
    return all[pick(all.size())];
  }

 private:
  std::mt19937_64 source_;
};

// The world's clock, its list of things to come, and what went wrong in it.
class Schedule {
 public:
  explicit Schedule(bool traced) : traced_(traced) {}

  Now now() const { return {now_, std::chrono::duration_cast<std::chrono::microseconds>(now_) + kWallStart}; }
  Instant steady() const { return now_; }
  void at(Instant when, Action action);  // equal instants in the order they were given
  void run_until(Instant end);           // stops at the first fault
  void run_for(Instant time) { run_until(now_ + time); }
  // Nothing more comes: what waits is dropped, with all it holds.
  void end() { std::exchange(heap_, {}).clear(); }

  void fault(const std::string& what);
  const std::vector<std::string>& faults() const { return faults_; }

  bool traced() const { return traced_; }
  void trace(const std::string& who, const std::string& what);

 private:
  static constexpr std::chrono::microseconds kWallStart{1790000000000000};
  struct Entry {
    Instant when;
    std::uint64_t order;
    Action action;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };

  Instant now_{std::chrono::seconds(1000)};
  std::uint64_t order_ = 0;
  std::vector<Entry> heap_;
  std::vector<std::string> faults_;
  bool traced_;
};

}  // namespace tandem::simulation
