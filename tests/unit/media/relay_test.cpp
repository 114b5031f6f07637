// Two phones on loopback through the room.
#include <catch2/catch.hpp>

#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

// Two phones bridged; each has heard the comfort packet that opens its NAT.
struct Call {
  explicit Call(MediaSettings settings = quiet_settings(), std::vector<Payload> a_payloads = {pcmu(), events()},
                std::vector<Payload> b_payloads = {pcmu(), events()}, const std::string& ip = "127.0.0.1")
      : room(std::move(settings), notices.callbacks()), a(ip), b(ip) {
    at_a = room.open(ip).value();
    at_b = room.open(ip).value();
    room.handle(MediaConnect{at_a.media, agree(a, std::move(a_payloads))});
    room.handle(MediaConnect{at_b.media, agree(b, std::move(b_payloads))});
    room.handle(MediaBridge{at_a.media, at_b.media});
    comfort_a = a.hear();
    comfort_b = b.hear();
  }
  MediaClosed close(const Endpoint& endpoint) {
    room.handle(MediaClose{endpoint.media});
    return notices.closed().value();
  }

  Notices notices;
  MediaRoom room;
  Phone a, b;
  Endpoint at_a, at_b;
  std::optional<Packet> comfort_a, comfort_b;
};

}  // namespace

TEST_CASE("packets go both ways, from the port the other side was told") {
  Call call;
  CHECK(call.at_a.rtp_port % 2 == 0);
  CHECK(call.at_b.rtp_port % 2 == 0);
  const Octets words{1, 2, 3, 4, 5};
  for (std::uint16_t i = 0; i < 20; ++i) {
    call.a.send(call.at_a, rtp(0, static_cast<std::uint16_t>(65530 + i), 160u * i, 0xaaaa, words));
    const auto heard = call.b.hear();
    REQUIRE(heard);
    CHECK(heard->payload == words);
    CHECK(heard->from_port == call.at_b.rtp_port);
    CHECK(heard->payload_type == 0);
    CHECK(heard->ssrc == call.comfort_b->ssrc);
    CHECK(heard->sequence == static_cast<std::uint16_t>(call.comfort_b->sequence + 1 + i));
    CHECK(heard->marker == (i == 0));
    call.b.send(call.at_b, rtp(0, static_cast<std::uint16_t>(100 + i), 7 + 160u * i, 0xbbbb, {9}));
    const auto back = call.a.hear();
    REQUIRE(back);
    CHECK(back->payload == Octets{9});
    CHECK(back->from_port == call.at_a.rtp_port);
  }
}
