// Who hears whom: the matrix a T-Server orders, and what those hear who are left alone.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

constexpr std::uint64_t kCall = made(1), kCaller = made(2), kAgent = given(1), kSupervisor = given(5);

link::Audio matrix(bool muted, bool deaf, std::vector<std::uint64_t> only = {}, bool hidden = false) {
  link::Audio audio;
  audio.set_muted(muted);
  audio.set_deaf(deaf);
  audio.set_hidden(hidden);
  for (const auto party : only) audio.add_heard_only_by(party);
  return audio;
}

// P2 on m1, T1 on m2, T5 on m3.
void three(Bench& bench) {
  bench.talking();
  bench.answered(kCall, kSupervisor, "sip:alice@tandem.test", 2, 1);
}

}  // namespace

TEST_CASE("a conference of five: every one talks to every other, told once for each change") {
  Bench bench;
  bench.talking();
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto lines = bench.answered(kCall, given(10 + i), "sip:alice@tandem.test", 2 + i, 10);
    const char* const scenes[] = {"scene P1: m1, m2, m3", "scene P1: m1, m2, m3, m4", "scene P1: m1, m2, m3, m4, m5"};
    CHECK(lines.back() == scenes[i]);
  }
}

TEST_CASE("LTB-27: mute for any party") {
  Bench bench;
  bench.talking();
  CHECK(bench.audio(kCall, kCaller, matrix(true, false)) == Lines{"scene P1: m1 mute, m2"});
  CHECK(bench.audio(kCall, kCaller, matrix(true, false)).empty());
  // Hold keeps it.
  CHECK(bench.hold(kCall, kCaller) == Lines{"scene P1: m2 music"});
  CHECK(bench.hold(kCall, kCaller, false) == Lines{"scene P1: m1 mute, m2"});
  CHECK(bench.audio(kCall, kCaller, matrix(false, false)) == Lines{"scene P1: m1, m2"});
  CHECK(bench.audio(kCall, kCaller, matrix(false, true)) == Lines{"scene P1: m1 deaf, m2"});
  CHECK(bench.audio(kCall, kAgent, matrix(true, true)) == Lines{"scene P1:"});
}

TEST_CASE("a supervisor who listens, coaches, barges in") {
  Bench bench;
  three(bench);
  CHECK(bench.audio(kCall, kSupervisor, matrix(true, false, {}, true)) == Lines{"scene P1: m1, m2, m3 mute"});
  CHECK(bench.audio(kCall, kSupervisor, matrix(false, false, {kAgent}, true)) == Lines{"scene P1: m1, m2, m3 to m2"});
  SECTION("the caller doesn't hear it, so alone with it there is music") {
    CHECK(bench.hold(kCall, kAgent) == Lines{"scene P1: m1 music, m3 mute"});
  }
  SECTION("nor is a silent one company") {
    bench.audio(kCall, kSupervisor, matrix(true, false, {}, true));
    CHECK(bench.hold(kCall, kAgent) == Lines{"scene P1: m1 music, m3 mute"});
  }
  SECTION("whom it coaches leaves: nobody hears it") {
    CHECK(bench.remove(kCall, kAgent).back() == "scene P1: m1, m3 mute");
  }
  SECTION("it barges in") {
    CHECK(bench.audio(kCall, kSupervisor, matrix(false, false)) == Lines{"scene P1: m1, m2, m3"});
    CHECK(bench.hold(kCall, kAgent) == Lines{"scene P1: m1, m3"});
  }
}

TEST_CASE("a muted agent is still there: the caller hears no music") {
  Bench bench;
  three(bench);
  bench.audio(kCall, kSupervisor, matrix(true, false));
  CHECK(bench.hold(kCall, kAgent) == Lines{"scene P1: m1, m3 mute"});
}

TEST_CASE("hold by the phone: the other one hears music, a conference goes on") {
  Bench bench;
  three(bench);
  auto held = Phone{.ip = "192.0.2.2", .direction = "sendonly"};
  CHECK(bench.step(Reinvited{.leg = out(1), .sdp = held.sdp()}).back() == "scene P1: m1, m3");
  CHECK(bench.step(ByeReceived{out(2), ""}).back() == "scene P1: m1 music");
  CHECK(bench.step(LinkOpened{2}).front().find("T1 HELD_BY_PHONE") != std::string::npos);
  held.direction = "sendrecv";
  CHECK(bench.step(Reinvited{.leg = out(1), .sdp = held.sdp()}).back() == "scene P1: m1, m2");
}

TEST_CASE("one who waits for the answer doesn't hear a conference") {
  Bench bench;
  bench.talking();
  // A phone's own announcement before the answer is for nobody who talks already.
  bench.invite(kCall, kSupervisor, "sip:alice@tandem.test");
  CHECK(bench.step(Progressed{out(2), 183, Phone{.ip = "192.0.2.1"}.sdp()}) ==
        Lines{"connect m3 192.0.2.1:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15]",
              "report T5 alerting with media /4"});
}
