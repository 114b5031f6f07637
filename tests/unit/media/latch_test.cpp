// Who is believed to be the party (symmetric RTP).
#include <catch2/catch.hpp>

#include "connector/media/latch.h"

using namespace tandem;
using namespace tandem::connector::media;
using Verdict = Latch::Verdict;

namespace {

const LatchSettings settings{10s, 2s, 3};

Address at(const char* ip, std::uint16_t port) {
  return Address::parse(ip, port).value();
}

const Address signalled = at("192.0.2.10", 4000);
const Address same_ip = at("192.0.2.10", 50123);
const Address elsewhere = at("198.51.100.7", 6000);
const Address stranger = at("203.0.113.66", 6000);

struct Party {
  Latch latch;
  std::uint16_t sequence = 0;
  Verdict from(const Address& address, Instant now, std::uint32_t ssrc = 1) {
    return from(address, now, ssrc, ++sequence);
  }
  Verdict from(const Address& address, Instant now, std::uint32_t ssrc, std::uint16_t number) {
    RtpHeader header;
    header.ssrc = ssrc;
    header.sequence = number;
    return latch.judge(address, header, now, settings);
  }
};

}  // namespace

TEST_CASE("nobody is believed before the signalling said where the party is") {
  Party party;
  CHECK(party.from(signalled, 0s) == Verdict::Stranger);
  CHECK_FALSE(party.latch.settled());
}

TEST_CASE("the signalled address is the target until the first packet tells the port") {
  Party party;
  party.latch.expect(signalled, 0s);
  CHECK(party.latch.target() == signalled);
  CHECK(party.from(same_ip, 60s) == Verdict::Moved);
  CHECK(party.latch.target() == same_ip);
  CHECK(party.from(same_ip, 60s) == Verdict::Accepted);
  CHECK(party.from(signalled, 60s) == Verdict::Stranger);
}

TEST_CASE("another address needs a run of packets, within the window") {
  Party party;
  party.latch.expect(signalled, 0s);
  CHECK(party.from(elsewhere, 1s) == Verdict::Stranger);
  CHECK(party.from(elsewhere, 1s) == Verdict::Stranger);
  CHECK(party.from(elsewhere, 1s) == Verdict::Moved);
  CHECK(party.latch.target() == elsewhere);

  Party late;
  late.latch.expect(signalled, 0s);
  for (int i = 0; i < 10; ++i) CHECK(late.from(elsewhere, 11s) == Verdict::Stranger);
  CHECK(late.latch.target() == signalled);
}

TEST_CASE("a run that is broken, or of changing sources, proves nothing") {
  Party party;
  party.latch.expect(signalled, 0s);
  for (std::uint16_t i = 0; i < 20; ++i)
    CHECK(party.from(stranger, 1s, 1, static_cast<std::uint16_t>(2 * i)) == Verdict::Stranger);
  for (std::uint16_t i = 0; i < 20; ++i) CHECK(party.from(stranger, 1s, i, i) == Verdict::Stranger);
  for (std::uint16_t i = 0; i < 20; ++i)
    CHECK(party.from(i % 2 == 0 ? stranger : elsewhere, 1s, 1, i) == Verdict::Stranger);
}

TEST_CASE("the signalled address wins over one learned, while the window is open") {
  Party party;
  party.latch.expect(signalled, 0s);
  for (int i = 0; i < 3; ++i) party.from(stranger, 1s);
  CHECK(party.latch.target() == stranger);
  CHECK(party.from(signalled, 2s) == Verdict::Moved);
  CHECK(party.latch.target() == signalled);
  for (int i = 0; i < 5; ++i) CHECK(party.from(stranger, 2s) == Verdict::Stranger);

  Party later;
  later.latch.expect(signalled, 0s);
  for (int i = 0; i < 3; ++i) later.from(elsewhere, 1s);
  for (int i = 0; i < 10; ++i) CHECK(later.from(elsewhere, 11s + 1s * i) == Verdict::Accepted);
  CHECK(later.from(signalled, 20s) == Verdict::Stranger);
}

TEST_CASE("while the party speaks, nobody takes its place, not even with its SSRC") {
  Party party;
  party.latch.expect(signalled, 0s);
  party.from(signalled, 0s, 77);
  for (int i = 1; i < 100; ++i) {
    CHECK(party.from(stranger, 20ms * i, 77) == Verdict::Stranger);
    CHECK(party.from(signalled, 20ms * i, 77) == Verdict::Accepted);
  }
}

TEST_CASE("the same SSRC is followed to a new address after silence; another isn't") {
  Party party;
  party.latch.expect(signalled, 0s);
  party.from(signalled, 20s, 77);
  CHECK(party.from(elsewhere, 21s, 77) == Verdict::Stranger);
  CHECK(party.from(stranger, 23s, 78) == Verdict::Stranger);
  CHECK(party.from(elsewhere, 23s, 77) == Verdict::Moved);
  CHECK(party.latch.target() == elsewhere);
}

TEST_CASE("a session refresh keeps what is known, another address in the signalling doesn't") {
  Party party;
  party.latch.expect(signalled, 0s);
  party.from(same_ip, 1s);
  party.latch.expect(signalled, 900s);
  CHECK(party.latch.target() == same_ip);
  CHECK(party.from(same_ip, 900s) == Verdict::Accepted);
  CHECK(party.from(signalled, 901s) == Verdict::Stranger);

  party.latch.expect(elsewhere, 1000s);
  CHECK(party.latch.target() == elsewhere);
  CHECK(party.from(same_ip, 1001s) == Verdict::Stranger);
  CHECK(party.from(elsewhere, 1001s) == Verdict::Moved);
}

TEST_CASE("after a MediaConnect a party that fell silent may come from elsewhere with another SSRC") {
  Party party;
  party.latch.expect(signalled, 0s);
  party.from(same_ip, 1s, 5);
  party.latch.expect(signalled, 100s);
  for (int i = 0; i < 2; ++i) CHECK(party.from(elsewhere, 101s, 6) == Verdict::Stranger);
  CHECK(party.from(elsewhere, 101s, 6) == Verdict::Moved);
}

TEST_CASE("IPv6 addresses are judged alike") {
  const auto six = at("2001:db8::1", 4000);
  Party party;
  party.latch.expect(six, 0s);
  CHECK(party.from(at("2001:db8::2", 4000), 0s) == Verdict::Stranger);
  CHECK(party.from(signalled, 0s) == Verdict::Stranger);
  CHECK(party.from(at("2001:db8::1", 4002), 0s) == Verdict::Moved);
  CHECK(party.latch.target().text() == "[2001:db8::1]:4002");
}
