// Measures sound: level over all, and of one frequency.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace tandem::connector::test {

// A sine of the mu-law's full scale (32124) is +3.14 dBm0.
inline double power_to_dbm0(double mean_square) {
  const double full = 32124.0 * 32124.0 / 2;
  return 10 * std::log10(std::max(mean_square, 1e-9) / full) + 3.14;
}

inline double peak_dbm0(double peak) {
  return power_to_dbm0(peak * peak / 2);
}

inline double dbm0(std::span<const std::int16_t> samples) {
  double sum = 0;
  for (const double sample : samples) sum += sample * sample;
  return power_to_dbm0(sum / static_cast<double>(samples.size()));
}

inline double tone_dbm0(std::span<const std::int16_t> samples, double hz, double rate = 8000.0) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    re += samples[i] * std::cos(angle);
    im += samples[i] * std::sin(angle);
  }
  const double peak = 2 * std::hypot(re, im) / static_cast<double>(samples.size());
  return peak_dbm0(peak);
}

}  // namespace tandem::connector::test
