// Recordings read from files, as samples to make a FrameRing of. Reads files; called at start-up only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace tandem::connector::media {

// WAV (or what else libsndfile reads), mono or stereo, any rate; brought to 8 kHz mono. Longer than 10 minutes is
// refused.
Result<std::vector<std::int16_t>, Failure> read_recording(const std::string& path);

// Resampled by a windowed-sinc low-pass filter, so that nothing above half the new rate folds back. Pure.
std::vector<std::int16_t> to_8khz(const std::vector<std::int16_t>& mono, std::uint32_t rate);

}  // namespace tandem::connector::media
