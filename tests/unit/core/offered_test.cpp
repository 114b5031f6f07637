// Callers, from INVITE to answer or refusal.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const Phone kCarl{.ip = "192.0.2.9", .port = 4000};
const std::string kOfferedReport =
    "report P2 offered sip:carl@example.net to sip:support@tandem.test as 0000008000000001-Genesys";

Invited call(LegId leg, std::string sdp = kCarl.sdp()) {
  Invited input;
  input.leg = leg;
  input.caller = Caller{"sip:alice@tandem.test", true, ""};
  input.request_uri = "sip:support@tandem.test";
  input.call_id = "abc";
  input.sdp = std::move(sdp);
  return input;
}

}  // namespace

TEST_CASE("MMC-361: an offered call is told whole, its video too, which is declined") {
  Bench bench;
  auto input = call(in(1), kCarl.sdp() + "m=video 4002 RTP/AVP 31\r\n");
  input.caller.trunk = "pstn";
  input.from_display = "Alice";
  input.source = "192.0.2.9:5060";
  input.conversation_id = "their-own-1";
  input.headers = {{"Subject", "help"}};
  CHECK(bench.step(input) ==
        Lines{"report P2 offered sip:alice@tandem.test to sip:support@tandem.test as their-own-1 video"});
  const auto* report = std::get_if<Report>(&bench.last.at(1));
  REQUIRE(report);
  const auto& offered = report->happening.offered();
  CHECK(report->happening.conversation() == made(1));
  CHECK(report->happening.party() == made(2));
  CHECK(offered.from_display() == "Alice");
  CHECK(offered.from_authenticated());
  CHECK(offered.trunk() == "pstn");
  CHECK(offered.call_id() == "abc");
  CHECK(offered.source() == "192.0.2.9:5060");
  REQUIRE(offered.headers_size() == 1);
  CHECK(offered.headers(0).name() == "Subject");
  CHECK(offered.headers(0).value() == "help");
  REQUIRE(bench.logs.size() == 3);
  CHECK(bench.logs[2] ==
        "offered: party 0000008000000002 dn sip:alice@tandem.test conversation their-own-1 call-id abc "
        "(sip:support@tandem.test)");
}

TEST_CASE("MMC-168: a Conversation-ID of our own carries the marker; a caller's is kept if it can be shown") {
  for (const auto& bad : std::vector<std::string>{"", "a b", "a\r\nb", std::string(129, 'x'), "a;b"}) {
    Bench bench;
    auto input = call(in(1));
    input.conversation_id = bad;
    CHECK(bench.step(input).at(0).ends_with(" as 0000008000000001-Genesys"));
  }
}

TEST_CASE("ids rise and are of this Connector alone") {
  FakeDirectory directory;
  FakeMedia media;
  const auto core = make_core({}, directory, media, 7, 0x1234567);
  Actions actions;
  core->handle(LinkOpened{1}, Now{}, actions);
  core->handle(call(in(1)), Now{}, actions);
  for (const auto& action : actions) {
    const auto* report = std::get_if<Report>(&action);
    if (!report) continue;
    CHECK(report->happening.conversation() == ((std::uint64_t{0x234567} << 39) | 1));
    CHECK(report->happening.party() == ((std::uint64_t{0x234567} << 39) | 2));
    CHECK(report->happening.party() >> 63 == 0);
    return;
  }
  FAIL("nothing was reported");
}

TEST_CASE("MMC-297: how a caller waits") {
  SECTION("without early media: 180") {
    CoreSettings settings;
    settings.early_media_waiting = false;
    Bench bench(settings);
    bench.invited(in(1), kCarl.sdp());
    CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) == Lines{"answer in1 180"});
    CHECK(bench.media.opened == 0);
    CHECK(bench.admit(made(1), made(2), link::Admit::WAITING).empty());
    CHECK(bench.admit(made(1), made(2), link::Admit::RINGING).empty());
  }
  SECTION("who offers nothing we speak can't be played a tone: 180") {
    Bench bench;
    bench.invited(in(1), Phone{.formats = "99", .attributes = "a=rtpmap:99 X-CODEC/16000\r\n"}.sdp());
    CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) == Lines{"answer in1 180"});
  }
  SECTION("who offers nothing: 180") {
    Bench bench;
    bench.invited(in(1), {});
    CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) == Lines{"answer in1 180"});
  }
  SECTION("no port left: 180") {
    Bench bench;
    bench.media.full = true;
    bench.invited(in(1), kCarl.sdp());
    CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) == Lines{"answer in1 180"});
  }
  SECTION("only what we speak and telephone-event are answered early; the address is the one it came to") {
    Bench bench;
    auto input = call(in(1), Phone{.ip = "192.0.2.9",
                                   .port = 4000,
                                   .formats = "96 99 9 8 101",
                                   .attributes = "a=rtpmap:96 opus/48000/2\r\na=rtpmap:99 X-CODEC/16000\r\n"
                                                 "a=rtpmap:101 telephone-event/8000\r\n"}
                                 .sdp());
    input.local_ip = "10.0.0.7";
    bench.step(input);
    CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) ==
          Lines{"answer in1 183 m1 [96 opus/48000/2, 9 G722, 8 PCMA, 101 telephone-event] sendrecv v1",
                "connect m1 192.0.2.9:4000 [96 opus/48000/2, 9 G722, 8 PCMA, 101 telephone-event]",
                "scene P1: m1 ringback mute"});
    CHECK(bench.described["in1"].find("c=IN IP4 10.0.0.7\r\n") != std::string::npos);
  }
}

TEST_CASE("a waiting caller is told again each minute that it waits") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  const Lines again{"answer in1 183 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1"};
  CHECK(bench.wait(std::chrono::seconds(59)).empty());
  CHECK(bench.wait(std::chrono::seconds(2)) == again);
  CHECK(bench.wait(std::chrono::seconds(60)) == again);
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  CHECK(bench.wait(std::chrono::seconds(120)).empty());
}

TEST_CASE("RINGING, then ANSWER with nobody else there") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  CHECK(bench.admit(made(1), made(2), link::Admit::RINGING) == Lines{"answer in1 180"});
  CHECK(bench.admit(made(1), made(2), link::Admit::RINGING).empty());
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uas",
              "connect m1 192.0.2.9:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] watch"});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) == Lines{"report P2 command WRONG_STATE /4"});
  CHECK(bench.step(Acked{in(1), {}}).empty());
  CHECK(bench.step(ByeReceived{in(1), "Q.850;cause=16"}) ==
        Lines{"forget in1", "close m1", "report P2 left BYE 'Q.850;cause=16'"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("a waiting caller turns to hear the tone once more if RINGING was told first") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  bench.admit(made(1), made(2), link::Admit::RINGING);
  CHECK(bench.admit(made(1), made(2), link::Admit::WAITING) ==
        Lines{"answer in1 183 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1",
              "connect m1 192.0.2.9:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15]", "scene P1: m1 ringback mute"});
}

TEST_CASE("an INVITE without offer: ours in the 200, the answer in the ACK") {
  Bench bench;
  bench.invited(in(1), {});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1 expires 1800 uas"});
  SECTION("answered") {
    CHECK(bench.step(Acked{in(1), Phone{.ip = "192.0.2.9", .port = 4000, .formats = "8 101"}.sdp()}) ==
          Lines{"connect m1 192.0.2.9:4000 [8 PCMA, 101 telephone-event 0-15] watch"});
    CHECK(bench.step(Acked{in(1), Phone{.ip = "192.0.2.9", .port = 4000, .formats = "0"}.sdp()}).empty());
  }
  SECTION("without an answer") {
    CHECK(bench.step(Acked{in(1), {}}) == Lines{"bye in1 'SIP;cause=488'", "forget in1", "close m1",
                                                "report P2 left MEDIA_REFUSED 'answer without the audio line'"});
  }
  SECTION("with an answer that shares nothing") {
    CHECK(
        bench.step(Acked{in(1), Phone{.formats = "9", .attributes = ""}.sdp()}) ==
        Lines{"bye in1 'SIP;cause=488'", "forget in1", "close m1", "report P2 left MEDIA_REFUSED 'no common format'"});
  }
}

TEST_CASE("an INVITE without offer is offered what the called party took") {
  Bench bench;
  bench.invited(in(1), {});
  CHECK(bench.invite(made(1), given(1), "sip:bob@tandem.test") ==
        Lines{"invite out1 sip:bob@192.0.2.2 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1"});
  bench.step(InviteAccepted{.leg = out(1), .sdp = Phone{.ip = "192.0.2.2", .port = 6000, .formats = "8"}.sdp()});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m2 [8 PCMA, 0 PCMU] sendrecv v1 expires 1800 uas"});
  CHECK(bench.step(Acked{in(1), Phone{.ip = "192.0.2.9", .port = 4000, .formats = "8"}.sdp()}) ==
        Lines{"connect m2 192.0.2.9:4000 [8 PCMA] watch", "scene P1: m2, m1"});
}

TEST_CASE("refused before anything begins") {
  Bench bench;
  CHECK(bench.invited(in(1), "nonsense") == Lines{"answer in1 400", "forget in1"});
  CHECK(bench.invited(in(2), "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n") ==
        Lines{"answer in2 488", "forget in2"});
  auto small = call(in(3));
  small.timer = {.expires_s = 60, .supported = true};
  CHECK(bench.step(small) == Lines{"answer in3 422 min-se 90", "forget in3"});
  CHECK(bench.media.opened == 0);
  CHECK(bench.timers.size() == 0);
  CHECK(bench.logs.back() ==
        "refused with 422: session interval too small caller sip:alice@tandem.test to sip:support@tandem.test call-id "
        "abc");
}

TEST_CASE("limits of parties and conversations") {
  CoreSettings settings;
  settings.conversations_max = 1;
  Bench bench(settings);
  bench.invited(in(1), kCarl.sdp());
  CHECK(bench.invited(in(2), kCarl.sdp()) == Lines{"answer in2 503 Retry-After: 10", "forget in2"});
  CHECK(bench.invite(given(7), given(8), "sip:bob@tandem.test", true) == Lines{"report T8 command NO_RESOURCES /1"});
  settings.conversations_max = 5;
  settings.parties_max = 1;
  bench.step(CoreConfigured{std::make_shared<const CoreSettings>(settings)});
  CHECK(bench.invited(in(3), kCarl.sdp()) == Lines{"answer in3 503 Retry-After: 10", "forget in3"});
  CHECK(bench.invite(made(1), given(1), "sip:bob@tandem.test") == Lines{"report T1 command NO_RESOURCES /2"});
}

TEST_CASE("an INVITE that is told twice is one call") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  CHECK(bench.invited(in(1), kCarl.sdp()).empty());
}

TEST_CASE("nobody decides") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  CHECK(bench.wait(std::chrono::seconds(33)) ==
        Lines{"answer in1 503 Retry-After: 10", "forget in1", "report P2 left REMOVED 'no T-Server decided in time'"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("rejected") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  link::Command order;
  order.set_conversation(made(1));
  order.set_party(made(2));
  order.mutable_reject()->set_status(486);
  SECTION("busy") {
    order.mutable_reject()->set_reason("Busy Here");
    CHECK(bench.command(order) ==
          Lines{"answer in1 486 'Busy Here'", "forget in1", "report P2 left REMOVED 'Busy Here' /1"});
    CHECK(bench.command(order) == Lines{"report P2 command NO_SUCH_CONVERSATION /2"});
  }
  SECTION("after waiting with early media") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    CHECK(bench.command(order) == Lines{"answer in1 486", "forget in1", "close m1", "report P2 left REMOVED /2"});
  }
  SECTION("redirected") {
    order.mutable_reject()->set_status(302);
    order.mutable_reject()->set_contact("sip:bob@elsewhere.test");
    CHECK(bench.command(order) ==
          Lines{"answer in1 302 contact sip:bob@elsewhere.test", "forget in1", "report P2 left REMOVED /1"});
  }
  SECTION("with what is no refusal") {
    order.mutable_reject()->set_status(200);
    CHECK(bench.command(order) == Lines{"report P2 command NOT_SUPPORTED /1"});
    order.mutable_reject()->set_status(302);
    CHECK(bench.command(order) == Lines{"report P2 command BAD_ADDRESS /2"});
    order.mutable_reject()->set_contact("sip:a@b\r\nX: y");
    CHECK(bench.command(order) == Lines{"report P2 command BAD_ADDRESS /3"});
  }
  SECTION("too late") {
    bench.admit(made(1), made(2), link::Admit::ANSWER);
    CHECK(bench.command(order) == Lines{"report P2 command WRONG_STATE /2"});
  }
  CHECK(bench.media.opened <= 1);
}

TEST_CASE("removed before and after the answer") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  SECTION("offered, no status given") {
    CHECK(bench.remove(made(1), made(2)) == Lines{"answer in1 480", "forget in1", "report P2 left REMOVED /1"});
  }
  SECTION("offered, with status") {
    CHECK(bench.remove(made(1), made(2), 603) == Lines{"answer in1 603", "forget in1", "report P2 left REMOVED /1"});
  }
  SECTION("answered") {
    bench.admit(made(1), made(2), link::Admit::ANSWER);
    CHECK(bench.remove(made(1), made(2), 0, "Q.850;cause=16") ==
          Lines{"bye in1 'Q.850;cause=16'", "forget in1", "close m1", "report P2 left REMOVED /2"});
  }
  SECTION("with a reason that is no header") {
    CHECK(bench.remove(made(1), made(2), 0, "x\r\ny") == Lines{"report P2 command BAD_ADDRESS /1"});
  }
}

TEST_CASE("the caller gives up") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  SECTION("before anything") {
    CHECK(bench.step(Cancelled{in(1), "SIP;cause=487"}) ==
          Lines{"forget in1", "report P2 left CANCELLED 'SIP;cause=487'"});
  }
  SECTION("while it waits") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    CHECK(bench.step(Cancelled{in(1), ""}) == Lines{"forget in1", "close m1", "report P2 left CANCELLED"});
  }
  SECTION("and told another Connector: the sip room looks whether it is this INVITE") {
    link::Command order;
    order.set_conversation(made(1));
    order.set_party(made(2));
    order.mutable_stray_cancel()->set_branch("z9hG4bK1");
    order.mutable_stray_cancel()->set_reason("SIP;cause=487");
    CHECK(bench.command(order) == Lines{"take cancel in1 z9hG4bK1 'SIP;cause=487'"});
    CHECK(bench.step(Cancelled{in(1), ""}) == Lines{"forget in1", "report P2 left CANCELLED"});
  }
  SECTION("its BYE ends the early dialog") {
    CHECK(bench.step(ByeReceived{in(1), ""}) == Lines{"answer in1 487", "forget in1", "report P2 left CANCELLED"});
  }
  SECTION("its transport is gone") {
    CHECK(bench.step(LegLost{in(1), "connection closed"}) ==
          Lines{"forget in1", "report P2 left TRANSPORT_FAILED 'connection closed'"});
  }
  CHECK(bench.timers.size() == 0);
  CHECK(bench.step(Cancelled{in(1), ""}).empty());
}

TEST_CASE("a CANCEL of nobody's INVITE is told to the T-Servers") {
  Bench bench;
  CHECK(bench.step(CancelStrayed{"call-1", "z9hG4bK1", "SIP;cause=487"}) ==
        Lines{"report stray CANCEL call-1 z9hG4bK1 'SIP;cause=487'"});
  bench.invited(in(1), kCarl.sdp());
  bench.step(LinkClosed{1});
  SECTION("or to the next one") {
    CHECK(bench.step(CancelStrayed{"call-2", "z9hG4bK2", ""}).empty());
    CHECK(bench.step(CancelStrayed{"call-3", "z9hG4bK3", ""}).empty());
    bench.step(LinkOpened{2, false});
    const auto told = bench.step(LinkRole{2, true});
    REQUIRE(told.size() >= 3);
    CHECK(Lines(told.end() - 2, told.end()) ==
          Lines{"report stray CANCEL call-2 z9hG4bK2", "report stray CANCEL call-3 z9hG4bK3"});
    CHECK(bench.step(LinkRole{2, true}) == Lines(told.begin(), told.end() - 2));
  }
  SECTION("so is that of one who waits here while none is there: another Connector may have his call, too") {
    bench.step(Cancelled{in(1), "", "z9hG4bK4"});
    CHECK(bench.step(LinkOpened{2}) == Lines{"snapshot 2", "report stray CANCEL call-1 z9hG4bK4"});
  }
}

TEST_CASE("the ACK never comes") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  CHECK(bench.step(AckMissing{in(1)}).empty());  // there was no 2xx
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  CHECK(bench.step(AckMissing{in(1)}) ==
        Lines{"bye in1 'SIP;cause=408;text=\"no ACK\"'", "forget in1", "close m1", "report P2 left NO_ACK 'no ACK'"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("no port left at the answer") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  bench.media.full = true;
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) == Lines{"report P2 command NO_RESOURCES /1",
                                                                    "answer in1 503 Retry-After: 10", "forget in1",
                                                                    "report P2 left REMOVED 'no RTP port left'"});
}

TEST_CASE("a second audio or a video line is declined in its place") {
  Bench bench;
  bench.invited(
      in(1),
      "v=0\r\nc=IN IP4 192.0.2.9\r\nm=video 4002 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4004 RTP/AVP 8\r\n");
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 video-declined m1 [0 PCMU] sendrecv audio-declined v1 expires 1800 uas",
              "connect m1 192.0.2.9:4000 [0 PCMU] watch"});
}

TEST_CASE("RTCP on the RTP port, if offered and allowed") {
  CoreSettings settings;
  const auto offer = Phone{.formats = "0", .attributes = "a=rtcp-mux\r\n"}.sdp();
  SECTION("allowed") {
    Bench bench(settings);
    bench.invited(in(1), offer);
    CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
          Lines{"answer in1 200 m1 [0 PCMU] sendrecv mux v1 expires 1800 uas",
                "connect m1 192.0.2.1:4000 [0 PCMU] mux watch"});
  }
  SECTION("not allowed") {
    settings.rtcp_mux = false;
    Bench bench(settings);
    bench.invited(in(1), offer);
    CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
          Lines{"answer in1 200 m1 [0 PCMU] sendrecv v1 expires 1800 uas", "connect m1 192.0.2.1:4000 [0 PCMU] watch"});
  }
}

TEST_CASE("who calls on hold is reported held once it is answered") {
  Bench bench;
  bench.invited(in(1), Phone{.formats = "0", .attributes = "", .direction = "sendonly"}.sdp());
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m1 [0 PCMU] recvonly v1 expires 1800 uas", "connect m1 192.0.2.1:4000 [0 PCMU] recvonly",
              "report P2 held"});
}

TEST_CASE("the answer carries the session timer that was asked for") {
  Bench bench;
  auto input = call(in(1), Phone{.formats = "0", .attributes = ""}.sdp());
  input.timer = {.expires_s = 600, .min_se_s = 90, .refresher = SessionTimer::Refresher::Uas, .supported = true};
  bench.step(input);
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER).at(0) ==
        "answer in1 200 m1 [0 PCMU] sendrecv v1 expires 600 uas");
}
