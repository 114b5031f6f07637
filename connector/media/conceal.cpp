#include "connector/media/conceal.h"

#include <algorithm>
#include <cmath>

namespace tandem::connector::media {
namespace {

// How alike two stretches are: 1 the same but for their level. `step` looks at every second sample at 16 kHz.
double likeness(const std::int16_t* a, const std::int16_t* b, std::size_t count, std::size_t step) {
  std::int64_t cross = 0, power_a = 0, power_b = 0;
  for (std::size_t i = 0; i < count; i += step) {
    cross += a[i] * b[i];
    power_a += a[i] * a[i];
    power_b += b[i] * b[i];
  }
  if (power_a == 0 || power_b == 0) return 0;
  return static_cast<double>(cross) / std::sqrt(static_cast<double>(power_a) * static_cast<double>(power_b));
}

std::int16_t blend(int from, int to, std::size_t i, std::size_t count) {
  const int n = static_cast<int>(count), k = static_cast<int>(i);
  return static_cast<std::int16_t>((from * (n - k) + to * k) / n);
}

// The lag at which `samples` is most like its own beginning.
std::size_t best_lag(const std::vector<std::int16_t>& samples, std::uint32_t rate) {
  const std::size_t shortest = rate / 400, longest = rate / 100, window = rate * 3 / 400, step = rate / 8000;
  std::size_t best = longest;
  double best_likeness = -2;
  for (std::size_t lag = shortest; lag <= longest; lag += step) {
    const double alike = likeness(samples.data(), samples.data() + lag, window, step);
    if (alike > best_likeness) {
      best = lag;
      best_likeness = alike;
    }
  }
  return best;
}

}  // namespace

Concealer::Concealer(std::uint32_t rate)
    : shortest_(rate / 400),
      longest_(rate * 3 / 200),
      window_(rate / 100),
      full_until_(rate / 100),
      fade_end_(rate * 6 / 100),
      blend_(rate / 200) {
  history_.assign(rate / 25, 0);
  period_.reserve(longest_);
}

void Concealer::heard(std::span<const std::int16_t> samples) {
  made_ = 0;
  if (samples.size() >= history_.size()) samples = samples.last(history_.size());
  const auto kept = static_cast<std::ptrdiff_t>(history_.size() - samples.size());
  std::copy(history_.end() - kept, history_.end(), history_.begin());
  std::copy(samples.begin(), samples.end(), history_.begin() + kept);
}

std::size_t Concealer::find_period() const {
  const std::size_t step = shortest_ / 20;  // 1 at 8 kHz, 2 at 16
  const auto* end = history_.data() + history_.size();
  std::size_t best = longest_;
  double best_likeness = 0;
  for (std::size_t lag = shortest_; lag <= longest_; lag += step) {
    const double alike = likeness(end - window_, end - window_ - lag, window_, step);
    if (alike > best_likeness) {
      best = lag;
      best_likeness = alike;
    }
  }
  return best;
}

std::int16_t Concealer::next() {
  if (made_ >= fade_end_) return 0;
  int sample = period_[at_];
  at_ = (at_ + 1) % period_.size();
  if (made_ > full_until_) {
    sample = sample * static_cast<int>(fade_end_ - made_) / static_cast<int>(fade_end_ - full_until_);
  }
  ++made_;
  return static_cast<std::int16_t>(sample);
}

void Concealer::conceal(std::span<std::int16_t> out) {
  if (made_ == 0) {
    const auto lag = find_period();
    period_.assign(history_.end() - static_cast<std::ptrdiff_t>(lag), history_.end());
    // The period's end is blended into what came before its beginning, so that repeating it makes no step.
    const auto seam = lag / 4;
    for (std::size_t i = 0; i < seam; ++i) {
      const auto before = history_[history_.size() - lag - seam + i];
      period_[lag - seam + i] = blend(period_[lag - seam + i], before, i + 1, seam);
    }
    at_ = 0;
  }
  for (auto& sample : out) sample = next();
}

void Concealer::resume(std::span<std::int16_t> samples) {
  if (made_ == 0) return;
  const auto count = std::min(blend_, samples.size());
  for (std::size_t i = 0; i < count; ++i) samples[i] = blend(next(), samples[i], i + 1, count);
  made_ = 0;
}

void Concealer::forget() {
  std::fill(history_.begin(), history_.end(), std::int16_t{0});
  made_ = 0;
}

std::size_t shorten(std::vector<std::int16_t>& samples, std::uint32_t rate) {
  if (samples.size() < rate * 7 / 400) return 0;
  const auto lag = best_lag(samples, rate);
  const std::size_t fade = rate / 400;
  for (std::size_t i = 0; i < fade; ++i) samples[lag + i] = blend(samples[i], samples[lag + i], i, fade);
  samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(lag));
  return lag;
}

std::size_t lengthen(std::vector<std::int16_t>& samples, std::uint32_t rate) {
  if (samples.size() < rate * 7 / 400) return 0;
  const auto lag = best_lag(samples, rate);
  const std::size_t fade = rate / 400;
  // x[0..lag) as it is, then again from 0 on, the first samples blended from what would have come.
  samples.insert(samples.begin(), lag, 0);
  std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(lag), lag, samples.begin());
  for (std::size_t i = 0; i < fade; ++i)
    samples[lag + i] = blend(samples[std::min(2 * lag + i, samples.size() - 1)], samples[lag + i], i, fade);
  return lag;
}

}  // namespace tandem::connector::media
