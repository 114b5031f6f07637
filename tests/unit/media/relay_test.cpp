// Two phones on loopback through the room.
#include <catch2/catch.hpp>

#include "connector/media/g711.h"
#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

// Two phones in a scene; each has heard the comfort packet that opens its NAT.
struct Call {
  explicit Call(MediaSettings settings = quiet_settings(), std::vector<Payload> a_payloads = {pcmu(), events()},
                std::vector<Payload> b_payloads = {pcmu(), events()}, const std::string& ip = "127.0.0.1")
      : room(std::move(settings), notices.callbacks()), a(ip), b(ip) {
    at_a = room.open(ip).value();
    at_b = room.open(ip).value();
    room.handle(MediaConnect{at_a.media, agree(a, std::move(a_payloads))});
    room.handle(MediaConnect{at_b.media, agree(b, std::move(b_payloads))});
    room.handle(scene_of({at_a.media, at_b.media}));
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

TEST_CASE("IPv6: the same") {
  auto settings = quiet_settings();
  settings.addresses = {"::1"};
  Call call(settings, {pcmu()}, {pcmu()}, "::1");
  CHECK(call.at_a.ip == "::1");
  REQUIRE(call.comfort_a);
  call.a.send(call.at_a, rtp(0, 1, 0, 1, {1, 2}));
  const auto heard = call.b.hear();
  REQUIRE(heard);
  CHECK(heard->payload == Octets{1, 2});
  CHECK(heard->from_port == call.at_b.rtp_port);
}

TEST_CASE("payloads are renumbered for the listener, events too, and strangers' numbers dropped") {
  Payload opus_a, opus_b;
  opus_a.number = 96;
  opus_b.number = 111;
  opus_a.encoding = opus_b.encoding = "opus";
  opus_a.clock_rate = opus_b.clock_rate = 48000;
  opus_a.channels = opus_b.channels = 2;
  Call call(quiet_settings(), {pcmu(), opus_a, events(101)}, {pcmu(), opus_b, events(97)});
  std::uint16_t sequence = 0;
  const auto number_of = [&](std::uint8_t payload_type) {
    ++sequence;
    call.a.send(call.at_a, rtp(payload_type, sequence, sequence * 160u, 1, {1, 2, 3, 4}));
    return call.b.hear().value().payload_type;
  };
  CHECK(number_of(0) == 0);
  CHECK(number_of(96) == 111);
  CHECK(number_of(101) == 97);
  call.a.send(call.at_a, rtp(18, 9, 0, 1, {9}));
  call.a.send(call.at_a, rtp(0, 10, 0, 1, {8}));
  CHECK(call.b.hear().value().payload == Octets{8});
  CHECK(call.close(call.at_a).counters.unwanted == 1);
}

TEST_CASE("PCMU and PCMA parties understand each other") {
  Call call(quiet_settings(), {pcmu()}, {pcma()});
  Octets all;
  for (int code = 0; code < 256; ++code) all.push_back(static_cast<std::uint8_t>(code));
  call.a.send(call.at_a, rtp(0, 1, 0, 1, all));
  const auto heard = call.b.hear();
  REQUIRE(heard);
  CHECK(heard->payload_type == 8);
  CHECK(heard->payload == Octets(media::pcmu_to_pcma().begin(), media::pcmu_to_pcma().end()));
  call.b.send(call.at_b, rtp(8, 1, 0, 1, all));
  const auto back = call.a.hear();
  REQUIRE(back);
  CHECK(back->payload_type == 0);
  CHECK(back->payload == Octets(media::pcma_to_pcmu().begin(), media::pcma_to_pcmu().end()));
}

TEST_CASE("header extensions and CSRCs pass, and only the payload behind them is converted") {
  Call call(quiet_settings(), {pcmu()}, {pcma()});
  Octets packet = rtp(0, 5, 0, 1, {});
  packet[0] = 0x91;
  packet.insert(packet.end(), {1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 6, 7, 8, 0xff, 0x80});
  call.a.send(call.at_a, packet);
  const auto heard = call.b.hear();
  REQUIRE(heard);
  CHECK(heard->first == 0x91);
  CHECK(heard->payload == Octets{1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 6, 7, 8, 0xd5, 0xaa});
}

TEST_CASE("the first packet corrects the address, and answers go there") {
  Call call;
  const UdpSocket behind_nat("127.0.0.1");
  behind_nat.send(call.at_a.ip, call.at_a.rtp_port, rtp(0, 1, 0, 7, {1}));
  CHECK(call.b.hear().value().payload == Octets{1});
  call.b.send(call.at_b, rtp(0, 1, 0, 8, {2}));
  const auto back = behind_nat.receive(2000ms);
  REQUIRE(back);
  CHECK(back->first.back() == 2);
  // The signalled port is a stranger now.
  call.a.send(call.at_a, rtp(0, 2, 160, 9, {3}));
  behind_nat.send(call.at_a.ip, call.at_a.rtp_port, rtp(0, 2, 160, 7, {4}));
  CHECK(call.b.hear().value().payload == Octets{4});
  CHECK(call.close(call.at_a).counters.strangers == 1);
}

TEST_CASE("a stranger from another address is neither relayed nor answered") {
  Call call;
  call.a.send(call.at_a, rtp(0, 1, 0, 1, {1}));
  REQUIRE(call.b.hear());
  const UdpSocket stranger("127.0.0.9");
  for (std::uint16_t i = 0; i < 50; ++i) stranger.send(call.at_a.ip, call.at_a.rtp_port, rtp(0, i, i * 160u, 1, {66}));
  call.a.send(call.at_a, rtp(0, 2, 160, 1, {2}));
  CHECK(call.b.hear().value().payload == Octets{2});
  call.b.send(call.at_b, rtp(0, 1, 0, 2, {3}));
  CHECK(call.a.hear().value().payload == Octets{3});
  CHECK_FALSE(stranger.receive(50ms));
  CHECK(call.close(call.at_a).counters.strangers == 50);
}

TEST_CASE("before the signalling is done nothing is relayed") {
  Notices notices;
  MediaRoom room(quiet_settings(), notices.callbacks());
  const Phone a, b;
  const auto at_a = room.open("").value();
  const auto at_b = room.open("").value();
  room.handle(MediaConnect{at_b.media, agree(b, {pcmu()})});
  room.handle(scene_of({at_a.media, at_b.media}));
  REQUIRE(b.hear());
  a.send(at_a, rtp(0, 1, 0, 1, {1}));
  CHECK_FALSE(b.hear(200ms));
  room.handle(MediaClose{at_a.media});
  CHECK(notices.closed().value().counters.strangers == 1);
}

TEST_CASE("from ringback to the agent, and on to another agent: the caller hears one stream") {
  Notices notices;
  MediaRoom room(quiet_settings(), notices.callbacks());
  const Phone caller, first, second;
  const auto at_caller = room.open("").value();
  const auto at_first = room.open("").value();
  const auto at_second = room.open("").value();
  room.handle(hears(at_caller.media, Sound::Ringback));
  room.handle(MediaConnect{at_caller.media, agree(caller, {pcmu()})});
  room.handle(MediaConnect{at_first.media, agree(first, {pcmu()})});
  room.handle(MediaConnect{at_second.media, agree(second, {pcmu()})});
  std::vector<Packet> heard;
  const auto listen_until = [&](const Phone& speaker, const Endpoint& at, std::uint16_t sequence,
                                std::uint32_t timestamp, std::uint32_t ssrc) {
    // Goes on speaking until the caller has heard three packets of it.
    int own = 0;
    for (int i = 0; i < 500 && own < 3; ++i) {
      speaker.send(at, rtp(0, static_cast<std::uint16_t>(sequence + i),
                           timestamp + 160u * static_cast<std::uint32_t>(i), ssrc, {0x77}));
      while (const auto packet = caller.hear(20ms)) {
        heard.push_back(*packet);
        if (packet->payload == Octets{0x77}) ++own;
      }
    }
    REQUIRE(own >= 3);
  };
  for (int i = 0; i < 5; ++i) heard.push_back(caller.hear().value());
  room.handle(scene_of({at_caller.media, at_first.media}));
  listen_until(first, at_first, 60000, 0xfffffff0, 1);
  room.handle(scene_of({at_caller.media, at_second.media}));
  listen_until(second, at_second, 3, 12345, 2);
  std::size_t marks = 0;
  for (std::size_t i = 0; i < heard.size(); ++i) {
    CHECK(heard[i].ssrc == heard[0].ssrc);
    if (heard[i].marker) ++marks;
    if (i == 0) continue;
    CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
    const auto step = static_cast<std::int32_t>(heard[i].timestamp - heard[i - 1].timestamp);
    CHECK(step > 0);
    CHECK(step < 8000 * 5);
  }
  CHECK(marks == 3);  // the tone, the first agent, the second
}

TEST_CASE("a party on hold: what it sends is dropped, or nothing is sent to it") {
  Call call;
  call.room.handle(MediaConnect{call.at_a.media, agree(call.a, {pcmu()}, Direction::SendOnly)});
  call.b.send(call.at_b, rtp(0, 1, 0, 2, {1}));
  CHECK(call.a.hear().value().payload == Octets{1});
  call.a.send(call.at_a, rtp(0, 1, 0, 1, {2}));
  CHECK_FALSE(call.b.hear(100ms));
  call.room.handle(MediaConnect{call.at_a.media, agree(call.a, {pcmu()}, Direction::RecvOnly)});
  call.a.send(call.at_a, rtp(0, 2, 160, 1, {3}));
  CHECK(call.b.hear().value().payload == Octets{3});
  call.b.send(call.at_b, rtp(0, 2, 160, 2, {4}));
  CHECK_FALSE(call.a.hear(100ms));
}

TEST_CASE("who is left out of the scene is alone, and so is everybody once it is over, or who is left by the other") {
  Call call;
  call.a.send(call.at_a, rtp(0, 1, 0, 1, {1}));
  REQUIRE(call.b.hear());
  std::uint16_t sequence = 1;
  for (const auto& apart : {scene_of({call.at_a.media}), scene_of({call.at_b.media}), scene_of({}),
                            scene_of({call.at_a.media}, SceneId{2})}) {
    call.room.handle(apart);
    ++sequence;
    call.a.send(call.at_a, rtp(0, sequence, sequence * 160u, 1, {2}));
    CHECK_FALSE(call.b.hear(100ms));
    call.room.handle(scene_of({call.at_b.media, call.at_a.media}));
    ++sequence;
    call.a.send(call.at_a, rtp(0, sequence, sequence * 160u, 1, {3}));
    CHECK(call.b.hear().value().payload == Octets{3});
  }
  call.close(call.at_b);
  call.a.send(call.at_a, rtp(0, 10, 1600, 1, {4}));
  CHECK_FALSE(call.b.hear(100ms));
  CHECK(call.close(call.at_a).counters.packets_in == 10);
}

TEST_CASE("RTCP on the RTP port where both agreed to it (RFC 5761)") {
  auto settings = quiet_settings();
  settings.rtcp_interval = 1s;
  Notices notices;
  MediaRoom room(settings, notices.callbacks());
  const Phone a;
  const auto at = room.open("").value();
  auto agreement = agree(a, {pcmu()});
  agreement.rtcp_mux = true;
  room.handle(MediaConnect{at.media, agreement});
  a.send(at, {0x80, 201, 0, 1, 0, 0, 0, 1});
  bool reported = false;
  for (int i = 0; i < 10 && !reported; ++i) {
    const auto heard = a.hear(3000ms);
    REQUIRE(heard);
    reported = heard->marker && heard->payload_type == (200 & 0x7f);
  }
  CHECK(reported);
  room.handle(MediaClose{at.media});
  CHECK(notices.closed().value().counters.rtcp_in == 1);
}

TEST_CASE("many packets at once all come through, in order") {
  Call call;
  for (std::uint16_t i = 0; i < 40; ++i) call.a.send(call.at_a, rtp(0, i, i * 160u, 1, {static_cast<std::uint8_t>(i)}));
  for (std::uint16_t i = 0; i < 40; ++i) {
    const auto heard = call.b.hear();
    REQUIRE(heard);
    CHECK(heard->payload == Octets{static_cast<std::uint8_t>(i)});
  }
}
