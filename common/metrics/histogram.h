// Observations counted by bucket, for one thread. `le` bounds are inclusive, as Prometheus has them.
#pragma once

#include <cstdint>
#include <vector>

namespace tandem::metrics {

class Histogram {
 public:
  explicit Histogram(std::vector<double> rising_bounds);

  void observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  // At most `bounds()[i]`, not cumulated; the last one is above all bounds.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace tandem::metrics
