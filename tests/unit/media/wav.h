// WAV files of the tests' own.
#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <vector>

namespace tandem::connector::test {

struct File {
  explicit File(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("tandem-media-" + std::to_string(::getpid()) + "-" + name)) {}
  ~File() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

// A WAV file as the format says, written by hand.
inline void write_wav(const std::filesystem::path& path, std::uint32_t rate, std::uint16_t channels,
                      const std::vector<std::int16_t>& interleaved) {
  std::ofstream out(path, std::ios::binary);
  const auto put = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) out.put(static_cast<char>(value >> (8 * i)));
  };
  const auto octets = static_cast<std::uint32_t>(interleaved.size() * 2);
  out << "RIFF";
  put(36 + octets, 4);
  out << "WAVEfmt ";
  put(16, 4);
  put(1, 2);
  put(channels, 2);
  put(rate, 4);
  put(rate * channels * 2, 4);
  put(channels * 2u, 2);
  put(16, 2);
  out << "data";
  put(octets, 4);
  for (const auto sample : interleaved) put(static_cast<std::uint16_t>(sample), 2);
}

// A folder that goes away with all that is in it.
struct Folder {
  explicit Folder(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("tandem-media-" + std::to_string(::getpid()) + "-" + name)) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::filesystem::path path;
};

inline void write_tone(const std::filesystem::path& path, double hz, double seconds, std::uint32_t rate = 8000,
                       std::uint16_t channels = 1, double peak = 8000) {
  std::vector<std::int16_t> samples;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(seconds * rate); ++i) {
    const auto sample = static_cast<std::int16_t>(std::lround(peak * std::sin(2 * std::numbers::pi * hz * i / rate)));
    samples.insert(samples.end(), channels, sample);
  }
  write_wav(path, rate, channels, samples);
}

}  // namespace tandem::connector::test
