// Conferences through the room: notes tell who hears whom.
#include <catch2/catch.hpp>

#include "choir.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const double sung = peak_dbm0(4000);

// Everybody hears everybody else and not itself.
void check_all_hear_all(const Choir& choir) {
  for (const auto& listener : choir.singers) {
    for (const auto& talker : choir.singers) {
      CAPTURE(listener->hz, talker->hz);
      if (listener == talker) {
        CHECK(listener->level(talker->hz) < -50);
      } else {
        CHECK(listener->level(talker->hz) == Approx(sung).margin(4));
      }
    }
    CHECK(listener->legal);
    CHECK(listener->longest_gap < 100ms);
  }
}

}  // namespace

TEST_CASE("three with G.711 hear each other, not themselves") {
  Choir choir;
  choir.add(pcmu(), 400);
  choir.add(pcma(), 700);
  choir.add(pcmu(), 1100);
  choir.scene();
  choir.sing(1100ms);
  check_all_hear_all(choir);
}

TEST_CASE("a conference of all codings at once") {
  Choir choir;
  choir.add(pcmu(), 400);
  choir.add(g722(), 700);
  choir.add(opus(), 1100);
  choir.add(pcma(), 1600);
  choir.add(opus(96), 2300);
  choir.scene();
  choir.sing(1300ms);
  check_all_hear_all(choir);
}

TEST_CASE("two without a common coding hear each other") {
  Choir choir;
  choir.add(opus(), 500);
  choir.add(pcmu(), 900);
  choir.scene();
  choir.sing(1100ms);
  check_all_hear_all(choir);
}

TEST_CASE("from relay to mix and back: one legal stream without a gap") {
  Choir choir;
  auto& a = choir.add(pcmu(), 400);
  auto& b = choir.add(pcmu(), 700);
  auto& c = choir.add(pcmu(), 1100);
  const auto pair = [&] {
    choir.scene([](auto& members) { members.pop_back(); });
    choir.sing(900ms);
    CHECK(a.level(700) == Approx(sung).margin(1));
    CHECK(b.level(400) == Approx(sung).margin(1));
    CHECK(a.level(1100) < -50);
  };
  pair();
  for (int round = 0; round < 2; ++round) {
    choir.scene();
    choir.sing(900ms);
    CHECK(a.level(1100) == Approx(sung).margin(1));
    CHECK(b.level(400) == Approx(sung).margin(1));
    CHECK(c.level(700) == Approx(sung).margin(1));
    pair();
  }
  CHECK(a.legal);
  CHECK(b.legal);
  CHECK(a.longest_gap < 80ms);
  CHECK(b.longest_gap < 80ms);
}

TEST_CASE("who hears whom is told by the scene: muted, deaf, coached") {
  Choir choir;
  auto& customer = choir.add(pcmu(), 400);
  auto& agent = choir.add(pcmu(), 700);
  auto& coach = choir.add(pcmu(), 1100);
  auto& muted = choir.add(pcmu(), 1600);
  choir.scene([&](auto& members) {
    members[2].heard_by = {agent.at.media};
    members[3].talks = false;
  });
  choir.sing(1100ms);
  CHECK(customer.level(700) == Approx(sung).margin(1));
  CHECK(customer.level(1100) < -50);
  CHECK(customer.level(1600) < -50);
  CHECK(agent.level(400) == Approx(sung).margin(1));
  CHECK(agent.level(1100) == Approx(sung).margin(1));
  CHECK(coach.level(400) == Approx(sung).margin(1));
  CHECK(coach.level(700) == Approx(sung).margin(1));
  CHECK(muted.level(400) == Approx(sung).margin(1));
  CHECK(muted.level(1100) < -50);
}

TEST_CASE("twenty who only listen hear both who talk") {
  Choir choir;
  choir.add(pcmu(), 400);
  choir.add(pcmu(), 700);
  for (int i = 0; i < 20; ++i) {
    auto& listener = choir.add(i % 2 == 0 ? pcmu() : g722(), 1000 + 10 * i);
    listener.mute = true;
  }
  choir.scene([](auto& members) {
    for (std::size_t i = 2; i < members.size(); ++i) members[i].talks = false;
  });
  choir.sing(1100ms);
  for (const auto& singer : choir.singers) {
    if (singer->hz != 400) CHECK(singer->level(400) == Approx(sung).margin(1.5));
    if (singer->hz != 700) CHECK(singer->level(700) == Approx(sung).margin(1.5));
    CHECK(singer->legal);
  }
}

TEST_CASE("digits of one in a mix are passed to those who agreed to events, and told") {
  Choir choir;
  auto& a = choir.add(pcmu(), 400, true);
  auto& b = choir.add(pcmu(), 700, true);
  auto& c = choir.add(pcmu(), 1100, false);
  choir.scene();
  choir.sing(400ms);
  const auto start = static_cast<std::uint32_t>(a.sent * 160);
  for (std::uint8_t i = 1; i <= 5; ++i) {
    a.phone.send(
        a.at, rtp(101, static_cast<std::uint16_t>(a.sequence++), start, 400,
                  {5, static_cast<std::uint8_t>(i >= 3 ? 0x8a : 0x0a), 0, static_cast<std::uint8_t>(i * 40)}, i == 1));
  }
  a.sent += 5;
  choir.sing(1000ms);
  const auto told = choir.notices.input();
  REQUIRE(told);
  CHECK(std::get<DigitReceived>(*told).digit == '5');
  CHECK(std::get<DigitReceived>(*told).media == a.at.media);
  REQUIRE(b.others.size() == 5);
  for (const auto& packet : b.others) {
    CHECK(packet.payload_type == 101);
    CHECK(packet.timestamp == b.others.front().timestamp);
  }
  CHECK(c.others.empty());
  CHECK(b.legal);
  CHECK(b.level(400) == Approx(sung).margin(1));
}

TEST_CASE("tones are heard in every coding") {
  auto settings = quiet_settings();
  settings.busy = {{600}, -12, {}};
  Choir choir(stepped(settings));
  for (const auto& payload : {pcmu(), pcma(), g722(), opus()}) choir.add(payload, 400);
  choir.scene([](auto& members) {
    for (auto& member : members) member.sound = Sound::Busy;
  });
  choir.sing(900ms);
  for (const auto& listener : choir.singers) {
    CAPTURE(static_cast<int>(listener->number));
    CHECK(listener->level(600) == Approx(-12).margin(1));
    CHECK(listener->legal);
  }
}
