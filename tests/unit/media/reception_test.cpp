// Loss and jitter as receiver reports tell them (RFC 3550 appendix A).
#include <catch2/catch.hpp>

#include "connector/media/reception.h"

using namespace tandem;
using namespace tandem::connector::media;

namespace {

struct Listener {
  Reception reception;
  void hear(std::uint16_t sequence, Instant at, std::uint32_t ssrc = 1, std::int64_t timestamp = -1) {
    RtpHeader header;
    header.sequence = sequence;
    header.ssrc = ssrc;
    header.timestamp = static_cast<std::uint32_t>(timestamp >= 0 ? timestamp : sequence * 160);
    reception.packet(header, 8000, at);
  }
};

}  // namespace

TEST_CASE("nothing heard, nothing reported") {
  Reception reception;
  CHECK_FALSE(reception.report(1s));
  CHECK(reception.lost() == 0);
}

TEST_CASE("gaps are losses, over the wrap, late ones are none") {
  Listener listener;
  for (const int sequence : {65530, 65531, 65534, 65533, 1, 2}) {
    listener.hear(static_cast<std::uint16_t>(sequence), 20ms * sequence);
  }
  CHECK(listener.reception.lost() == 3);  // 65532, 65535, 0
  const auto report = listener.reception.report(5s);
  REQUIRE(report);
  CHECK(report->lost == 3);
  CHECK(report->fraction_lost == 3 * 256 / 9);
  CHECK(report->highest_sequence == 0x10002);
}

TEST_CASE("the fraction lost is that since the last report") {
  Listener listener;
  listener.hear(1, 0ms);
  listener.hear(4, 60ms);
  listener.reception.report(1s);
  for (std::uint16_t i = 5; i <= 8; ++i) listener.hear(i, 20ms * i);
  const auto report = listener.reception.report(2s);
  CHECK(report->fraction_lost == 0);
  CHECK(report->lost == 2);
}

TEST_CASE("another SSRC or a jump begins a new stream and keeps the losses counted") {
  Listener listener;
  listener.hear(1, 0ms);
  listener.hear(3, 40ms);
  listener.hear(40000, 60ms, 2);
  listener.hear(40001, 80ms, 2);
  CHECK(listener.reception.lost() == 1);
  CHECK(listener.reception.report(1s)->lost == 0);
  CHECK(listener.reception.ssrc() == 2);
  listener.hear(100, 100ms, 2);
  CHECK(listener.reception.lost() == 1);
}

TEST_CASE("jitter: none when packets come as they were sent, near the mean deviation when they don't") {
  Listener steady;
  for (std::uint16_t i = 0; i < 200; ++i) steady.hear(i, 20ms * i);
  CHECK(steady.reception.jitter_ms() < 0.2);
  Listener shaky;
  for (std::uint16_t i = 0; i < 400; ++i) shaky.hear(i, 20ms * i + (i % 2 == 0 ? 0ms : 10ms));
  CHECK(shaky.reception.jitter_ms() == Approx(10.0).epsilon(0.1));
  CHECK(shaky.reception.report(10s)->jitter == Approx(80).epsilon(0.1));
}

TEST_CASE("a sender report comes back with the time since") {
  Listener listener;
  listener.hear(1, 0ms);
  CHECK(listener.reception.report(1s)->last_sr == 0);
  listener.reception.sender_report({0x1111222233334444, 0, 0, 0}, 1s);
  const auto report = listener.reception.report(2500ms);
  CHECK(report->last_sr == 0x22223333);
  CHECK(report->delay_since_last_sr == 65536 * 3 / 2);
}
