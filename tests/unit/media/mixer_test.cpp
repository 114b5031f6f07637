// Sums: who is in them, and that they never clip.
#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>

#include "connector/media/mixer.h"
#include "sound.h"

using namespace tandem::connector::media;
using namespace tandem::connector::test;

namespace {

std::vector<std::int16_t> sine(double hz, double peak, int from) {
  std::vector<std::int16_t> out;
  for (int i = from; i < from + 160; ++i)
    out.push_back(static_cast<std::int16_t>(std::lround(peak * std::sin(2 * std::numbers::pi * hz * i / 8000))));
  return out;
}

}  // namespace

TEST_CASE("each of ten hears the other nine and not itself, however the sum is made") {
  std::vector<std::vector<std::int16_t>> said(10), heard(10), one(10);
  std::vector<Limiter> limiters(10);
  for (int frame = 0; frame < 50; ++frame) {
    MixRound round;
    round.begin(160);
    for (std::size_t i = 0; i < 10; ++i) {
      said[i] = sine(300.0 + 100 * static_cast<double>(i), 1000, frame * 160);
      round.voice(said[i], true);
    }
    std::vector<std::int16_t> out(160);
    for (std::size_t i = 0; i < 10; ++i) {
      std::vector<std::uint16_t> others;
      for (std::uint16_t j = 0; j < 10; ++j)
        if (j != i) others.push_back(j);
      limiters[i].apply(round.sum(others), out);
      heard[i].insert(heard[i].end(), out.begin(), out.end());
      const std::vector<std::uint16_t> next{static_cast<std::uint16_t>((i + 1) % 10)};
      limiters[i].apply(round.sum(next), out);
      one[i].insert(one[i].end(), out.begin(), out.end());
    }
  }
  for (std::size_t i = 0; i < 10; ++i) {
    for (std::size_t j = 0; j < 10; ++j) {
      const double level = tone_dbm0(heard[i], 300 + 100 * static_cast<double>(j));
      if (i == j) {
        CHECK(level < -70);
      } else {
        CHECK(level == Approx(peak_dbm0(1000)).margin(0.2));
      }
      const double alone = tone_dbm0(one[i], 300 + 100 * static_cast<double>(j));
      if (j == (i + 1) % 10) {
        CHECK(alone == Approx(peak_dbm0(1000)).margin(0.2));
      } else {
        CHECK(alone < -70);
      }
    }
  }
}

TEST_CASE("ten shouting at once don't clip, and the level comes back without pumping") {
  Limiter limiter;
  std::vector<std::int16_t> out(160);
  std::vector<std::int16_t> loud;
  double gain_low = 1, gain_high = 0;
  for (int frame = 0; frame < 100; ++frame) {
    MixRound round;
    round.begin(160);
    std::vector<std::vector<std::int16_t>> said;
    std::vector<std::uint16_t> all;
    for (std::uint16_t i = 0; i < 10; ++i) {
      said.push_back(sine(310.0 + 97 * i, 20000, frame * 160));
      all.push_back(i);
    }
    for (const auto& voice : said) round.voice(voice, true);
    limiter.apply(round.sum(all), out);
    if (frame < 20) continue;
    gain_low = std::min(gain_low, limiter.gain());
    gain_high = std::max(gain_high, limiter.gain());
    loud.insert(loud.end(), out.begin(), out.end());
  }
  const auto clipped = std::count_if(loud.begin(), loud.end(), [](auto sample) { return std::abs(sample) >= 32767; });
  CHECK(clipped == 0);
  // All ten at the same level, little beside them.
  for (int i = 0; i < 10; ++i) CHECK(tone_dbm0(loud, 310 + 97 * i) == Approx(tone_dbm0(loud, 310)).margin(1.5));
  CHECK(gain_high / gain_low < 1.5);
  // A quiet voice afterwards is as loud as it is within two seconds.
  for (int frame = 0; frame < 150; ++frame) {
    const auto said = sine(400, 2000, frame * 160);
    MixRound round;
    round.begin(160);
    round.voice(said, true);
    limiter.apply(round.sum(std::vector<std::uint16_t>{0}), out);
  }
  CHECK(dbm0(out) == Approx(peak_dbm0(2000)).margin(0.2));
}

TEST_CASE("who doesn't speak costs nothing and is silence") {
  MixRound round;
  round.begin(160);
  const auto said = sine(400, 2000, 0);
  round.voice(said, false);
  round.voice({}, false);
  round.voice(said, true);
  for (const auto sample : round.sum(std::vector<std::uint16_t>{0, 1})) CHECK(sample == 0);
  CHECK(round.sum(std::vector<std::uint16_t>{0, 1, 2})[10] == said[10]);
}

TEST_CASE("a crossfade begins as the one and ends as the other") {
  std::vector<std::int16_t> from(160, 10000), to(160, -10000);
  crossfade(from, to);
  CHECK(to.front() == 10000);
  CHECK(to.back() < -9500);
  for (std::size_t i = 1; i < to.size(); ++i) CHECK(std::abs(to[i] - to[i - 1]) < 200);
}
