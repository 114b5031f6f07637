// Waits between attempts: each twice as long as the one before up to a limit, shortened by chance so that many who
// lost the same peer don't come back at the same moment. Pure: chance is given.
#pragma once

#include <algorithm>
#include <chrono>

namespace tandem::net {

struct BackoffOptions {
  std::chrono::milliseconds first{200};
  std::chrono::milliseconds limit{10000};
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options) : options_(options), next_(options.first) {}
  // `chance` in [0, 1): the wait lies between half of the step and the whole.
  std::chrono::milliseconds next(double chance) {
    const auto step = next_;
    next_ = std::min(next_ * 2, options_.limit);
    return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(step.count()) * (0.5 + chance / 2)));
  }
  void reset() { next_ = options_.first; }

 private:
  BackoffOptions options_;
  std::chrono::milliseconds next_;
};

}  // namespace tandem::net
