// Who is in which conversation: hold, consultation, transfer, conference, merging, as the T-Server orders them.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

constexpr std::uint64_t kFirst = made(1), kCaller = made(2), kAgent = given(1);
constexpr std::uint64_t kSecond = given(20), kExpert = given(21);

// The agent consults alice; P2 on m1, T1 on m2, T21 on m3.
void consulting(Bench& bench) {
  bench.talking();
  bench.join(kFirst, kAgent, kSecond);
  bench.answered(kSecond, kExpert, "sip:alice@tandem.test", 2, 1);
}

}  // namespace

TEST_CASE("MMC-392: hold and retrieve: the other one hears music") {
  Bench bench;
  bench.talking();
  CHECK(bench.hold(kFirst, kAgent) == Lines{"scene P1: m1 music"});
  CHECK(bench.hold(kFirst, kAgent).empty());
  CHECK(bench.hold(kFirst, kAgent, false) == Lines{"scene P1: m1, m2"});
  CHECK(bench.hold(kFirst, kAgent, false).empty());
  SECTION("both on hold hear nothing") {
    CHECK(bench.hold(kFirst, kCaller) == Lines{"scene P1: m2 music"});
    CHECK(bench.hold(kFirst, kAgent) == Lines{"scene P1:"});
    CHECK(bench.release(kFirst).back() == "report T1 left REMOVED /10");
  }
  CHECK(bench.timers.size() <= 2);
}

TEST_CASE("a consultation: one leg in two conversations, alternated, given up") {
  Bench bench;
  bench.talking();
  CHECK(bench.join(kFirst, kAgent, kSecond) == Lines{"scene P1: m1 music"});
  CHECK(bench.invite(kSecond, kExpert, "sip:alice@tandem.test") ==
        Lines{"invite out2 sip:alice@192.0.2.1 m3 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1"});
  CHECK(bench.step(Progressed{out(2), 180, {}}) == Lines{"report T21 alerting /5", "scene T20: m2 ringback"});
  CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = Phone{.ip = "192.0.2.1"}.sdp()}) ==
        Lines{"connect m3 192.0.2.1:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] watch",
              "report T21 answered sip:alice@tandem.test /5", "scene T20: m2, m3"});
  CHECK(bench.step(LinkOpened{2}) ==
        Lines{"snapshot 2 {0000008000000001-Genesys P2 CONNECTED sip:carl@example.net caller T1 HELD "
              "sip:bob@tandem.test called}"
              " {8000000000000014-Genesys T1 CONNECTED sip:bob@tandem.test called T21 CONNECTED "
              "sip:alice@tandem.test called}"});
  SECTION("alternate: each hears music in turn") {
    CHECK(bench.hold(kFirst, kAgent, false) == Lines{"scene T20: m3 music", "scene P1: m1, m2"});
    CHECK(bench.hold(kSecond, kAgent, false) == Lines{"scene P1: m1 music", "scene T20: m2, m3"});
  }
  SECTION("reconnect: the second conversation is released, the agent's leg stays") {
    CHECK(bench.release(kSecond) == Lines{"report T1 left REMOVED /6", "bye out2", "forget out2", "close m3",
                                          "report T21 left REMOVED /6", "scene T20:"});
    CHECK(bench.hold(kFirst, kAgent, false) == Lines{"scene P1: m1, m2"});
  }
  SECTION("the expert hangs up: the agent is alone there until it is told to go back") {
    CHECK(bench.step(ByeReceived{out(2), ""}) == Lines{"forget out2", "close m3", "report T21 left BYE"});
    CHECK(bench.remove(kSecond, kAgent) == Lines{"report T1 left REMOVED /6", "scene T20:"});
    CHECK(bench.hold(kFirst, kAgent, false) == Lines{"scene P1: m1, m2"});
  }
  SECTION("the agent hangs up: it leaves both") {
    CHECK(bench.step(ByeReceived{out(1), ""}) ==
          Lines{"forget out1", "close m2", "report T1 left BYE", "report T1 left BYE", "scene P1:"});
    CHECK(bench.release(kFirst).back() == "report P2 left REMOVED /6");
    CHECK(bench.release(kSecond).back() == "report T21 left REMOVED /7");
    CHECK(bench.timers.size() == 0);
  }
}

TEST_CASE("the agent who hangs up is told of each conversation it was in") {
  Bench bench;
  consulting(bench);
  bench.step(ByeReceived{out(1), "gone"});
  std::vector<std::uint64_t> conversations;
  for (const auto& action : bench.last) {
    if (const auto* report = std::get_if<Report>(&action)) conversations.push_back(report->happening.conversation());
  }
  CHECK(conversations == std::vector<std::uint64_t>{kFirst, kSecond});
}

TEST_CASE("transfer: merged, and the agent is removed") {
  Bench bench;
  consulting(bench);
  CHECK(bench.merge(kSecond, kFirst) == Lines{"scene P1: m1, m3", "scene T20:"});
  CHECK(bench.remove(kFirst, kAgent) == Lines{"bye out1", "forget out1", "close m2", "report T1 left REMOVED /7"});
  CHECK(bench.remove(kSecond, kExpert) == Lines{"report T21 command NO_SUCH_CONVERSATION /8"});
  CHECK(bench.step(ByeReceived{out(2), ""}) == Lines{"forget out2", "close m3", "report T21 left BYE"});
}

TEST_CASE("who is alone and told to wait hears ringback, until somebody comes") {
  Bench bench;
  bench.talking();
  bench.join(kFirst, kAgent, kSecond);
  CHECK(bench.admit(kSecond, kAgent, link::Admit::WAITING) == Lines{"scene T20: m2 ringback"});
  SECTION("the agent goes back: the caller is alone there, which nobody waits in") {
    CHECK(bench.hold(kFirst, kAgent, false) == Lines{"scene T20:", "scene P1: m1, m2"});
    CHECK(bench.remove(kFirst, kAgent).back() == "scene P1:");
  }
  SECTION("the expert answers") {
    bench.invite(kSecond, kExpert, "sip:alice@tandem.test");
    CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = Phone{.ip = "192.0.2.1"}.sdp()}).back() ==
          "scene T20: m2, m3");
  }
}

TEST_CASE("transfer before the answer: the caller hears ringback, then the expert") {
  Bench bench;
  bench.talking();
  bench.join(kFirst, kAgent, kSecond);
  bench.invite(kSecond, kExpert, "sip:alice@tandem.test");
  bench.step(Progressed{out(2), 180, {}});
  CHECK(bench.merge(kSecond, kFirst) == Lines{"scene T20:"});
  CHECK(bench.remove(kFirst, kAgent).back() == "scene P1: m1 ringback");
  CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = Phone{.ip = "192.0.2.1"}.sdp()}).back() == "scene P1: m1, m3");
  CHECK(bench.last.size() > 0);
}

TEST_CASE("conference: merged, and the agent is back") {
  Bench bench;
  consulting(bench);
  bench.merge(kSecond, kFirst);
  CHECK(bench.hold(kFirst, kAgent, false) == Lines{"scene P1: m1, m2, m3"});
  SECTION("one of three on hold: the others go on") {
    CHECK(bench.hold(kFirst, kCaller) == Lines{"scene P1: m2, m3"});
    CHECK(bench.hold(kFirst, kExpert) == Lines{"scene P1: m2 music"});
    CHECK(bench.hold(kFirst, kCaller, false) == Lines{"scene P1: m1, m2"});
  }
  SECTION("delete from conference") {
    CHECK(bench.remove(kFirst, kExpert) == Lines{"bye out2", "forget out2", "close m3", "report T21 left REMOVED /8"});
  }
}

TEST_CASE("merging keeps who was held on hold, and who is active active") {
  Bench bench;
  consulting(bench);
  bench.hold(kFirst, kCaller);
  // The other way: the first into the consultation, where the agent is active.
  CHECK(bench.merge(kFirst, kSecond).empty());
  CHECK(bench.hold(kSecond, kCaller, false) == Lines{"scene T20: m2, m3, m1"});
  const auto whole = bench.step(LinkOpened{2});
  CHECK(whole == Lines{"snapshot 2 {8000000000000014-Genesys T1 CONNECTED sip:bob@tandem.test called T21 CONNECTED "
                       "sip:alice@tandem.test called P2 CONNECTED sip:carl@example.net caller}"});
}

TEST_CASE("a consultation from a consultation") {
  Bench bench;
  consulting(bench);
  constexpr std::uint64_t third = given(30);
  CHECK(bench.join(kSecond, kExpert, third) == Lines{"scene T20: m2 music"});
  CHECK(bench.join(kSecond, kAgent, given(31)) == Lines{"scene T20:"});
  CHECK(bench.remove(given(31), kAgent) == Lines{"report T1 left REMOVED /8"});
  CHECK(bench.hold(kSecond, kAgent, false) == Lines{"scene T20: m2 music"});
  CHECK(bench.release(third) == Lines{"report T21 left REMOVED /10"});
  CHECK(bench.hold(kSecond, kExpert, false) == Lines{"scene T20: m2, m3"});
}

TEST_CASE("joining and merging that can't be") {
  Bench bench;
  CHECK(bench.join(kFirst, kAgent, kSecond) == Lines{"report T1 command NO_SUCH_CONVERSATION /1"});
  bench.invited(in(1), Phone{}.sdp());
  CHECK(bench.join(kFirst, kCaller, kSecond) == Lines{"report P2 command WRONG_STATE /2"});
  bench.admit(kFirst, kCaller, link::Admit::ANSWER);
  CHECK(bench.join(kFirst, kCaller, made(77)) == Lines{"report P2 command NO_SUCH_CONVERSATION /4"});
  CHECK(bench.join(kFirst, kAgent, kSecond) == Lines{"report T1 command NO_SUCH_PARTY /5"});
  CHECK(bench.merge(kFirst, kFirst) == Lines{"report P0 command WRONG_STATE /6"});
  CHECK(bench.merge(kFirst, kSecond) == Lines{"report P0 command NO_SUCH_CONVERSATION /7"});
  CHECK(bench.hold(kFirst, kAgent) == Lines{"report T1 command NO_SUCH_PARTY /8"});
  // The same again is no error: it is back there.
  for (std::uint64_t i = 0; i < 7; ++i) CHECK(bench.join(kFirst, kCaller, given(50 + i)).empty());
  CHECK(bench.join(kFirst, kCaller, given(60)) == Lines{"report P2 command NO_RESOURCES /16"});
  CHECK(bench.join(kFirst, kCaller, given(50)).empty());
}

TEST_CASE("with no T-Server in reach who is left alone goes back to its other conversation") {
  Bench bench;
  consulting(bench);
  bench.step(LinkClosed{1});
  CHECK(bench.step(ByeReceived{out(2), ""}) == Lines{"forget out2", "close m3", "report T21 left BYE",
                                                     "report T1 left REMOVED 'alone, no T-Server in reach'",
                                                     "scene P1: m1, m2", "scene T20:"});
  bench.wait(std::chrono::seconds(10));
  CHECK(bench.step(ByeReceived{in(1), ""}) == Lines{"forget in1", "close m1", "report P2 left BYE", "bye out1",
                                                    "forget out1", "close m2",
                                                    "report T1 left REMOVED 'alone, no T-Server in reach'"});
  CHECK(bench.timers.size() == 0);
}
