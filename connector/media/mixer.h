// Sums of voices, 20 ms at a time. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "connector/media/codec.h"

namespace tandem::connector::media {

// Turns a sum down as far as it takes not to clip, at once, and slowly up again, so that it isn't heard to pump.
class Limiter {
 public:
  void apply(std::span<const std::int32_t> sum, std::span<std::int16_t> out);
  double gain() const { return gain_; }

 private:
  float gain_ = 1;
};

// One round of a scene: all voices of these 20 ms, and any sum of some of them.
class MixRound {
 public:
  void begin(std::size_t frame_size);
  // In the order of their places. Not speaking: counts as silence and costs nothing. `samples` have to stay as they are
  // until the round is over.
  void voice(std::span<const std::int16_t> samples, bool speaking);
  // `places` rising. Out of the sum of all where that is shorter.
  std::span<const std::int32_t> sum(std::span<const std::uint16_t> places);

 private:
  struct Voice {
    std::span<const std::int16_t> samples;
    bool speaking = false;
  };
  using Sum = std::array<std::int32_t, most_frame_samples>;
  std::size_t size_ = 0;
  std::vector<Voice> voices_;
  Sum total_{}, sum_{};
  bool have_total_ = false;
};

// From one signal to another within the frame, in place of the second.
void crossfade(std::span<const std::int16_t> from, std::span<std::int16_t> to);

}  // namespace tandem::connector::media
