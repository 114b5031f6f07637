// Sample rates changed, by libspeexdsp: a stream piece by piece, or a whole recording. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct SpeexResamplerState_;

namespace tandem::connector::media {

class Resampler {
 public:
  enum class Quality : std::uint8_t { Live = 3, File = 8 };
  Resampler(std::uint32_t from, std::uint32_t to, Quality quality = Quality::Live);
  std::uint32_t from() const { return from_; }
  std::uint32_t to() const { return to_; }
  // The part of `out` that was filled; between whole multiples of each other always as much as goes in, in time.
  std::span<std::int16_t> process(std::span<const std::int16_t> in, std::span<std::int16_t> out);

 private:
  friend std::vector<std::int16_t> resampled(const std::vector<std::int16_t>&, std::uint32_t, std::uint32_t);
  struct Close {
    void operator()(SpeexResamplerState_* state) const;
  };
  std::uint32_t from_, to_;
  std::unique_ptr<SpeexResamplerState_, Close> state_;
};

// All of it at once, without the filter's delay. Nothing above half the new rate folds back.
std::vector<std::int16_t> resampled(const std::vector<std::int16_t>& mono, std::uint32_t from, std::uint32_t to);

}  // namespace tandem::connector::media
