#include "connector/media/recorder.h"

#include <array>
#include <cmath>
#include <utility>

namespace tandem::connector::media {
namespace {

constexpr Instant step = 20ms;
constexpr double full_scale = 32124, full_scale_dbm0 = 3.14;

}  // namespace

Recorder::Recorder(RecorderSettings settings)
    : settings_(settings),
      silent_below_(
          std::llround(full_scale * full_scale / 2 * std::pow(10.0, (settings.silence_dbm0 - full_scale_dbm0) / 10))) {
  piece_.reserve(settings.rate + settings.rate / 10);
}

std::optional<MediaRecorded::End> Recorder::frame(std::span<const std::int16_t> samples, std::uint32_t rate) {
  std::int64_t power = 0;
  for (const std::int64_t sample : samples) power += sample * sample;
  const bool silent = samples.empty() || power / static_cast<std::int64_t>(samples.size()) < silent_below_;
  std::array<std::int16_t, most_frame_samples> converted;
  if (rate != settings_.rate) {
    if (!resampler_ || resampler_->from() != rate) resampler_ = std::make_unique<Resampler>(rate, settings_.rate);
    samples = resampler_->process(samples, converted);
  }
  piece_.insert(piece_.end(), samples.begin(), samples.end());
  lasted_ += step;
  silent_ = silent ? silent_ + step : Instant{0};
  if (settings_.silence > 0ns && silent_ >= settings_.silence) return MediaRecorded::End::Silence;
  if (lasted_ >= settings_.limit) return MediaRecorded::End::Limit;
  return std::nullopt;
}

std::optional<std::vector<std::int16_t>> Recorder::piece(bool rest) {
  if (piece_.empty() || (!rest && piece_.size() < settings_.rate)) return std::nullopt;
  std::vector<std::int16_t> out;
  out.reserve(piece_.capacity());
  std::swap(out, piece_);
  return out;
}

}  // namespace tandem::connector::media
