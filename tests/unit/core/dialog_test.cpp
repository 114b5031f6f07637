// Hold, changes of codec and address, glare, session timers.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Phone carl() {
  return Phone{.ip = "192.0.2.9", .port = 4000, .formats = "0 8", .attributes = ""};
}
Phone bob() {
  return Phone{.ip = "192.0.2.2", .port = 6000, .formats = "0", .attributes = ""};
}

// carl (in1, P2, m1) and bob (out1, T1, m2) talk.
Bench talking(CoreSettings settings = {}, SessionTimer theirs = {}, SessionTimer bobs = {}) {
  settings.early_media_waiting = false;
  Bench bench(settings);
  Invited input;
  input.leg = in(1);
  input.caller.dn = "sip:carl@example.net";
  input.sdp = carl().sdp();
  input.timer = theirs;
  bench.step(input);
  bench.admit(made(1), made(2), link::Admit::WAITING);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.step(InviteAccepted{.leg = out(1), .sdp = bob().sdp(), .timer = bobs});
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  bench.step(Acked{in(1), {}});
  return bench;
}

Reinvited offer(LegId leg, Phone phone) {
  ++phone.version;
  return Reinvited{.leg = leg, .sdp = phone.sdp()};
}

}  // namespace

TEST_CASE("hold and retrieve by the phone") {
  struct Row {
    std::string direction, ip, ours;
  };
  const Row rows[] = {{"sendonly", "192.0.2.9", "recvonly"},
                      {"inactive", "192.0.2.9", "inactive"},
                      {"sendrecv", "0.0.0.0", "recvonly"}};
  for (const auto& row : rows) {
    auto bench = talking();
    auto held = carl();
    held.direction = row.direction;
    held.ip = row.ip;
    CHECK(bench.step(offer(in(1), held)) == Lines{"reanswer in1 200 m2 [0 PCMU] " + row.ours + " v2 expires 1800 uas",
                                                  "connect m2 " + row.ip + ":4000 [0 PCMU] " + row.ours,
                                                  "report P2 held", "scene P1: m1 music"});
    CHECK(bench.step(Acked{in(1), {}}).empty());
    CHECK(bench.step(offer(in(1), held)) == Lines{"reanswer in1 200 m2 [0 PCMU] " + row.ours + " v2 expires 1800 uas"});
    CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v3 expires 1800 uas",
                                                    "connect m2 192.0.2.9:4000 [0 PCMU] watch", "report P2 retrieved",
                                                    "scene P1: m2, m1"});
  }
}

TEST_CASE("hold by the phone that was called, by UPDATE") {
  auto bench = talking();
  auto held = bob();
  held.direction = "sendonly";
  auto input = offer(out(1), held);
  input.update = true;
  CHECK(bench.step(input) == Lines{"reanswer out1 200 m1 [0 PCMU] recvonly v2 expires 1800 uas",
                                   "connect m1 192.0.2.2:6000 [0 PCMU] recvonly", "report T1 held",
                                   "scene P1: m2 music"});
  bench.step(LinkOpened{2, false});
  CHECK(std::get<SendSnapshot>(bench.last.at(1)).snapshot.conversations(0).parties(1).state() == link::HELD_BY_PHONE);
}

TEST_CASE("listening only is not hold") {
  auto bench = talking();
  auto mute = carl();
  mute.direction = "recvonly";
  CHECK(bench.step(offer(in(1), mute)) == Lines{"reanswer in1 200 m2 [0 PCMU] sendonly v2 expires 1800 uas",
                                                "connect m2 192.0.2.9:4000 [0 PCMU] sendonly"});
}

TEST_CASE("a stream that is stopped and begun again") {
  auto bench = talking();
  auto stopped = carl();
  stopped.port = 0;
  CHECK(bench.step(offer(in(1), stopped)) == Lines{"reanswer in1 200 audio-declined v2 expires 1800 uas",
                                                   "connect m2 192.0.2.9:0 [0 PCMU] inactive", "report P2 held",
                                                   "scene P1: m1 music"});
  CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v3 expires 1800 uas",
                                                  "connect m2 192.0.2.9:4000 [0 PCMU] watch", "report P2 retrieved",
                                                  "scene P1: m2, m1"});
}

TEST_CASE("another address or port of the phone") {
  auto bench = talking();
  auto moved = carl();
  moved.ip = "198.51.100.7";
  moved.port = 5000;
  CHECK(bench.step(offer(in(1), moved)) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v1 expires 1800 uas",
                                                 "connect m2 198.51.100.7:5000 [0 PCMU] watch"});
}

TEST_CASE("other codecs of the phone") {
  auto bench = talking();
  auto other = carl();
  SECTION("that the peer shares after conversion") {
    other.formats = "8";
    CHECK(bench.step(offer(in(1), other)) == Lines{"reanswer in1 200 m2 [8 PCMA] sendrecv v2 expires 1800 uas",
                                                   "connect m2 192.0.2.9:4000 [8 PCMA] watch"});
  }
  SECTION("that nobody shares: the session stays as it is") {
    other.formats = "99";
    other.attributes = "a=rtpmap:99 X-CODEC/16000\r\n";
    CHECK(bench.step(offer(in(1), other)) == Lines{"reanswer in1 488"});
    CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v1 expires 1800 uas"});
  }
  SECTION("that can't be read") {
    CHECK(bench.step(Reinvited{.leg = in(1), .sdp = "nonsense"}) == Lines{"reanswer in1 400"});
    CHECK(bench.step(Reinvited{.leg = in(1), .sdp = "v=0\r\n"}) == Lines{"reanswer in1 488"});
  }
  SECTION("MMC-366: with a video line that came later: the T-Server hears nothing of it") {
    CHECK(bench.step(Reinvited{.leg = in(1), .sdp = carl().sdp() + "m=video 4002 RTP/AVP 31\r\n"}) ==
          Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv video-declined v2 expires 1800 uas"});
  }
}

TEST_CASE("the peer is asked to follow where it can") {
  const std::string kStrange = "a=rtpmap:99 X-CODEC/16000\r\n";
  CoreSettings settings;
  settings.early_media_waiting = false;
  Bench bench(settings);
  const Phone both{.ip = "192.0.2.9", .port = 4000, .formats = "0 99", .attributes = kStrange};
  bench.invited(in(1), both.sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.step(InviteAccepted{.leg = out(1),
                            .sdp = Phone{.ip = "192.0.2.2", .port = 6000, .formats = "0", .attributes = ""}.sdp()});
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  bench.step(Acked{in(1), {}});
  // bob now wants that one only; carl has shown that he can.
  CHECK(bench.step(offer(out(1), Phone{.ip = "192.0.2.2", .port = 6000, .formats = "99", .attributes = kStrange})) ==
        Lines{"reanswer out1 200 m1 [99 X-CODEC/16000] sendrecv v2 expires 1800 uas",
              "connect m1 192.0.2.2:6000 [99 X-CODEC/16000] watch",
              "reinvite in1 m2 [99 X-CODEC/16000] sendrecv v2 expires 1800 uac"});
  CHECK(bench.step(ReinviteAccepted{
            .leg = in(1),
            .sdp = Phone{.ip = "192.0.2.9", .port = 4000, .formats = "99", .attributes = kStrange}.sdp()}) ==
        Lines{"connect m2 192.0.2.9:4000 [99 X-CODEC/16000] watch"});
}

TEST_CASE("a re-INVITE without offer gets ours, the ACK its answer") {
  auto bench = talking();
  CHECK(bench.step(Reinvited{.leg = in(1)}) ==
        Lines{"reanswer in1 200 m2 [0 PCMU, 8 PCMA] sendrecv v2 expires 1800 uas"});
  SECTION("answered") {
    auto moved = carl();
    moved.port = 4444;
    CHECK(bench.step(Acked{in(1), moved.sdp()}) == Lines{"connect m2 192.0.2.9:4444 [0 PCMU, 8 PCMA] watch"});
  }
  SECTION("not answered: the session stays") {
    CHECK(bench.step(Acked{in(1), {}}).empty());
    CHECK(bench.step(ByeReceived{in(1), ""}).back() == "report P2 left BYE");
  }
  SECTION("never acknowledged") {
    CHECK(bench.step(AckMissing{in(1)}).back() == "report P2 left NO_ACK 'no ACK'");
  }
  SECTION("meanwhile another one: glare") {
    CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 491"});
    CHECK(bench.step(Reinvited{.leg = in(1), .update = true}) == Lines{"reanswer in1 200 expires 1800 uas"});
  }
}

TEST_CASE("UPDATE without offer refreshes and changes nothing") {
  auto bench = talking();
  CHECK(bench.step(Reinvited{.leg = in(1), .timer = {.expires_s = 600, .supported = true}, .update = true}) ==
        Lines{"reanswer in1 200 expires 600 uac"});
}

TEST_CASE("re-INVITE and UPDATE before the answer") {
  Bench bench;
  bench.invited(in(1), carl().sdp());
  CHECK(bench.step(Reinvited{.leg = in(1), .update = true}) == Lines{"reanswer in1 200"});
  CHECK(bench.step(Reinvited{.leg = in(1), .sdp = carl().sdp(), .update = true}) ==
        Lines{"reanswer in1 500 retry-after 3"});
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  CHECK(bench.step(Reinvited{.leg = out(1), .sdp = bob().sdp(), .update = true}) == Lines{"reanswer out1 491"});
  bench.remove(made(1), given(1));
  CHECK(bench.step(Reinvited{.leg = out(1), .sdp = bob().sdp()}) == Lines{"reanswer out1 481"});
}

TEST_CASE("glare: ours is out, theirs comes") {
  auto bench = talking();
  CHECK(bench.wait(seconds(900)) == Lines{"reinvite out1 m1 [0 PCMU, 8 PCMA] sendrecv v1 expires 1800 uac",
                                          "reinvite in1 m2 [0 PCMU] sendrecv v1 expires 1800 uac"});
  CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 491"});
  CHECK(bench.step(Reinvited{.leg = in(1), .update = true}) == Lines{"reanswer in1 200 expires 1800 uas"});
  CHECK(bench.step(ReinviteAccepted{.leg = in(1), .sdp = carl().sdp()}).empty());
}

TEST_CASE("glare: ours is refused with 491 and sent again, later by who made the Call-ID") {
  auto bench = talking();
  bench.wait(seconds(900));
  CHECK(bench.step(ReinviteRejected{out(1), 491, 0}).empty());
  CHECK(bench.step(ReinviteRejected{in(1), 491, 0}).empty());
  const auto soon = bench.wait(milliseconds(2000));
  CHECK(soon == Lines{"reinvite in1 m2 [0 PCMU] sendrecv v1 expires 1800 uac"});
  const auto later = bench.wait(milliseconds(2000));
  CHECK(later == Lines{"reinvite out1 m1 [0 PCMU, 8 PCMA] sendrecv v1 expires 1800 uac"});
  SECTION("meanwhile theirs is answered") {
    bench.step(ReinviteRejected{in(1), 491, 0});
    CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v1 expires 1800 uas"});
    CHECK(bench.wait(milliseconds(2000)) == Lines{"reinvite in1 m2 [0 PCMU] sendrecv v1 expires 1800 uac"});
  }
  SECTION("meanwhile it hangs up") {
    bench.step(ReinviteRejected{in(1), 491, 0});
    bench.step(ByeReceived{in(1), ""});
    bench.step(ByeReceived{out(1), ""});
    CHECK(bench.timers.size() == 0);
  }
}

TEST_CASE("session timers: we refresh both sides at half time") {
  auto bench = talking({}, {.expires_s = 600, .refresher = SessionTimer::Refresher::Uas, .supported = true},
                       {.expires_s = 1200, .refresher = SessionTimer::Refresher::Uac});
  CHECK(bench.wait(seconds(299)).empty());
  CHECK(bench.wait(seconds(1)) == Lines{"reinvite in1 m2 [0 PCMU] sendrecv v1 expires 600 uac"});
  CHECK(
      bench.step(ReinviteAccepted{
          .leg = in(1), .sdp = carl().sdp(), .timer = {.expires_s = 600, .refresher = SessionTimer::Refresher::Uac}}) ==
      Lines{});
  CHECK(bench.wait(seconds(300)) == Lines{"reinvite out1 m1 [0 PCMU, 8 PCMA] sendrecv v1 expires 1200 uac",
                                          "reinvite in1 m2 [0 PCMU] sendrecv v1 expires 600 uac"});
}

TEST_CASE("session timers: no answer to our refresh, the session expires") {
  auto bench = talking({}, {.expires_s = 600, .refresher = SessionTimer::Refresher::Uas, .supported = true},
                       {.expires_s = 7200, .refresher = SessionTimer::Refresher::Uas});
  bench.wait(seconds(300));
  CHECK(bench.wait(seconds(299)).empty());
  CHECK(bench.wait(seconds(1)) == Lines{"bye in1 'SIP;cause=408;text=\"session expired\"'", "forget in1", "close m2",
                                        "report P2 left SESSION_EXPIRED 'session expired'"});
}

TEST_CASE("session timers: our refresh is refused, tried again, then the session expires") {
  auto bench = talking({}, {.expires_s = 90, .refresher = SessionTimer::Refresher::Uas, .supported = true},
                       {.expires_s = 7200, .refresher = SessionTimer::Refresher::Uas});
  CHECK(bench.wait(seconds(45)).size() == 1);
  bench.step(ReinviteRejected{in(1), 500, 20});
  CHECK(bench.wait(seconds(19)).empty());
  CHECK(bench.wait(seconds(1)) == Lines{"reinvite in1 m2 [0 PCMU] sendrecv v1 expires 90 uac"});
  bench.step(ReinviteRejected{in(1), 500, 0});
  CHECK(bench.wait(seconds(10)) == Lines{"reinvite in1 m2 [0 PCMU] sendrecv v1 expires 90 uac"});
  bench.step(ReinviteRejected{in(1), 500, 3600});
  CHECK(bench.wait(seconds(15)).back() == "report P2 left SESSION_EXPIRED 'session expired'");
}

TEST_CASE("session timers: it wants a longer interval") {
  auto bench = talking({}, {.expires_s = 600, .refresher = SessionTimer::Refresher::Uas, .supported = true},
                       {.expires_s = 7200, .refresher = SessionTimer::Refresher::Uas});
  bench.wait(seconds(300));
  CHECK(bench.step(ReinviteRejected{in(1), 422, 0, 1000}) ==
        Lines{"reinvite in1 m2 [0 PCMU] sendrecv v1 expires 1000 uac min-se 1000"});
  CHECK(bench.step(ReinviteAccepted{.leg = in(1), .sdp = carl().sdp(), .timer = {.expires_s = 1000}}).empty());
  CHECK(bench.wait(seconds(499)).empty());
  CHECK(bench.wait(seconds(1)).size() == 1);
}

TEST_CASE("session timers: the phone refreshes, or not") {
  auto bench = talking({}, {.expires_s = 300, .refresher = SessionTimer::Refresher::Uac, .supported = true},
                       {.expires_s = 7200, .refresher = SessionTimer::Refresher::Uas});
  CHECK(bench.wait(seconds(200)).empty());
  auto refresh = offer(in(1), carl());
  refresh.timer = {.expires_s = 300, .refresher = SessionTimer::Refresher::Uac, .supported = true};
  CHECK(bench.step(refresh) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v1 expires 300 uac"});
  CHECK(bench.wait(seconds(267)).empty());
  CHECK(bench.wait(seconds(1)).back() == "report P2 left SESSION_EXPIRED 'session expired'");
}

TEST_CASE("session timers: too short an interval in a re-INVITE") {
  auto bench = talking();
  auto input = offer(in(1), carl());
  input.timer = {.expires_s = 20, .supported = true};
  CHECK(bench.step(input) == Lines{"reanswer in1 422 min-se 90"});
}

TEST_CASE("session timers: switched off") {
  CoreSettings settings;
  settings.session_expires_s = 0;
  auto bench = talking(settings);
  CHECK(bench.timers.size() == 0);
  CHECK(bench.step(offer(in(1), carl())) == Lines{"reanswer in1 200 m2 [0 PCMU] sendrecv v1"});
}

TEST_CASE("the dialog is gone") {
  auto bench = talking();
  bench.wait(seconds(900));
  CHECK(bench.step(ReinviteRejected{in(1), 481, 0}) ==
        Lines{"forget in1", "close m2", "report P2 left TRANSPORT_FAILED 're-INVITE answered 481'"});
  CHECK(bench.step(ReinviteRejected{out(1), 408, 0}) ==
        Lines{"bye out1 'SIP;cause=408'", "forget out1", "close m1",
              "report T1 left TRANSPORT_FAILED 're-INVITE answered 408'"});
  CHECK(bench.timers.size() == 0);
}
