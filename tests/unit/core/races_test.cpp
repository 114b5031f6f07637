// Two things at once: whichever comes first, each side is told the truth once.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const Phone kCarl{.ip = "192.0.2.9", .port = 4000, .formats = "0", .attributes = ""};
const Phone kBob{.ip = "192.0.2.2", .port = 6000, .formats = "0", .attributes = ""};

// carl waits, bob rings.
Bench ringing() {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.step(Progressed{out(1), 180, {}});
  return bench;
}

Bench talking() {
  auto bench = ringing();
  bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  return bench;
}

}  // namespace

TEST_CASE("CANCEL, then ANSWER") {
  auto bench = ringing();
  CHECK(bench.step(Cancelled{in(1), ""}) == Lines{"forget in1", "close m1", "report P2 left CANCELLED"});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) == Lines{"report P2 command NO_SUCH_PARTY /3"});
  CHECK(bench.release(made(1)) == Lines{"cancel out1", "close m2", "report T1 failed 487 /4"});
  CHECK(bench.step(InviteRejected{.leg = out(1), .status = 487}) == Lines{"forget out1"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("ANSWER crosses a CANCEL the sip room has obeyed") {
  auto bench = ringing();
  bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER).back() == "scene P1: m1, m2");
  CHECK(bench.step(Cancelled{in(1), ""}) == Lines{"forget in1", "close m1", "report P2 left CANCELLED"});
  CHECK(bench.release(made(1)) == Lines{"bye out1", "forget out1", "close m2", "report T1 left REMOVED /4"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("a CANCEL after the ACK means nothing") {
  auto bench = talking();
  bench.step(Acked{in(1), {}});
  CHECK(bench.step(Cancelled{in(1), ""}).empty());
}

TEST_CASE("bob's 200 crosses our CANCEL") {
  auto bench = ringing();
  CHECK(bench.remove(made(1), given(1)) == Lines{"cancel out1", "close m2", "report T1 failed 487 /3"});
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()}) ==
        Lines{"bye out1 'SIP;cause=200;text=\"Call completed elsewhere\"'", "forget out1"});
  CHECK(bench.step(ByeReceived{out(1), ""}).empty());
  CHECK(bench.remove(made(1), given(1)) == Lines{"report T1 command NO_SUCH_PARTY /4"});
  bench.step(Cancelled{in(1), ""});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("Remove after the answer that the T-Server has not seen yet") {
  auto bench = ringing();
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()}).back() ==
        "report T1 answered sip:bob@tandem.test /2");
  CHECK(bench.remove(made(1), given(1)) == Lines{"bye out1", "forget out1", "close m2", "report T1 left REMOVED /3"});
}

TEST_CASE("the routed agent is removed and another is called: the caller goes on hearing the tone") {
  auto bench = ringing();
  bench.remove(made(1), given(1));
  CHECK(bench.invite(made(1), given(2), "sip:alice@tandem.test") ==
        Lines{"invite out2 sip:alice@192.0.2.1 m3 [0 PCMU, 8 PCMA] sendrecv v1"});
  bench.step(InviteRejected{.leg = out(1), .status = 487});
  bench.step(InviteAccepted{.leg = out(2), .sdp = kBob.sdp()});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER).back() == "scene P1: m1, m3");
}

TEST_CASE("BYE crosses a re-INVITE of ours") {
  auto bench = talking();
  bench.step(Acked{in(1), {}});
  CHECK(bench.wait(std::chrono::seconds(900)).size() == 2);
  CHECK(bench.step(ByeReceived{out(1), ""}) == Lines{"forget out1", "close m2", "report T1 left BYE"});
  CHECK(bench.step(ReinviteAccepted{.leg = out(1), .sdp = kBob.sdp()}).empty());
  CHECK(bench.step(ReinviteRejected{out(1), 481, 0}).empty());
  CHECK(bench.release(made(1)) == Lines{"bye in1", "forget in1", "close m1", "report P2 left REMOVED /4"});
  CHECK(bench.step(ReinviteRejected{in(1), 487, 0}).empty());
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("BYE before our 200 was acknowledged") {
  auto bench = talking();
  CHECK(bench.step(ByeReceived{in(1), ""}) == Lines{"forget in1", "close m1", "report P2 left BYE"});
  CHECK(bench.step(Acked{in(1), {}}).empty());
  CHECK(bench.step(AckMissing{in(1)}).empty());
}

TEST_CASE("both hang up at once, and the T-Server releases") {
  auto bench = talking();
  bench.step(Acked{in(1), {}});
  bench.step(ByeReceived{in(1), ""});
  bench.step(ByeReceived{out(1), ""});
  CHECK(bench.release(made(1)) == Lines{"report P0 command NO_SUCH_CONVERSATION /4"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("a re-INVITE of the phone crosses Remove") {
  auto bench = talking();
  bench.step(Acked{in(1), {}});
  bench.remove(made(1), made(2));
  CHECK(bench.step(Reinvited{.leg = in(1), .sdp = kCarl.sdp()}).empty());
}

TEST_CASE("a timer that fired while it was cancelled means nothing") {
  Bench bench;
  bench.invite(given(1), given(2), "sip:bob@tandem.test", true, 5000);
  TimerKey key;
  for (const auto& action : bench.last) {
    if (const auto* set = std::get_if<SetCoreTimer>(&action)) key = set->key;
  }
  REQUIRE(key.subject == given(2));
  bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
  CHECK(bench.step(CoreTimer{key}).empty());
  bench.release(given(1));
  CHECK(bench.step(CoreTimer{key}).empty());
  CHECK(bench.step(CoreTimer{TimerKey{99, 1, 1}}).empty());
}

TEST_CASE("Release in each state") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  SECTION("offered") {
    CHECK(bench.release(made(1)) == Lines{"answer in1 480", "forget in1", "report P2 left REMOVED /1"});
  }
  SECTION("waiting, bob called") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    CHECK(bench.release(made(1), "SIP;cause=480") == Lines{"answer in1 480", "forget in1", "close m1",
                                                           "report P2 left REMOVED /3", "cancel out1 'SIP;cause=480'",
                                                           "close m2", "report T1 failed 487 /3"});
    bench.step(InviteRejected{.leg = out(1), .status = 487});
  }
  SECTION("answered, not acknowledged") {
    bench.admit(made(1), made(2), link::Admit::ANSWER);
    CHECK(bench.release(made(1)) == Lines{"bye in1", "forget in1", "close m1", "report P2 left REMOVED /2"});
  }
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("inputs about legs and media that never were") {
  Bench bench;
  const Lines nothing;
  CHECK(bench.step(Acked{in(9), {}}) == nothing);
  CHECK(bench.step(AckMissing{in(9)}) == nothing);
  CHECK(bench.step(Cancelled{in(9), ""}) == nothing);
  CHECK(bench.step(Progressed{out(9), 180, {}}) == nothing);
  CHECK(bench.step(InviteAccepted{.leg = out(9)}) == nothing);
  CHECK(bench.step(InviteRejected{.leg = out(9), .status = 486}) == nothing);
  CHECK(bench.step(Reinvited{.leg = in(9)}) == nothing);
  CHECK(bench.step(ReinviteAccepted{.leg = in(9)}) == nothing);
  CHECK(bench.step(ReinviteRejected{in(9), 500, 0}) == nothing);
  CHECK(bench.step(ByeReceived{in(9), ""}) == nothing);
  CHECK(bench.step(LegLost{in(9), ""}) == nothing);
  CHECK(bench.step(MediaSilent{MediaId{9}}) == nothing);
}
