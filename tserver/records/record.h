// Parts of records: times, timers, who waits for an answer, KVLists.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "common/base/time.h"
#include "common/base/timers.h"
#include "proto/sync.pb.h"
#include "proto/tlib.pb.h"
#include "tserver/model/call.h"
#include "tserver/model/kept.h"
#include "tserver/model/timer_hash.h"

namespace tandem::tserver {

// Between a steady clock, which only one process knows, and the clock on the wall.
class WallClock {
 public:
  explicit WallClock(Now now) : offset_(offset(now)) {}

  // Follows the wall's clock, but not each tremble of it: records that nobody changed must stay as they are.
  void follow(Now now) {
    const auto to = offset(now);
    if (to - offset_ > std::chrono::milliseconds(20) || offset_ - to > std::chrono::milliseconds(20)) offset_ = to;
  }
  std::int64_t wall(Instant at) const {
    return (std::chrono::duration_cast<std::chrono::microseconds>(at) + offset_).count();
  }
  Instant steady(std::int64_t wall) const { return std::chrono::microseconds(wall) - offset_; }

 private:
  static std::chrono::microseconds offset(Now now) {
    return now.wall - std::chrono::duration_cast<std::chrono::microseconds>(now.steady);
  }
  std::chrono::microseconds offset_;
};

// What all encoders need beside the thing itself.
struct Writing {
  const WallClock& clock;
  const std::unordered_map<TimerKey, Instant>& deadlines;

  template <class Holder>
  void timer(const std::optional<TimerKey>& key, Holder add) const {
    if (!key) return;
    sync::Timer& timer = *add();
    timer.set_kind(key->kind);
    timer.set_generation(key->generation);
    timer.set_subject(key->subject);
    const auto it = deadlines.find(*key);
    if (it != deadlines.end()) timer.set_at(clock.wall(it->second));
  }
};

// Timers that are to run again, collected while records are read.
struct Reading {
  const WallClock& clock;
  struct Wait {
    TimerKey key;
    Instant at;
  };
  std::vector<Wait> timers{};

  TimerKey timer(const sync::Timer& from) {
    const TimerKey key{from.kind(), from.generation(), from.subject()};
    timers.push_back({key, clock.steady(from.at())});
    return key;
  }
};

template <class Add>
void put_asker(const Asker& asker, Add add) {
  if (!is_kept(asker.session)) return;  // its client ends with the primary
  sync::Asker& to = *add();
  to.set_session(asker.session.value);
  to.set_reference_id(asker.reference_id);
}

inline Asker to_asker(const sync::Asker& from) {
  return {SessionId{from.session()}, from.reference_id()};
}

inline void put_kv(const tlib::KVList& list, std::string* to) {
  if (list.pairs_size() > 0) list.SerializeToString(to);
}

// Is `number` one of an enumeration whose last value is `last`?
template <class Enum>
bool in(std::uint32_t number, Enum last) {
  return number <= static_cast<std::uint32_t>(last);
}

}  // namespace tandem::tserver
