#include "connector/media/recording.h"

#include <sndfile.h>

#include <algorithm>
#include <memory>

namespace tandem::connector::media {
namespace {

constexpr sf_count_t longest_s = 600;

struct Close {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

}  // namespace

Result<Recording, Failure> read_recording(const std::string& path) {
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
  return Recording{std::move(mono), static_cast<std::uint32_t>(info.samplerate)};
}

}  // namespace tandem::connector::media
