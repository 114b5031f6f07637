// The main job, whole: a caller waits, an agent is called and answers, both talk, somebody hangs up.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

TEST_CASE("a routed call, ringback as early media") {
  Bench bench;
  const Phone carl{.ip = "192.0.2.9", .port = 4000};
  const Phone bob{.ip = "192.0.2.2", .port = 6000, .formats = "0 101"};
  CHECK(bench.invited(in(1), carl.sdp()) ==
        Lines{"report P2 offered sip:carl@example.net to sip:support@tandem.test as 0000008000000001-Genesys"});
  CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) ==
        Lines{"answer in1 183 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1",
              "connect m1 192.0.2.9:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15]", "scene P1: m1 ringback mute"});
  CHECK(bench.invite(made(1), given(1), "sip:bob@tandem.test") ==
        Lines{"invite out1 sip:bob@192.0.2.2 m2 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1"});
  CHECK(bench.step(Progressed{out(1), 180, {}}) == Lines{"report T1 alerting /2"});
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = bob.sdp()}) ==
        Lines{"connect m2 192.0.2.2:6000 [0 PCMU, 101 telephone-event 0-15] watch",
              "report T1 answered sip:bob@tandem.test /2"});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uas",
              "connect m1 192.0.2.9:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] watch", "scene P1: m1, m2"});
  CHECK(bench.step(Acked{in(1), {}}).empty());
  CHECK(bench.step(ByeReceived{out(1), ""}) == Lines{"forget out1", "close m2", "report T1 left BYE"});
  CHECK(bench.release(made(1)) == Lines{"bye in1", "forget in1", "close m1", "report P2 left REMOVED /4"});
  CHECK(bench.timers.size() == 0);
  CHECK(bench.release(made(1)) == Lines{"report P0 command NO_SUCH_CONVERSATION /5"});
}
