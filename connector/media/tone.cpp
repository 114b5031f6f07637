#include "connector/media/tone.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "connector/media/g711.h"

namespace tandem::connector::media {
namespace {

constexpr double rate = 8000.0;
constexpr std::size_t ramp_samples = 40;  // 5 ms
// A full-scale sine is +3.14 dBm0 in mu-law and +3.17 in A-law; the samples' full scale stands for 3.14.
constexpr double full_scale_dbm0 = 3.14;
constexpr double full_scale = 32124.0;
constexpr std::size_t longest_period = 60 * 8000;

std::size_t samples_in(std::chrono::milliseconds time) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(time.count(), 0, 60000)) * 8;
}

void add_burst(std::vector<std::int16_t>& out, std::size_t length, const ToneSettings& settings, bool ramped) {
  const auto count = settings.frequencies_hz.size();
  // Powers add up: each of n frequencies has 1/n of the level.
  const double peak = full_scale * std::pow(10.0, (settings.level_dbm0 - full_scale_dbm0) / 20.0) /
                      std::sqrt(static_cast<double>(std::max<std::size_t>(1, count)));
  for (std::size_t i = 0; i < length; ++i) {
    double sum = 0;
    for (const double hz : settings.frequencies_hz)
      sum += std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate);
    double gain = 1.0;
    if (ramped) {
      gain = std::min({1.0, static_cast<double>(i) / ramp_samples, static_cast<double>(length - 1 - i) / ramp_samples});
    }
    out.push_back(static_cast<std::int16_t>(std::lround(std::clamp(sum * peak * gain, -full_scale, full_scale))));
  }
}

}  // namespace

std::vector<std::int16_t> tone_samples(const ToneSettings& settings) {
  std::vector<std::int16_t> out;
  if (settings.frequencies_hz.empty()) return out;
  if (settings.cadence.empty()) {
    add_burst(out, 8000, settings, false);  // whole hertz fit a second
  } else {
    for (std::size_t i = 0; i < settings.cadence.size() && out.size() < longest_period; ++i) {
      const std::size_t length = samples_in(settings.cadence[i]);
      if (i % 2 == 0) {
        add_burst(out, length, settings, true);
      } else {
        out.resize(out.size() + length, 0);
      }
    }
  }
  out.resize((out.size() + frame_samples - 1) / frame_samples * frame_samples, 0);
  return out;
}

FrameRing::FrameRing(const std::vector<std::int16_t>& samples)
    : frames_(static_cast<std::uint32_t>((samples.size() + frame_samples - 1) / frame_samples)) {
  const std::size_t total = static_cast<std::size_t>(frames_) * frame_samples;
  pcmu_.resize(total, encode_pcmu(0));
  pcma_.resize(total, encode_pcma(0));
  std::transform(samples.begin(), samples.end(), pcmu_.begin(), encode_pcmu);
  std::transform(samples.begin(), samples.end(), pcma_.begin(), encode_pcma);
}

std::span<const std::uint8_t, frame_samples> FrameRing::frame(G711 law, std::uint32_t number) const {
  const auto& octets = law == G711::Pcma ? pcma_ : pcmu_;
  return std::span<const std::uint8_t, frame_samples>(
      octets.data() + static_cast<std::size_t>(number % frames_) * frame_samples, frame_samples);
}

}  // namespace tandem::connector::media
