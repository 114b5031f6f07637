#include "connector/media/tone.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

namespace tandem::connector::media {
namespace {

// A full-scale sine is +3.14 dBm0 in mu-law and +3.17 in A-law; the samples' full scale stands for 3.14.
constexpr double full_scale_dbm0 = 3.14;
constexpr double full_scale = 32124.0;
constexpr std::size_t longest_period_s = 60;

std::size_t samples_in(std::chrono::milliseconds time, std::uint32_t rate) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(time.count(), 0, 60000)) * rate / 1000;
}

void add_burst(std::vector<std::int16_t>& out, std::size_t length, const ToneSettings& settings, std::uint32_t rate,
               bool ramped) {
  const auto ramp_samples = static_cast<double>(rate / 200);  // 5 ms
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

std::vector<std::int16_t> tone_samples(const ToneSettings& settings, std::uint32_t rate) {
  const std::size_t longest_period = longest_period_s * rate, frame = rate / 50;
  std::vector<std::int16_t> out;
  if (settings.frequencies_hz.empty()) return out;
  if (settings.cadence.empty()) {
    add_burst(out, rate, settings, rate, false);  // whole hertz fit a second
  } else {
    for (std::size_t i = 0; i < settings.cadence.size() && out.size() < longest_period; ++i) {
      const std::size_t length = samples_in(settings.cadence[i], rate);
      if (i % 2 == 0) {
        add_burst(out, length, settings, rate, true);
      } else {
        out.resize(out.size() + length, 0);
      }
    }
  }
  out.resize((out.size() + frame - 1) / frame * frame, 0);
  return out;
}

std::vector<double> digit_frequencies(char digit) {
  constexpr std::array<double, 4> low{697, 770, 852, 941}, high{1209, 1336, 1477, 1633};
  constexpr std::string_view keys = "123A456B789C*0#D";
  const auto at = keys.find(digit);
  if (at == std::string_view::npos) return {};
  return {low[at / 4], high[at % 4]};
}

}  // namespace tandem::connector::media
