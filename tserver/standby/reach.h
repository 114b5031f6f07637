// Whether a primary that reaches no Connector should give its role to a backup that reaches one. Pure: what both reach
// and time in, yes or no out.
//
// The role never goes back and forth: it goes only to one that reaches more than we do, after that has been so for
// a time, and not before we had it three times as long.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"

namespace tandem::tserver {

struct Reach {
  bool primary = false;
  std::size_t links = 0;      // Connectors that we reach
  bool caught_up = false;     // the backup knows all
  std::size_t its_links = 0;  // Connectors that the backup reaches
};

class ReachWatch {
 public:
  // `wait` 0: never.
  void set(Instant wait) { wait_ = wait; }
  // True once: the role should be given up now.
  bool look(const Reach& reach, Instant now);

 private:
  Instant wait_{0};
  std::optional<Instant> primary_since_;
  std::optional<Instant> cut_off_since_;
};

}  // namespace tandem::tserver
