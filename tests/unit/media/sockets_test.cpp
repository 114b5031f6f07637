// Pairs of ports: even and next, rested, emptied, used up.
#include <catch2/catch.hpp>

#include "connector/media/sockets.h"
#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::media;
using namespace tandem::connector::test;

namespace {

// Four pairs in a row that nobody has; the kernel's ephemeral ports aside, since other tests live there.
PortRange four_pairs() {
  for (std::uint16_t first = 27000; first < 32000; first = static_cast<std::uint16_t>(first + 8)) {
    bool all = true;
    std::vector<SocketPair> held;
    for (std::uint16_t i = 0; i < 4 && all; ++i) {
      auto pair = bind_pair(Address::parse("127.0.0.1", static_cast<std::uint16_t>(first + 2 * i)).value(), 0, 0);
      all = pair.has_value();
      if (pair) held.push_back(std::move(*pair));
    }
    if (all) return {first, static_cast<std::uint16_t>(first + 7)};
  }
  throw std::runtime_error("no free ports for the test");
}

SocketPool pool(PortRange range, Instant quarantine) {
  return SocketPool(Address::parse("127.0.0.1", 0).value(), {range}, 65536, 0, quarantine);
}

}  // namespace

TEST_CASE("each port of the range is given once, then there are none") {
  const auto range = four_pairs();
  auto ports = pool(range, 1s);
  std::vector<SocketPair> taken;
  for (std::uint16_t i = 0; i < 4; ++i) {
    auto pair = ports.take(0s);
    REQUIRE(pair);
    CHECK(pair->local.port() == range.first + 2 * i);
    taken.push_back(std::move(*pair));
  }
  CHECK_FALSE(ports.take(0s));
  CHECK(ports.bound() == 4);
}

TEST_CASE("a range that begins odd or ends even is used as far as whole pairs fit") {
  const auto range = four_pairs();
  auto ports = pool({static_cast<std::uint16_t>(range.first + 1), static_cast<std::uint16_t>(range.last - 1)}, 0s);
  std::vector<SocketPair> taken;
  while (auto pair = ports.take(0s)) taken.push_back(std::move(*pair));
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].local.port() == range.first + 2);
  CHECK(taken[1].local.port() == range.first + 4);
}

TEST_CASE("a port taken by another program is passed over") {
  const auto range = four_pairs();
  const auto other = bind_pair(Address::parse("127.0.0.1", static_cast<std::uint16_t>(range.first + 2)).value(), 0, 0);
  REQUIRE(other);
  auto ports = pool(range, 0s);
  CHECK(ports.prepare(10) == 3);
}

TEST_CASE("a port rests before it is used again, and the longest rested comes first") {
  const auto range = four_pairs();
  auto ports = pool(range, 3s);
  std::vector<SocketPair> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(ports.take(0s).value());
  ports.give_back(std::move(taken[2]), 10s);
  ports.give_back(std::move(taken[0]), 11s);
  CHECK_FALSE(ports.take(12900ms));
  const auto first = ports.take(13s);
  REQUIRE(first);
  CHECK(first->local.port() == range.first + 4);
  CHECK_FALSE(ports.take(13900ms));
  CHECK(ports.take(14s)->local.port() == range.first);
}

TEST_CASE("packets of the old call are gone when the port is used again") {
  const auto range = four_pairs();
  auto ports = pool(range, 0s);
  auto pair = ports.take(0s).value();
  const Phone phone;
  const Endpoint at{{}, "127.0.0.1", pair.local.port()};
  for (std::uint16_t i = 0; i < 30; ++i) {
    phone.send(at, rtp(0, i, i * 160u, 1, Octets(160, 0xd5)));
    phone.send_rtcp(at, {0x80, 201, 0, 1, 0, 0, 0, 1});
  }
  ports.give_back(std::move(pair), 1s);
  const auto again = ports.take(1s);
  REQUIRE(again);
  CHECK(again->local.port() == at.rtp_port);
  std::array<char, 10> octets;
  CHECK(::recv(again->rtp.get(), octets.data(), octets.size(), MSG_DONTWAIT) < 0);
  CHECK(::recv(again->rtcp.get(), octets.data(), octets.size(), MSG_DONTWAIT) < 0);
}

TEST_CASE("an address that isn't ours gives no sockets") {
  auto ports = SocketPool(Address::parse("203.0.113.1", 0).value(), {{27000, 27009}}, 0, 0, 0s);
  CHECK_FALSE(ports.take(0s));
}
