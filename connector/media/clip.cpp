#include "connector/media/clip.h"

#include <algorithm>

#include "connector/media/g711.h"
#include "connector/media/resampler.h"
#include "connector/media/tone.h"

namespace tandem::connector::media {

Clip::Clip(std::vector<std::int16_t> narrow, std::vector<std::int16_t> wide) : wide_(std::move(wide)) {
  frames_ = static_cast<std::uint32_t>((narrow.size() + 159) / 160);
  const auto total = std::size_t{frames_} * 160;
  narrow.resize(total, 0);
  wide_.resize(2 * total, 0);
  pcmu_.resize(total);
  pcma_.resize(total);
  g722_.resize(total);
  std::transform(narrow.begin(), narrow.end(), pcmu_.begin(), encode_pcmu);
  std::transform(narrow.begin(), narrow.end(), pcma_.begin(), encode_pcma);
  Encoder encoder(Coding::G722);
  std::array<std::uint8_t, most_encoded_octets> octets;
  for (std::uint32_t i = 0; i < frames_; ++i) {
    const auto made = encoder.encode(samples(i), octets);
    std::copy(made.begin(), made.end(), g722_.begin() + i * 160);
  }
}

Clip::Clip(const std::vector<std::int16_t>& samples, std::uint32_t rate)
    : Clip(resampled(samples, rate, 8000), resampled(samples, rate, 16000)) {}

Clip::Clip(const ToneSettings& tone) : Clip(tone_samples(tone, 8000), tone_samples(tone, 16000)) {}

std::span<const std::uint8_t, 160> Clip::frame(Coding coding, std::uint32_t number) const {
  const auto& octets = coding == Coding::G722 ? g722_ : coding == Coding::Pcma ? pcma_ : pcmu_;
  return std::span<const std::uint8_t, 160>(octets.data() + std::size_t{number % frames_} * 160, 160);
}

std::span<const std::int16_t, 320> Clip::samples(std::uint32_t number) const {
  return std::span<const std::int16_t, 320>(wide_.data() + std::size_t{number % frames_} * 320, 320);
}

}  // namespace tandem::connector::media
