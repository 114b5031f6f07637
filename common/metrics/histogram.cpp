#include "common/metrics/histogram.h"

#include <algorithm>

namespace tandem::metrics {

Histogram::Histogram(std::vector<double> rising_bounds)
    : bounds_(std::move(rising_bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  ++counts_[static_cast<std::size_t>(bucket)];
  ++count_;
  sum_ += value;
}

}  // namespace tandem::metrics
