// ADDP, the heartbeat: after so much silence from the other side a poll goes out; after as much again without a word
// the other side is dead. Anything received counts as life. Pure: both directions of a connection have one of these
// each side.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/base/time.h"

namespace tandem::net {

struct AddpOptions {
  std::chrono::milliseconds timeout{10000};  // silence after which the other side is dead; 0: off
};

class Addp {
 public:
  enum class What { Wait, Poll, Dead };
  struct Step {
    What what = What::Wait;
    Instant again{0};         // ask again then; 0: never
    std::uint64_t stamp = 0;  // of the poll to be sent
  };

  Addp(AddpOptions options, Instant now) : options_(options), heard_(now) {}

  // Something came from the other side.
  void received(Instant now) {
    heard_ = now;
    polled_ = false;
  }
  // What to do now. Cheap to ask early: the step says when to ask again.
  Step check(Instant now);
  void set_timeout(std::chrono::milliseconds timeout) { options_.timeout = timeout; }
  std::chrono::milliseconds timeout() const { return options_.timeout; }

 private:
  AddpOptions options_;
  Instant heard_;
  std::uint64_t stamp_ = 0;
  bool polled_ = false;
};

}  // namespace tandem::net
