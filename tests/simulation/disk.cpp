#include "disk.h"

#include <memory>
#include <utility>

namespace tandem::simulation {

namespace {

constexpr Instant kRetry = std::chrono::seconds(1);         // after a write that failed
constexpr Instant kAlive = std::chrono::milliseconds(500);  // how often it says that we live

}  // namespace

void Disk::begin() {
  waiting_.clear();
  busy_ = living_ = in_reach_ = false;
}

void Disk::write(Process& by, connector::KeptBytes changes) {
  if (changes.empty()) return;
  for (auto& change : changes) waiting_[change.key] = std::move(change.bytes);
  turn(by);
  if (!std::exchange(living_, true)) live(by);
}

// All that waits in one piece, or nothing of it.
void Disk::turn(Process& by) {
  if (busy_ || waiting_.empty()) return;
  busy_ = true;
  auto changes = std::make_shared<std::map<connector::KeptKey, std::string>>(std::exchange(waiting_, {}));
  by.later(each_write_, [this, &by, changes] {
    busy_ = false;
    if (full_) {
      for (auto& [key, bytes] : *changes) waiting_.try_emplace(key, std::move(bytes));  // what came meanwhile is newer
      return by.later(kRetry, [this, &by] { turn(by); });
    }
    for (auto& [key, bytes] : *changes) {
      if (bytes.empty()) {
        records_.erase(key);
      } else {
        records_[key] = std::move(bytes);
      }
    }
    stamp(by);
    turn(by);
  });
}

void Disk::live(Process& by) {
  by.later(kAlive, [this, &by] {
    if (!full_ && !records_.empty()) stamp(by);
    live(by);
  });
}

void Disk::stamp(const Process& by) {
  last_written_ = by.now().wall;
  if (in_reach_) reached_ = last_written_;
}

}  // namespace tandem::simulation
