// What is agreed on with whom (RFC 3264), on lists of formats alone.
#include <catch2/catch.hpp>

#include "bench.h"
#include "connector/core/session_timer.h"

using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

Payload pcmu(std::uint8_t number = 0) {
  return Payload{.number = number, .encoding = "PCMU"};
}
Payload pcma(std::uint8_t number = 8) {
  return Payload{.number = number, .encoding = "PCMA"};
}
Payload g722(std::uint8_t number = 9) {
  return Payload{.number = number, .encoding = "G722"};
}
Payload opus(std::uint8_t number, std::string parameters = "useinbandfec=1") {
  return Payload{
      .number = number, .encoding = "opus", .clock_rate = 48000, .channels = 2, .parameters = std::move(parameters)};
}
Payload event(std::uint8_t number, std::string parameters = "0-16") {
  return Payload{.number = number, .encoding = "telephone-event", .parameters = std::move(parameters)};
}
Payload noise() {
  return Payload{.number = 13, .encoding = "CN"};
}

std::string offer(const std::string& media) {
  const auto read = read_offer("v=0\r\nc=IN IP4 192.0.2.1\r\n" + media);
  if (!read) return std::to_string(read.error().status) + " " + read.error().text;
  return "line " + std::to_string(read->line) + " [" + formats(read->payloads) + "] others " +
         std::to_string(read->others.size());
}

}  // namespace

TEST_CASE("which line of an offer is served") {
  CHECK(offer("m=audio 4000 RTP/AVP 0\n") == "line 0 [0 PCMU] others 0");
  CHECK(offer("m=audio 4000 RTP/AVPF 0\n") == "line 0 [0 PCMU] others 0");
  CHECK(offer("m=video 4002 RTP/AVP 31\nm=audio 4000 RTP/AVP 8\n") == "line 1 [8 PCMA] others 1");
  CHECK(offer("m=audio 4000 RTP/SAVP 0\nm=audio 4002 RTP/AVP 8\n") == "line 1 [8 PCMA] others 1");
  CHECK(offer("m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\n") ==
        "488 only RTP/AVP is served");
  CHECK(offer("m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2\na=fingerprint:sha-256 00\n") ==
        "488 only RTP/AVP is served");
  CHECK(offer("m=audio 0 RTP/AVP 0\n") == "488 no audio offered");
  CHECK(offer("m=video 4000 RTP/AVP 31\n") == "488 no audio offered");
  CHECK(offer("") == "488 no audio offered");
  CHECK(offer("m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n") ==
        "488 no usable audio format or address");
  CHECK(offer("m=audio 4000 RTP/AVP 0\nc=IN IP4 host.example\n") == "488 no usable audio format or address");
  CHECK(offer("m=audio 4000 RTP/AVP\n") == "400 media line without formats");
}

TEST_CASE("direction and hold, as seen from our side") {
  struct Row {
    std::string media;
    Direction ours;
    bool held;
  };
  const Row rows[] = {
      {"m=audio 4000 RTP/AVP 0\n", Direction::SendRecv, false},
      {"m=audio 4000 RTP/AVP 0\na=sendonly\n", Direction::RecvOnly, true},
      {"m=audio 4000 RTP/AVP 0\na=recvonly\n", Direction::SendOnly, false},
      {"m=audio 4000 RTP/AVP 0\na=inactive\n", Direction::Inactive, true},
      {"m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", Direction::RecvOnly, true},
      {"m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=recvonly\n", Direction::Inactive, true},
      {"m=audio 0 RTP/AVP 0\n", Direction::Inactive, true},
  };
  for (const auto& row : rows) {
    INFO(row.media);
    const auto read = read_new_offer("c=IN IP4 192.0.2.1\n" + row.media, 0);
    REQUIRE(read.has_value());
    CHECK(read->direction == row.ours);
    CHECK(read->held == row.held);
  }
}

TEST_CASE("ports of RTCP") {
  const auto port = [](const std::string& more, bool mux) {
    const auto read = read_offer("c=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n" + more);
    REQUIRE(read.has_value());
    return agreement(*read, read->payloads, mux).remote_rtcp_port;
  };
  CHECK(port("", false) == 4001);
  CHECK(port("a=rtcp:5005 IN IP4 192.0.2.1\n", false) == 5005);
  CHECK(port("a=rtcp-mux\n", true) == 4000);
  CHECK(port("a=rtcp-mux\n", false) == 4001);
  CHECK(port("", true) == 4001);
}

TEST_CASE("an answer that can't be used") {
  const auto answer = [](const std::string& text) {
    const auto read = read_answer(text, 0);
    return read ? std::string("ok") : read.error().text;
  };
  CHECK(answer("c=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n") == "ok");
  CHECK(answer("") == "answer without the audio line");
  CHECK(answer("c=IN IP4 192.0.2.1\nm=audio 0 RTP/AVP 0\n") == "audio was declined");
  CHECK(answer("c=IN IP4 192.0.2.1\nm=video 4000 RTP/AVP 31\n") == "answer with another medium");
  CHECK(answer("c=IN IP4 192.0.2.1\nm=audio 4000 RTP/SAVP 0\n") == "answer with another medium");
  CHECK(answer("m=audio 4000 RTP/AVP 0\n") == "no usable audio format or address");
  CHECK(answer("nonsense") == "not a line of SDP");
}

TEST_CASE("what a called party is offered") {
  // A caller nothing was agreed on with: all it can do, in its order, and the other G.711.
  CHECK(formats(offer_for({}, {opus(96), g722(), pcmu(), event(101)}, own_payloads({}))) ==
        "96 opus/48000/2 useinbandfec=1, 9 G722, 0 PCMU, 8 PCMA, 101 telephone-event 0-16");
  // Nothing we speak: none is added, we couldn't convert.
  CHECK(formats(offer_for({}, {Payload{.number = 99, .encoding = "X"}, event(101)}, own_payloads({}))) ==
        "99 X, 101 telephone-event 0-16");
  CHECK(formats(offer_for({}, {opus(96), event(101)}, own_payloads({}))) ==
        "96 opus/48000/2 useinbandfec=1, 0 PCMU, 8 PCMA, 101 telephone-event 0-16");
  // What an early answer fixed comes first.
  CHECK(formats(offer_for({pcmu(), event(101)}, {opus(96), pcmu(), event(101)}, own_payloads({}))) ==
        "0 PCMU, 96 opus/48000/2 useinbandfec=1, 8 PCMA, 101 telephone-event 0-16");
  // A number is given once.
  CHECK(formats(offer_for({pcmu()}, {opus(0), pcmu(97)}, own_payloads({}))) == "0 PCMU, 8 PCMA");
}

TEST_CASE("what an answer made of our offer") {
  const Payloads offered{opus(96), pcmu(), pcma(), event(101)};
  CHECK(formats(settle(offered, {pcmu(), event(101, "0-15")})) == "0 PCMU, 101 telephone-event 0-15");
  CHECK(formats(settle(offered, {pcma()})) == "8 PCMA");
  CHECK(formats(settle(offered, {opus(111, "stereo=0"), event(101)})) ==
        "111 opus/48000/2 from 96 stereo=0, 101 telephone-event 0-16");
  CHECK(formats(settle(offered, {g722()})).empty());
  CHECK(formats(settle(offered, {event(101)})).empty());
  CHECK(formats(settle(offered, {})).empty());
}

TEST_CASE("what a caller is answered, given what the called party took") {
  CHECK(formats(share({opus(96), pcmu(), event(101)}, {opus(96, "stereo=1"), event(101)})) ==
        "96 opus/48000/2 stereo=1, 101 telephone-event 0-16");
  // Numbers are the caller's own.
  CHECK(formats(share({opus(107), event(110)}, {opus(96), event(101)})) ==
        "107 opus/48000/2 useinbandfec=1, 110 telephone-event 0-16");
  // Order is the called party's.
  CHECK(formats(share({pcmu(), g722()}, {g722(), pcmu()})) == "9 G722, 0 PCMU");
  // Nothing in common, but formats of ours on both sides: converted.
  CHECK(formats(share({pcmu(), event(101)}, {pcma(), event(101)})) == "0 PCMU, 101 telephone-event 0-16");
  CHECK(formats(share({pcmu(), noise()}, {pcma(), noise()})) == "0 PCMU, 13 CN");
  CHECK(formats(share({g722(), event(101)}, {pcma(), event(101)})) == "9 G722, 101 telephone-event 0-16");
  CHECK(share({g722(), event(101)}, {Payload{.number = 99, .encoding = "X"}, event(101)}).empty());
}

TEST_CASE("what we serve alone") {
  CHECK(formats(own_share({opus(96), g722(), pcma(), pcmu(), event(100), event(101)})) ==
        "96 opus/48000/2 useinbandfec=1, 9 G722, 8 PCMA, 0 PCMU, 100 telephone-event 0-16");
  CHECK(own_share({Payload{.number = 99, .encoding = "X"}, event(101)}).empty());
  CHECK(formats(own_payloads({"opus", "G722"})) == "96 opus/48000/2, 9 G722, 101 telephone-event 0-16");
  CHECK(formats(own_payloads({"PCMU", "pcma"})) == "0 PCMU, 8 PCMA, 101 telephone-event 0-16");
}

TEST_CASE("does sound flow") {
  CHECK(flows({pcmu()}, {pcmu()}));
  CHECK(flows({pcmu()}, {pcma()}));
  CHECK(flows({opus(96)}, {opus(107), pcmu()}));
  CHECK(flows({opus(96)}, {pcmu()}));
  CHECK_FALSE(flows({Payload{.number = 99, .encoding = "X"}}, {pcmu()}));
  CHECK(flows({pcmu(), opus(96)}, {opus(96)}));
  CHECK_FALSE(flows({event(101)}, {pcmu()}));
  CHECK_FALSE(flows({}, {}));
}

TEST_CASE("session timers: answered by us") {
  const CoreSettings settings;
  using Refresher = SessionTimer::Refresher;
  struct Row {
    SessionTimer request;
    std::uint32_t expires;
    Refresher refresher;
    bool we;
  };
  const Row rows[] = {
      // nothing asked, nothing known: we refresh alone
      {{}, 1800, Refresher::Uas, true},
      // it knows timers but asks for none: it shall refresh
      {{.supported = true}, 1800, Refresher::Uac, false},
      {{.expires_s = 600, .supported = true}, 600, Refresher::Uac, false},
      {{.expires_s = 600, .refresher = Refresher::Uas, .supported = true}, 600, Refresher::Uas, true},
      {{.expires_s = 600, .refresher = Refresher::Uac, .supported = true}, 600, Refresher::Uac, false},
      // longer than ours: shortened, but not below what it bears
      {{.expires_s = 7200, .supported = true}, 1800, Refresher::Uac, false},
      {{.expires_s = 7200, .min_se_s = 3600, .supported = true}, 3600, Refresher::Uac, false},
      // a proxy asked for a phone that knows no timers
      {{.expires_s = 600}, 600, Refresher::Uas, true},
      {{.expires_s = 30}, 90, Refresher::Uas, true},
  };
  for (const auto& row : rows) {
    const auto answer = answer_timer(row.request, settings);
    CHECK(answer.response.expires_s == row.expires);
    CHECK(answer.response.refresher == row.refresher);
    CHECK(answer.expiry.expires_s == row.expires);
    CHECK(answer.expiry.we_refresh == row.we);
  }
  CHECK(too_small({.expires_s = 89, .supported = true}, settings));
  CHECK_FALSE(too_small({.expires_s = 90, .supported = true}, settings));
  CHECK_FALSE(too_small({.expires_s = 30}, settings));
  CHECK_FALSE(too_small({}, settings));

  CoreSettings off;
  off.session_expires_s = 0;
  CHECK(answer_timer({.supported = true}, off).expiry.expires_s == 0);
  CHECK(answer_timer({.expires_s = 600, .supported = true}, off).expiry.expires_s == 600);
}

TEST_CASE("session timers: answered to us") {
  using Refresher = SessionTimer::Refresher;
  const auto theirs = timer_answered({.expires_s = 900, .refresher = Refresher::Uas}, 1800);
  CHECK(theirs.expires_s == 900);
  CHECK_FALSE(theirs.we_refresh);
  CHECK(theirs.ends_after() == std::chrono::seconds(868));
  const auto ours = timer_answered({.expires_s = 900, .refresher = Refresher::Uac}, 1800);
  CHECK(ours.we_refresh);
  CHECK(ours.refresh_after() == std::chrono::seconds(450));
  CHECK(ours.ends_after() == std::chrono::seconds(900));
  const auto alone = timer_answered({}, 1800);
  CHECK(alone.expires_s == 1800);
  CHECK(alone.we_refresh);
  CHECK(timer_answered({}, 0).expires_s == 0);
  CHECK(timer_answered({.expires_s = 5, .refresher = Refresher::Uac}, 1800).expires_s == 90);
  CHECK(SessionExpiry{90, false}.ends_after() == std::chrono::seconds(60));
}
