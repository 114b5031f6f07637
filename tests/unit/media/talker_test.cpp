// What a party says, made even: jitter, loss, drift, pauses and changes of coding, in simulated time.
#include <catch2/catch.hpp>

#include <cmath>
#include <numbers>
#include <random>

#include "connector/media/g711.h"
#include "connector/media/talker.h"
#include "sound.h"

using namespace tandem;
using namespace tandem::connector::media;
using namespace tandem::connector::test;
using tandem::connector::test::tone_dbm0;

namespace {

std::vector<std::int16_t> sine(double hz, double peak, std::size_t from, std::size_t count, std::uint32_t rate) {
  std::vector<std::int16_t> out;
  for (std::size_t i = from; i < from + count; ++i)
    out.push_back(static_cast<std::int16_t>(
        std::lround(peak * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate))));
  return out;
}

// A sender of a tone with a clock of its own, a network in between, and the talker pulled every 20 ms.
struct Line {
  explicit Line(Coding of = Coding::Pcmu) : coding(of), encoder(of) {}

  void run(Instant time) {
    const auto end = now + time;
    while (now < end) {
      now += 1ms;
      while (next_send <= now) send();
      for (auto at = network.begin(); at != network.end();) {
        if (at->arrives > now) {
          ++at;
          continue;
        }
        talker.packet(coding, clock_rate(coding), at->header, at->payload, now);
        at = network.erase(at);
      }
      if (now % 20ms == 0ms) pull();
    }
  }
  void send() {
    const auto size = sample_rate(coding) / 50;
    std::array<std::uint8_t, most_encoded_octets> octets;
    const auto made = encoder.encode(sine(hz, 8000, sent * size, size, sample_rate(coding)), octets);
    RtpHeader header;
    header.ssrc = 7;
    header.sequence = static_cast<std::uint16_t>(65500 + sent);
    header.timestamp = static_cast<std::uint32_t>(sent * clock_rate(coding) / 50);
    if (!lose || !lose(sent))
      network.push_back({next_send + (late ? late(sent) : Instant{0}), header, {made.begin(), made.end()}});
    ++sent;
    next_send += std::chrono::nanoseconds(static_cast<std::int64_t>(20e6 * (1 - drift)));
  }
  void pull() {
    const bool speaks = talker.pull();
    speaking += speaks ? 1 : 0;
    ++pulls;
    heard.insert(heard.end(), talker.samples().begin(), talker.samples().end());
  }
  std::span<const std::int16_t> last(Instant time) const {
    return std::span(heard).last(static_cast<std::size_t>(time / 1ms) * talker.rate() / 1000);
  }
  double level() const { return tone_dbm0(last(1s), hz, talker.rate()); }

  struct Sent {
    Instant arrives;
    RtpHeader header;
    std::vector<std::uint8_t> payload;
  };
  Coding coding;
  Encoder encoder;
  Talker talker;
  double hz = 400;
  double drift = 0;  // of the sender's clock: 1e-4 sends 100 ppm too fast
  std::function<bool(std::uint64_t)> lose;
  std::function<Instant(std::uint64_t)> late;
  Instant now{0}, next_send{3ms};
  std::uint64_t sent = 0, pulls = 0, speaking = 0;
  std::vector<Sent> network;
  std::vector<std::int16_t> heard;
};

// The loudest of what isn't the tone, over stretches of 100 ms.
double worst_level(std::span<const std::int16_t> samples, std::uint32_t rate) {
  double worst = 100;
  for (std::size_t at = 0; at + rate / 10 <= samples.size(); at += rate / 10)
    worst = std::min(worst, dbm0(samples.subspan(at, rate / 10)));
  return worst;
}

const double full = peak_dbm0(8000);

}  // namespace

TEST_CASE("an even stream comes out as it was, soon") {
  for (const auto coding : {Coding::Pcmu, Coding::Pcma, Coding::G722, Coding::Opus}) {
    CAPTURE(static_cast<int>(coding));
    Line line(coding);
    line.run(5s);
    CHECK(line.talker.rate() == sample_rate(coding));
    CHECK(line.level() == Approx(full).margin(1));
    CHECK(line.pulls - line.speaking <= 3);
    CHECK(line.talker.concealed_frames() == 0);
    CHECK(line.talker.delay() <= 20ms);
  }
}

TEST_CASE("jitter is waited for, no more than it takes, and less again when it is over") {
  Line line;
  std::mt19937 random(1);
  line.late = [&](std::uint64_t) { return std::chrono::milliseconds(std::uniform_int_distribution(0, 55)(random)); };
  line.run(30s);
  const auto concealed = line.talker.concealed_frames();
  line.heard.clear();
  line.run(30s);
  CHECK(line.talker.concealed_frames() - concealed <= 30);  // of 1500
  CHECK(worst_level(line.heard, 8000) > full - 3);
  CHECK(line.talker.delay() >= 35ms);
  CHECK(line.talker.delay() <= 80ms);
  line.late = nullptr;
  line.run(40s);
  CHECK(line.talker.delay() <= 25ms);
}

TEST_CASE("single losses are concealed in every coding: no hole, and the tone goes on") {
  for (const auto coding : {Coding::Pcmu, Coding::G722, Coding::Opus}) {
    CAPTURE(static_cast<int>(coding));
    Line line(coding);
    line.lose = [](std::uint64_t number) { return number % 20 == 13; };
    line.run(2s);
    line.heard.clear();
    line.run(10s);
    CHECK(line.talker.concealed_frames() >= 20);
    CHECK(worst_level(line.heard, line.talker.rate()) > full - 3);
    // In step with the sender: as many frames come out as were sent.
    CHECK(line.talker.delay() <= 30ms);
  }
}

TEST_CASE("clocks that differ by 300 ppm either way do no harm in ten minutes") {
  const double drift = GENERATE(3e-4, -3e-4);
  CAPTURE(drift);
  Line line;
  line.drift = drift;
  line.run(10min);
  CHECK(line.talker.delay() <= 30ms);
  CHECK(worst_level(std::span(line.heard).subspan(16000), 8000) > full - 3);
  CHECK(line.talker.concealed_frames() <= 30);
}

TEST_CASE("a sender that pauses without packets is silent, and is heard again at once") {
  Line line;
  line.run(2s);
  const auto pause = line.next_send + 1s;
  line.lose = [&](std::uint64_t) { return false; };
  // The sender's clock goes on, its sequence numbers don't.
  line.next_send = pause;
  line.run(900ms);
  CHECK_FALSE(line.talker.speaking());
  CHECK(dbm0(line.last(500ms)) < -60);
  line.run(200ms);
  CHECK(line.talker.speaking());
  line.run(1s);
  CHECK(line.level() == Approx(full).margin(1));
}

TEST_CASE("packets out of order and doubled are put right") {
  Line line;
  line.late = [](std::uint64_t number) { return number % 10 == 5 ? 25ms : 0ms; };
  line.run(10s);
  line.heard.clear();
  const auto concealed = line.talker.concealed_frames();
  line.run(10s);
  CHECK(line.talker.concealed_frames() - concealed <= 2);
  CHECK(line.level() == Approx(full).margin(0.5));
}

TEST_CASE("a coding of another rate, another SSRC, a restart: the voice goes on") {
  Line line;
  line.run(2s);
  line.coding = Coding::G722;
  line.encoder = Encoder(Coding::G722);
  line.run(3s);
  CHECK(line.talker.rate() == 16000);
  CHECK(line.level() == Approx(full).margin(1));
  line.sent += 20000;
  line.run(2s);
  CHECK(line.level() == Approx(full).margin(1));
  line.sent -= 30;
  line.run(3s);
  CHECK(line.level() == Approx(full).margin(1));
}

TEST_CASE("garbage harms nobody") {
  Talker talker;
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    RtpHeader header;
    header.ssrc = random() % 50 == 0 ? 2 : 1;
    header.sequence = static_cast<std::uint16_t>(random() % 3 == 0 ? random() : i);
    header.timestamp = static_cast<std::uint32_t>(random() % 3 == 0 ? random() : i * 160u);
    std::vector<std::uint8_t> payload(random() % 1500);
    for (auto& octet : payload) octet = static_cast<std::uint8_t>(random());
    talker.packet(static_cast<Coding>(random() % 5), random() % 2 == 0 ? 8000 : 48000, header, payload, i * 10ms);
    if (i % 2 == 0) talker.pull();
    REQUIRE(talker.samples().size() == talker.rate() / 50);
  }
}
