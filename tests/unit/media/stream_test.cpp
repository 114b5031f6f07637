// What a listener hears is one stream, whoever speaks.
#include <catch2/catch.hpp>

#include "connector/media/stream.h"

using namespace tandem;
using namespace tandem::connector::media;

namespace {

constexpr std::uint32_t ssrc = 0x11223344;

RtpHeader in(std::uint16_t sequence, std::uint32_t timestamp, bool marker = false, std::uint32_t from = 1) {
  RtpHeader header;
  header.sequence = sequence;
  header.timestamp = timestamp;
  header.marker = marker;
  header.ssrc = from;
  return header;
}

struct Relay {
  OutgoingStream stream{ssrc, 65534, 0xffffff00};
  std::optional<RtpStamp> operator()(std::uint64_t party, const RtpHeader& header, Instant now) {
    return stream.relay({party, header.ssrc}, header, 0, 8000, now);
  }
};

}  // namespace

TEST_CASE("a single source is shifted as a whole, over both wraps") {
  Relay relay;
  for (std::uint16_t i = 0; i < 6; ++i) {
    const auto stamp = relay(1, in(static_cast<std::uint16_t>(100 + i), 5000 + 160u * i), 20ms * i);
    REQUIRE(stamp);
    CHECK(stamp->ssrc == ssrc);
    CHECK(stamp->sequence == static_cast<std::uint16_t>(65534 + i));
    CHECK(stamp->timestamp == 0xffffff00 + 160u * i);
    CHECK(stamp->marker == (i == 0));
  }
}

TEST_CASE("loss and disorder of the source are passed on as they are") {
  Relay relay;
  relay(1, in(10, 1600), 0ms);
  CHECK(relay(1, in(13, 2080), 60ms)->sequence == static_cast<std::uint16_t>(65534 + 3));
  const auto late = relay(1, in(12, 1920), 61ms);
  REQUIRE(late);
  CHECK(late->sequence == static_cast<std::uint16_t>(65534 + 2));
  CHECK(late->timestamp == 0xffffff00 + 320u);
  CHECK_FALSE(late->marker);
  CHECK(relay(1, in(14, 2240), 80ms)->sequence == static_cast<std::uint16_t>(65534 + 4));
}

TEST_CASE("the source's own marks of talk spurts are kept") {
  Relay relay;
  relay(1, in(1, 0), 0ms);
  CHECK_FALSE(relay(1, in(2, 160), 20ms)->marker);
  CHECK(relay(1, in(3, 16000, true), 2s)->marker);
}

TEST_CASE("another party goes on where the first stopped, with a mark and the time between") {
  Relay relay;
  const auto last = relay(1, in(500, 1000), 1000ms);
  const auto first = relay(2, in(40000, 77, false, 2), 1140ms);
  REQUIRE(first);
  CHECK(first->ssrc == ssrc);
  CHECK(first->sequence == static_cast<std::uint16_t>(last->sequence + 1));
  CHECK(first->timestamp == last->timestamp + 8 * 140);
  CHECK(first->marker);
  const auto second = relay(2, in(40001, 77 + 160, false, 2), 1160ms);
  CHECK(second->sequence == static_cast<std::uint16_t>(last->sequence + 2));
  CHECK(second->timestamp == first->timestamp + 160);
  CHECK_FALSE(second->marker);
}

TEST_CASE("a packet older than the switch is dropped, not sent under a number used before") {
  Relay relay;
  relay(1, in(500, 1000), 0ms);
  relay(2, in(300, 48000, false, 2), 20ms);
  CHECK_FALSE(relay(2, in(299, 47840, false, 2), 21ms));
  CHECK(relay(2, in(301, 48160, false, 2), 40ms));
}

TEST_CASE("a source that restarts is a switch: new SSRC, or a sequence number far off") {
  Relay relay;
  const auto last = relay(1, in(500, 1000), 0ms);
  const auto restarted = relay(1, in(9, 5, false, 99), 20ms);
  CHECK(restarted->sequence == static_cast<std::uint16_t>(last->sequence + 1));
  CHECK(restarted->marker);
  const auto jumped = relay(1, in(20000, 3, false, 99), 40ms);
  CHECK(jumped->sequence == static_cast<std::uint16_t>(last->sequence + 2));
  CHECK(jumped->timestamp == restarted->timestamp + 160);
  CHECK(jumped->marker);
}

TEST_CASE("tone, then a party, then the tone again: one stream") {
  Relay relay;
  RtpStamp last;
  for (int i = 0; i < 3; ++i) {
    const auto stamp = relay.stream.play(0, 160, 8000, 20ms * i);
    if (i > 0) {
      CHECK(stamp.sequence == static_cast<std::uint16_t>(last.sequence + 1));
      CHECK(stamp.timestamp == last.timestamp + 160);
    }
    CHECK(stamp.marker == (i == 0));
    last = stamp;
  }
  const auto spoken = relay(7, in(9, 9), 55ms);
  CHECK(spoken->sequence == static_cast<std::uint16_t>(last.sequence + 1));
  CHECK(spoken->timestamp == last.timestamp + 8 * 15);
  CHECK(spoken->marker);
  const auto again = relay.stream.play(0, 160, 8000, 75ms);
  CHECK(again.sequence == static_cast<std::uint16_t>(last.sequence + 2));
  CHECK(again.timestamp == spoken->timestamp + 160);
  CHECK(again.marker);
  CHECK(again.ssrc == ssrc);
}

TEST_CASE("timestamps always move at a switch, even at the same instant") {
  Relay relay;
  const auto last = relay.stream.play(0, 160, 8000, 20ms);
  CHECK(relay(7, in(9, 9), 20ms)->timestamp == last.timestamp + 1);
}

TEST_CASE("the timestamp of a sender report goes with the clock") {
  Relay relay;
  const auto sent = relay(1, in(1, 0), 100ms);
  CHECK(relay.stream.timestamp_at(100ms) == sent->timestamp);
  CHECK(relay.stream.timestamp_at(350ms) == sent->timestamp + 2000);
}
