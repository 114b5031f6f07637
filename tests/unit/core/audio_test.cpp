// What both sides agree on, who hears whom and who hears a tone.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const std::string kWide =
    "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\n";

const std::string kStrange = "a=rtpmap:99 X-CODEC/16000\r\na=fmtp:99 a=1\r\na=rtpmap:101 telephone-event/8000\r\n";

Phone phone(std::string formats, std::string ip = "192.0.2.9", std::string attributes = kWide) {
  return Phone{.ip = std::move(ip), .port = 4000, .formats = std::move(formats), .attributes = std::move(attributes)};
}

// A caller that waits by 180, so that nothing is fixed before the called party answers.
Bench late() {
  CoreSettings settings;
  settings.early_media_waiting = false;
  return Bench(settings);
}

// Both answer; the actions of the caller's answer.
Lines meet(Bench& bench, const Phone& caller, const Phone& called) {
  bench.invited(in(1), caller.sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.step(InviteAccepted{.leg = out(1), .sdp = called.sdp()});
  return bench.admit(made(1), made(2), link::Admit::ANSWER);
}

}  // namespace

TEST_CASE("pass-through: what both share, with parameters, ptime and numbers of each side") {
  auto bench = late();
  const auto caller = phone("96 9 0 101", "192.0.2.9", kWide + "a=ptime:40\r\na=maxptime:60\r\n");
  bench.invited(in(1), caller.sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  CHECK(bench.invite(made(1), given(1), "sip:bob@tandem.test") ==
        Lines{"invite out1 sip:bob@192.0.2.2 m1 [96 opus/48000/2 useinbandfec=1, 9 G722, 0 PCMU, 8 PCMA, 101 "
              "telephone-event] sendrecv "
              "ptime 40 v1"});
  CHECK(bench.described["out1"].find("a=maxptime:60\r\n") != std::string::npos);
  CHECK(bench.step(InviteAccepted{
            .leg = out(1),
            .sdp = phone("107 101", "192.0.2.2",
                         "a=rtpmap:107 opus/48000/2\r\na=fmtp:107 stereo=0\r\na=rtpmap:101 telephone-event/8000\r\n")
                       .sdp()}) ==
        Lines{"connect m1 192.0.2.2:4000 [107 opus/48000/2 from 96 stereo=0, 101 telephone-event] watch",
              "report T1 answered sip:bob@tandem.test /2"});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m2 [96 opus/48000/2 stereo=0, 101 telephone-event] sendrecv v1 expires 1800 uas",
              "connect m2 192.0.2.9:4000 [96 opus/48000/2 stereo=0, 101 telephone-event] watch", "scene P1: m2, m1"});
}

TEST_CASE("pass-through of G722, and of a codec we never heard of") {
  auto bench = late();
  CHECK(meet(bench, phone("9 0"), phone("9", "192.0.2.2")) ==
        Lines{"answer in1 200 m2 [9 G722] sendrecv v1 expires 1800 uas", "connect m2 192.0.2.9:4000 [9 G722] watch",
              "scene P1: m2, m1"});
  auto other = late();
  const std::string strange = "a=rtpmap:99 X-CODEC/16000\r\na=fmtp:99 a=1;b=2\r\n";
  CHECK(meet(other, phone("99", "192.0.2.9", strange), phone("99", "192.0.2.2", strange)) ==
        Lines{"answer in1 200 m2 [99 X-CODEC/16000 a=1;b=2] sendrecv v1 expires 1800 uas",
              "connect m2 192.0.2.9:4000 [99 X-CODEC/16000 a=1;b=2] watch", "scene P1: m2, m1"});
}

TEST_CASE("G.711 of different kinds is agreed on with each side, to be converted") {
  auto bench = late();
  CHECK(meet(bench, phone("0 101"), phone("8 101", "192.0.2.2")) ==
        Lines{"answer in1 200 m2 [0 PCMU, 101 telephone-event] sendrecv v1 expires 1800 uas",
              "connect m2 192.0.2.9:4000 [0 PCMU, 101 telephone-event] watch", "scene P1: m2, m1"});
}

TEST_CASE("an early answer fixed G.711, the called party speaks the other kind: converted") {
  Bench bench;
  CHECK(meet(bench, phone("0 101"), phone("8 101", "192.0.2.2")) ==
        Lines{"answer in1 200 m1 [0 PCMU, 101 telephone-event] sendrecv v1 expires 1800 uas",
              "connect m1 192.0.2.9:4000 [0 PCMU, 101 telephone-event] watch", "scene P1: m1, m2"});
}

TEST_CASE("an early answer holds all that we speak, so a wideband call is relayed") {
  Bench bench;
  CHECK(meet(bench, phone("96 9 0 101"), phone("96 101", "192.0.2.2")) ==
        Lines{"answer in1 200 m1 [96 opus/48000/2 useinbandfec=1, 9 G722, 0 PCMU, 101 telephone-event] sendrecv v1 "
              "expires 1800 uas",
              "connect m1 192.0.2.9:4000 [96 opus/48000/2 useinbandfec=1, 9 G722, 0 PCMU, 101 telephone-event] watch",
              "scene P1: m1, m2"});
  CHECK(bench.step(Acked{in(1), {}}).empty());
}

TEST_CASE(
    "an early answer fixed G.711, the called party speaks what can't be converted: the caller is asked to follow") {
  Bench bench;
  CHECK(meet(bench, phone("99 0 101", "192.0.2.9", kStrange), phone("99 101", "192.0.2.2", kStrange)) ==
        Lines{"answer in1 200 m1 [0 PCMU, 101 telephone-event] sendrecv v1 expires 1800 uas",
              "connect m1 192.0.2.9:4000 [0 PCMU, 101 telephone-event] watch", "scene P1: m1, m2"});
  CHECK(bench.step(Acked{in(1), {}}) ==
        Lines{"reinvite in1 m1 [99 X-CODEC/16000 a=1, 101 telephone-event] sendrecv v2 expires 1800 uac"});
  SECTION("it does") {
    CHECK(bench.step(ReinviteAccepted{.leg = in(1), .sdp = phone("99 101", "192.0.2.9", kStrange).sdp()}) ==
          Lines{"connect m1 192.0.2.9:4000 [99 X-CODEC/16000 a=1, 101 telephone-event] watch"});
  }
  SECTION("it does not, twice: told in the log, the call is left to the people") {
    CHECK(bench.step(ReinviteRejected{in(1), 488, 0}) ==
          Lines{"reinvite in1 m1 [99 X-CODEC/16000 a=1, 101 telephone-event] sendrecv v2 expires 1800 uac"});
    CHECK(bench.step(ReinviteRejected{in(1), 488, 0}).size() <= 1);
  }
}

TEST_CASE("the originator hears ringback while the destination alerts") {
  Bench bench;
  bench.invite(given(1), given(2), "sip:alice@tandem.test", true);
  bench.step(InviteAccepted{.leg = out(1), .sdp = phone("0 101", "192.0.2.1").sdp()});
  CHECK(bench.invite(given(1), given(3), "sip:bob@tandem.test") ==
        Lines{"invite out2 sip:bob@192.0.2.2 m2 [0 PCMU, 8 PCMA, 101 telephone-event] sendrecv v1"});
  CHECK(bench.step(Progressed{out(2), 180, {}}) == Lines{"report T3 alerting /2", "scene T1: m1 ringback"});
  SECTION("until it answers") {
    CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = phone("8", "192.0.2.2").sdp()}) ==
          Lines{"connect m2 192.0.2.2:4000 [8 PCMA] watch", "report T3 answered sip:bob@tandem.test /2",
                "scene T1: m1, m2"});
  }
  SECTION("until it fails") {
    CHECK(bench.step(InviteRejected{.leg = out(2), .status = 486}) ==
          Lines{"forget out2", "close m2", "report T3 failed 486 /2", "scene T1:"});
  }
  SECTION("until it sends media itself") {
    CHECK(bench.step(Progressed{out(2), 183, phone("0", "192.0.2.2").sdp()}) ==
          Lines{"connect m2 192.0.2.2:4000 [0 PCMU]", "scene T1: m1, m2"});
    CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = phone("0", "192.0.2.2").sdp()}) ==
          Lines{"connect m2 192.0.2.2:4000 [0 PCMU] watch", "report T3 answered sip:bob@tandem.test /2"});
  }
}

TEST_CASE("the waiting caller hears the tone again when the agent's early media ends in a failure") {
  Bench bench;
  bench.invited(in(1), phone("0").sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  CHECK(bench.step(Progressed{out(1), 183, phone("0", "192.0.2.2").sdp()}) ==
        Lines{"connect m2 192.0.2.2:4000 [0 PCMU]", "report T1 alerting with media /2", "scene P1: m1, m2"});
  CHECK(bench.step(InviteRejected{.leg = out(1), .status = 480}) ==
        Lines{"forget out1", "close m2", "report T1 failed 480 /2", "scene P1: m1 ringback mute"});
}

TEST_CASE("a third party talks with the first two, and with one when the other has left") {
  Bench bench;
  meet(bench, phone("0"), phone("0", "192.0.2.2"));
  bench.step(Acked{in(1), {}});
  bench.invite(made(1), given(5), "sip:alice@tandem.test");
  CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = phone("0", "192.0.2.1").sdp()}) ==
        Lines{"connect m3 192.0.2.1:4000 [0 PCMU] watch", "report T5 answered sip:alice@tandem.test /4",
              "scene P1: m1, m2, m3"});
  CHECK(bench.remove(made(1), given(1)) == Lines{"bye out1", "forget out1", "close m2", "report T1 left REMOVED /5"});
}

TEST_CASE("silence ends a call, but not on hold and not before the answer") {
  Bench bench;
  bench.invited(in(1), phone("0").sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  CHECK(bench.step(MediaSilent{MediaId{1}}).empty());
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  bench.step(Acked{in(1), {}});
  auto held = phone("0");
  held.direction = "sendonly";
  bench.step(Reinvited{.leg = in(1), .sdp = held.sdp()});
  CHECK(bench.step(MediaSilent{MediaId{1}}).empty());
  CHECK(bench.step(Reinvited{.leg = in(1), .sdp = phone("0").sdp()}).back() == "report P2 retrieved");
  CHECK(bench.step(MediaSilent{MediaId{9}}).empty());
  CHECK(bench.step(MediaSilent{MediaId{1}}) == Lines{"bye in1 'Q.850;cause=16;text=\"no RTP received\"'", "forget in1",
                                                     "close m1", "report P2 left MEDIA_TIMEOUT 'no RTP received'"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("silence is no reason if the settings say so") {
  CoreSettings settings;
  settings.end_on_silence = false;
  Bench bench(settings);
  bench.invited(in(1), phone("0").sdp());
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  CHECK(bench.step(MediaSilent{MediaId{1}}).empty());
}
