// Recordings read from files. Reads files; called at start-up and in the library's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace tandem::connector::media {

struct Recording {
  std::vector<std::int16_t> samples;  // mono: the mean of all channels
  std::uint32_t rate = 8000;
};

// WAV (or what else libsndfile reads), up to 8 channels, 4 to 192 kHz. Longer than 10 minutes is refused.
Result<Recording, Failure> read_recording(const std::string& path);

}  // namespace tandem::connector::media
