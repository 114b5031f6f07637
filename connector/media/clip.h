// A sound that is played to many: a tone, music, a prompt. Cut into frames of 20 ms and encoded once, so that playing
// it is copying; Opus, whose frames hang together, is encoded for each listener from the samples. Never changes once
// made, so threads share it. A second takes 56 kilobytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "connector/media/codec.h"
#include "connector/media/settings.h"

namespace tandem::connector::media {

class Clip {
 public:
  // Mono at any rate; the last frame is filled with silence.
  Clip(const std::vector<std::int16_t>& samples, std::uint32_t rate);
  explicit Clip(const ToneSettings& tone);

  bool empty() const { return frames_ == 0; }
  std::uint32_t frames() const { return frames_; }
  std::size_t octets() const { return frames_ * std::size_t{160 * 3 + 640}; }
  // Round and round. Pcmu, Pcma and G722 only.
  std::span<const std::uint8_t, 160> frame(Coding coding, std::uint32_t number) const;
  // At 16 kHz.
  std::span<const std::int16_t, 320> samples(std::uint32_t number) const;

 private:
  Clip(std::vector<std::int16_t> narrow, std::vector<std::int16_t> wide);
  std::vector<std::uint8_t> pcmu_, pcma_, g722_;
  std::vector<std::int16_t> wide_;
  std::uint32_t frames_ = 0;
};
using ClipPtr = std::shared_ptr<const Clip>;

}  // namespace tandem::connector::media
