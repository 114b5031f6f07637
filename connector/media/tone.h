// Tones and recordings as rings of encoded G.711 frames, made once and only copied from afterwards. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "connector/media/payloads.h"
#include "connector/media/settings.h"

namespace tandem::connector::media {

constexpr std::size_t frame_samples = 160;  // 20 ms at 8 kHz
constexpr Instant frame_time = 20ms;

// One period of a tone with its cadence, 8 kHz mono, a whole number of frames long. Each burst begins and ends with a
// short ramp, so that it doesn't click.
std::vector<std::int16_t> tone_samples(const ToneSettings& settings);

// The same samples in both laws; played round and round.
class FrameRing {
 public:
  FrameRing() = default;
  explicit FrameRing(const std::vector<std::int16_t>& samples);  // the last frame is filled with silence
  bool empty() const { return frames_ == 0; }
  std::uint32_t frames() const { return frames_; }
  std::span<const std::uint8_t, frame_samples> frame(G711 law, std::uint32_t number) const;

 private:
  std::vector<std::uint8_t> pcmu_, pcma_;
  std::uint32_t frames_ = 0;
};

}  // namespace tandem::connector::media
