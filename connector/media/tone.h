// Call-progress tones and digits as samples. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "connector/media/settings.h"

namespace tandem::connector::media {

// One period of a tone with its cadence, mono, a whole number of 20 ms frames long. Each burst begins and ends with a
// short ramp, so that it doesn't click.
std::vector<std::int16_t> tone_samples(const ToneSettings& settings, std::uint32_t rate = 8000);

// The two frequencies of a digit (ITU-T Q.23), 0-9 * # A-D. Empty: no such digit.
std::vector<double> digit_frequencies(char digit);

}  // namespace tandem::connector::media
