// What one party says, on its way to a file: cut into pieces, ended by its limit or by silence. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "connector/core/machine.h"
#include "connector/media/resampler.h"
#include "connector/media/sound_library.h"

namespace tandem::connector::media {

struct RecorderSettings {
  RecordingKey key;
  std::uint32_t rate = 8000;  // of the file
  Instant limit{0};
  Instant silence{0};  // ends after so much of it; 0: never
  double silence_dbm0 = -42;
};

class Recorder {
 public:
  explicit Recorder(RecorderSettings settings);
  const RecordingKey& key() const { return settings_.key; }
  // 20 ms at `rate`. Why it ended, once it has.
  std::optional<MediaRecorded::End> frame(std::span<const std::int16_t> samples, std::uint32_t rate);
  // A second or more, none if there isn't as much yet; `rest`: whatever there is.
  std::optional<std::vector<std::int16_t>> piece(bool rest);

 private:
  RecorderSettings settings_;
  std::int64_t silent_below_;  // mean square
  std::unique_ptr<Resampler> resampler_;
  std::vector<std::int16_t> piece_;
  Instant lasted_{0}, silent_{0};
};

}  // namespace tandem::connector::media
