#include "connector/media/mixer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace tandem::connector::media {
namespace {

constexpr float ceiling = 32000;
constexpr float release = 0.02f;          // of the gain in each frame: from half to full in two thirds of a second
constexpr std::size_t ramp_divider = 10;  // of a frame: 2 ms

void add(std::span<std::int32_t> sum, std::span<const std::int16_t> samples) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += samples[i];
}
void subtract(std::span<std::int32_t> sum, std::span<const std::int16_t> samples) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] -= samples[i];
}

}  // namespace

void Limiter::apply(std::span<const std::int32_t> sum, std::span<std::int16_t> out) {
  std::int32_t peak = 1;
  for (const auto sample : sum) peak = std::max(peak, std::abs(sample));
  const float allowed = ceiling / static_cast<float>(peak);
  if (gain_ >= 1 && allowed >= 1) {
    std::transform(sum.begin(), sum.end(), out.begin(), [](auto sample) { return static_cast<std::int16_t>(sample); });
    return;
  }
  const float before = gain_;
  gain_ = std::min({1.0f, gain_ * (1 + release), allowed});
  // Down within 2 ms, up over the whole frame.
  const auto ramp = gain_ < before ? std::max<std::size_t>(1, sum.size() / ramp_divider) : sum.size();
  const float slope = (gain_ - before) / static_cast<float>(ramp);
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const float gain = i < ramp ? before + slope * static_cast<float>(i + 1) : gain_;
    out[i] = static_cast<std::int16_t>(std::clamp(gain * static_cast<float>(sum[i]), -32767.0f, 32767.0f));
  }
}

void MixRound::begin(std::size_t frame_size) {
  size_ = frame_size;
  voices_.clear();
  have_total_ = false;
}

void MixRound::voice(std::span<const std::int16_t> samples, bool speaking) {
  voices_.push_back({samples, speaking && samples.size() >= size_});
}

std::span<const std::int32_t> MixRound::sum(std::span<const std::uint16_t> places) {
  const auto out = std::span(sum_).first(size_);
  if (places.size() * 2 <= voices_.size()) {
    std::fill(out.begin(), out.end(), 0);
    for (const auto place : places) {
      if (voices_[place].speaking) add(out, voices_[place].samples);
    }
    return out;
  }
  const auto total = std::span(total_).first(size_);
  if (!have_total_) {
    have_total_ = true;
    std::fill(total.begin(), total.end(), 0);
    for (const auto& voice : voices_) {
      if (voice.speaking) add(total, voice.samples);
    }
  }
  std::copy(total.begin(), total.end(), out.begin());
  std::size_t next = 0;
  for (std::size_t place = 0; place < voices_.size(); ++place) {
    if (next < places.size() && places[next] == place) {
      ++next;
    } else if (voices_[place].speaking) {
      subtract(out, voices_[place].samples);
    }
  }
  return out;
}

void crossfade(std::span<const std::int16_t> from, std::span<std::int16_t> to) {
  const int count = static_cast<int>(to.size());
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    to[at] = static_cast<std::int16_t>((from[at] * (count - i) + to[at] * i) / count);
  }
}

}  // namespace tandem::connector::media
