// Tones: frequency, level and cadence, measured on what was encoded; recordings read from files.
#include <catch2/catch.hpp>

#include "connector/media/clip.h"
#include "connector/media/g711.h"
#include "connector/media/recording.h"
#include "connector/media/resampler.h"
#include "connector/media/tone.h"
#include "sound.h"
#include "wav.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::media;
using namespace tandem::connector::test;

namespace {

std::vector<std::int16_t> decoded(const Clip& clip, Coding coding) {
  std::vector<std::int16_t> samples, out(320);
  Decoder decoder(coding);
  for (std::uint32_t i = 0; i < clip.frames(); ++i) {
    const auto heard = decoder.decode(clip.frame(coding, i), out);
    samples.insert(samples.end(), heard.begin(), heard.end());
  }
  return samples;
}

}  // namespace

TEST_CASE("the default ringback: 425 Hz at -10 dBm0, one second of five, in both laws") {
  const Clip ring(MediaSettings{}.ringback);
  REQUIRE(ring.frames() == 250);
  for (const auto law : {Coding::Pcmu, Coding::Pcma}) {
    const auto samples = decoded(ring, law);
    const std::span burst(samples.data() + 400, 7200);  // between the ramps
    CHECK(dbm0(burst) == Approx(-10.0).margin(0.1));
    CHECK(tone_dbm0(burst, 425) == Approx(-10.0).margin(0.1));
    CHECK(tone_dbm0(burst, 440) < -40);
    for (std::size_t i = 8000; i < 40000; ++i) REQUIRE(std::abs(samples[i]) <= 8);
  }
}

TEST_CASE("two frequencies share the level; the cadence may have several bursts") {
  ToneSettings settings{{440, 480}, -13, {400ms, 200ms, 400ms, 2000ms}};
  const Clip ring(settings);
  REQUIRE(ring.frames() == 150);
  const auto samples = decoded(ring, Coding::Pcmu);
  const std::span burst(samples.data() + 400, 2400);
  CHECK(dbm0(burst) == Approx(-13).margin(0.3));
  CHECK(tone_dbm0(burst, 440) == Approx(-16).margin(0.5));
  CHECK(tone_dbm0(burst, 480) == Approx(-16).margin(0.5));
  const auto loud = [&](int ms) { return dbm0(std::span(samples.data() + ms * 8, 400)) > -20; };
  CHECK(loud(20));
  CHECK(loud(330));
  CHECK_FALSE(loud(410));
  CHECK_FALSE(loud(540));
  CHECK(loud(620));
  CHECK_FALSE(loud(1010));
  CHECK_FALSE(loud(2900));
}

TEST_CASE("bursts begin and end softly") {
  const auto samples = tone_samples({{425}, -10, {100ms, 100ms}});
  REQUIRE(samples.size() == 1600);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(std::abs(samples[i]) < 2500);
    CHECK(std::abs(samples[799 - i]) < 2500);
  }
}

TEST_CASE("odd settings make no monster: nothing to play, overload, endless cadence") {
  CHECK(tone_samples({{}, -10, {1s}}).empty());
  CHECK(Clip(ToneSettings{{}, -10, {}}).empty());
  CHECK(tone_samples({{425}, -10, {}}).size() == 8000);
  CHECK(tone_samples({{425}, -10, std::vector<std::chrono::milliseconds>(1000, 60000ms)}).size() <= 120 * 8000);
  const auto loud = tone_samples({{425, 440}, 20, {}});
  CHECK(*std::max_element(loud.begin(), loud.end()) == 32124);
}

TEST_CASE("a clip repeats, and its last frame is filled with silence") {
  const Clip ring(std::vector<std::int16_t>(161, 1000), 8000);
  REQUIRE(ring.frames() == 2);
  CHECK(ring.frame(Coding::Pcmu, 0)[0] == encode_pcmu(1000));
  CHECK(ring.frame(Coding::Pcmu, 1)[0] == encode_pcmu(1000));
  CHECK(ring.frame(Coding::Pcmu, 1)[1] == encode_pcmu(0));
  CHECK(ring.frame(Coding::Pcma, 3).data() == ring.frame(Coding::Pcma, 1).data());
}

TEST_CASE("a clip has its tone in every coding") {
  const Clip ring(ToneSettings{{600}, -12, {}});
  for (const auto coding : {Coding::Pcmu, Coding::Pcma, Coding::G722}) {
    const auto samples = decoded(ring, coding);
    REQUIRE(samples.size() == sample_rate(coding));
    CHECK(tone_dbm0(std::span(samples).subspan(1600), 600, sample_rate(coding)) == Approx(-12).margin(0.5));
  }
}

TEST_CASE("every digit has its two frequencies") {
  CHECK(digit_frequencies('1') == std::vector<double>{697, 1209});
  CHECK(digit_frequencies('A') == std::vector<double>{697, 1633});
  CHECK(digit_frequencies('0') == std::vector<double>{941, 1336});
  CHECK(digit_frequencies('#') == std::vector<double>{941, 1477});
  CHECK(digit_frequencies('x').empty());
}

TEST_CASE("recordings of any usual rate, mono and stereo, come out at 8 and 16 kHz with their tone") {
  for (const std::uint32_t rate : {8000u, 16000u, 44100u, 48000u}) {
    for (const std::uint16_t channels : {std::uint16_t{1}, std::uint16_t{2}}) {
      CAPTURE(rate, channels);
      const File file("tone.wav");
      std::vector<std::int16_t> samples;
      for (std::uint32_t i = 0; i < rate; ++i) {
        const auto sample =
            static_cast<std::int16_t>(std::lround(8000 * std::sin(2 * std::numbers::pi * 1000.0 * i / rate)));
        samples.insert(samples.end(), channels, sample);
      }
      write_wav(file.path, rate, channels, samples);
      const auto read = read_recording(file.path.string());
      REQUIRE(read.has_value());
      CHECK(read->rate == rate);
      for (const std::uint32_t to : {8000u, 16000u}) {
        const auto out = resampled(read->samples, read->rate, to);
        REQUIRE(out.size() == Approx(to).margin(1));
        const std::span middle(out.data() + to / 20, to * 9 / 10);
        CHECK(tone_dbm0(middle, 1000, to) == Approx(peak_dbm0(8000)).margin(0.2));
        CHECK(dbm0(middle) == Approx(peak_dbm0(8000)).margin(0.2));
      }
    }
  }
}

TEST_CASE("what 8 kHz can't hold is filtered away instead of folding back") {
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 48000; ++i) {
    samples.push_back(
        static_cast<std::int16_t>(std::lround(8000 * std::sin(2 * std::numbers::pi * 7000.0 * i / 48000))));
  }
  const auto out = resampled(samples, 48000, 8000);
  CHECK(dbm0(std::span(out.data() + 400, 7200)) < peak_dbm0(8000) - 40);
}

TEST_CASE("a file that is missing, empty or no recording is told with its name") {
  const auto missing = read_recording("/nonexistent/ring.wav");
  REQUIRE(missing.has_error());
  CHECK_THAT(missing.error().text, Catch::Contains("/nonexistent/ring.wav"));
  const File text("text.wav");
  std::ofstream(text.path) << "this is no recording";
  CHECK(read_recording(text.path.string()).has_error());
  const File empty("empty.wav");
  write_wav(empty.path, 8000, 1, {});
  CHECK(read_recording(empty.path.string()).has_error());
}
