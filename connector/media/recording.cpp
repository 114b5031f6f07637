#include "connector/media/recording.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

namespace tandem::connector::media {
namespace {

constexpr std::uint32_t target_rate = 8000;
constexpr sf_count_t longest_s = 600;
constexpr int half_taps = 24;  // zero crossings of the filter on each side

struct Close {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

}  // namespace

std::vector<std::int16_t> to_8khz(const std::vector<std::int16_t>& mono, std::uint32_t rate) {
  if (rate == target_rate || rate == 0 || mono.empty()) return mono;
  const double step = static_cast<double>(rate) / target_rate;  // input samples per output sample
  const double cutoff = 0.92 / std::max(1.0, step);             // of half the input rate
  const double reach = half_taps / cutoff;
  const auto length = static_cast<std::int64_t>(mono.size());
  std::vector<std::int16_t> out(static_cast<std::size_t>(static_cast<double>(mono.size()) / step));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double centre = static_cast<double>(i) * step;
    double sum = 0;
    double weight_sum = 0;
    for (auto at = static_cast<std::int64_t>(std::ceil(centre - reach)); static_cast<double>(at) <= centre + reach;
         ++at) {
      const double x = static_cast<double>(at) - centre;
      const double angle = std::numbers::pi * x * cutoff;
      const double sinc = angle == 0 ? 1.0 : std::sin(angle) / angle;
      const double weight = sinc * (0.5 + 0.5 * std::cos(std::numbers::pi * x / reach));
      weight_sum += weight;
      if (at >= 0 && at < length) sum += weight * mono[static_cast<std::size_t>(at)];
    }
    out[i] = static_cast<std::int16_t>(std::lround(std::clamp(sum / weight_sum, -32768.0, 32767.0)));
  }
  return out;
}

Result<std::vector<std::int16_t>, Failure> read_recording(const std::string& path) {
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, Close> file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file) return Failure{path + ": " + sf_strerror(nullptr)};
  if (info.channels < 1 || info.channels > 8 || info.samplerate < 4000 || info.samplerate > 192000) {
    return Failure{path + ": " + std::to_string(info.channels) + " channels at " + std::to_string(info.samplerate) +
                   " Hz; expected 1 to 8 channels at 4000 to 192000 Hz"};
  }
  if (info.frames > longest_s * info.samplerate) return Failure{path + ": longer than 10 minutes"};
  if (info.frames <= 0) return Failure{path + ": holds no sound"};

  const auto channels = static_cast<std::size_t>(info.channels);
  std::vector<std::int16_t> interleaved(static_cast<std::size_t>(info.frames) * channels);
  const auto read = sf_readf_short(file.get(), interleaved.data(), info.frames);
  std::vector<std::int16_t> mono(static_cast<std::size_t>(std::max<sf_count_t>(0, read)));
  for (std::size_t i = 0; i < mono.size(); ++i) {
    int sum = 0;
    for (std::size_t channel = 0; channel < channels; ++channel) sum += interleaved[i * channels + channel];
    mono[i] = static_cast<std::int16_t>(sum / static_cast<int>(channels));
  }
  return to_8khz(mono, static_cast<std::uint32_t>(info.samplerate));
}

}  // namespace tandem::connector::media
