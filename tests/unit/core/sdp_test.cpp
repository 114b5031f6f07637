// The parser on what real phones send and on nonsense; the writer to the byte.
#include <algorithm>
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const std::string kLinphone =
    "v=0\r\no=alice 2210 3415 IN IP4 192.0.2.7\r\ns=Talk\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
    "a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\na=record:off\r\n"
    "m=audio 7078 RTP/AVP 96 97 98 0 8 18 101 99 100\r\n"
    "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\n"
    "a=rtpmap:98 speex/8000\r\na=fmtp:98 vbr=on\r\na=fmtp:18 annexb=yes\r\na=rtpmap:101 telephone-event/48000\r\n"
    "a=rtpmap:99 telephone-event/16000\r\na=rtpmap:100 telephone-event/8000\r\na=rtcp:7079\r\n"
    "a=rtcp-fb:* trr-int 1000\r\na=rtcp-fb:* ccm tmmbr\r\n"
    "m=video 9078 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";

sdp::Description parsed(const std::string& text) {
  const auto result = sdp::parse(text);
  REQUIRE(result.has_value());
  return *result;
}

std::string failure(const std::string& text) {
  const auto result = sdp::parse(text);
  REQUIRE_FALSE(result.has_value());
  return result.error().text;
}

}  // namespace

TEST_CASE("a softphone's offer with audio and video") {
  const auto description = parsed(kLinphone);
  REQUIRE(description.media.size() == 2);
  const auto& audio = description.media[0];
  CHECK(audio.type == "audio");
  CHECK(audio.transport == "RTP/AVP");
  CHECK(audio.port == 7078);
  CHECK(audio.rtcp_port == 7079);
  CHECK(audio.ip == "192.0.2.7");
  CHECK_FALSE(audio.ip_is_zero);
  CHECK_FALSE(audio.rtcp_mux);
  CHECK(audio.direction == Direction::SendRecv);
  CHECK(formats(audio.payloads) ==
        "96 opus/48000/2 useinbandfec=1, 97 speex/16000 vbr=on, 98 speex vbr=on, 0 PCMU, 8 PCMA, 18 G729 annexb=yes, "
        "101 telephone-event/48000, 99 telephone-event/16000, 100 telephone-event");
  const auto& video = description.media[1];
  CHECK(video.type == "video");
  CHECK(video.format == "96");
  CHECK(video.payloads.empty());
}

TEST_CASE("line ends: CRLF, LF, CR, none at the end, empty lines") {
  for (const std::string end : {"\r\n", "\n", "\r", "\r\n\r\n", "\n \n"}) {
    const auto description =
        parsed("v=0" + end + "c=IN IP4 192.0.2.1" + end + "m=audio 4000 RTP/AVP 0" + end + "a=sendonly");
    REQUIRE(description.media.size() == 1);
    CHECK(description.media[0].direction == Direction::SendOnly);
    CHECK(description.media[0].ip == "192.0.2.1");
  }
}

TEST_CASE("lines that are missing are not missed") {
  const auto description = parsed("m=audio 4000 RTP/AVP 9 13\nc=IN IP6 2001:db8::1\n");
  CHECK(description.media[0].ip == "2001:db8::1");
  CHECK(formats(description.media[0].payloads) == "9 G722, 13 CN");
  CHECK(parsed("").media.empty());
  CHECK(parsed("v=0\r\ns=-\r\n").media.empty());
}

TEST_CASE("session values hold for every line that has none of its own") {
  const auto description = parsed(
      "c=IN IP4 192.0.2.1\na=inactive\na=ptime:30\na=rtcp-mux\nm=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 8\nc=IN "
      "IP4 0.0.0.0\n"
      "a=recvonly\na=ptime:60\na=maxptime:120\n");
  REQUIRE(description.media.size() == 2);
  const auto& first = description.media[0];
  const auto& second = description.media[1];
  CHECK(first.ip == "192.0.2.1");
  CHECK(first.direction == Direction::Inactive);
  CHECK(first.ptime_ms == 30);
  CHECK(first.rtcp_mux);
  CHECK(second.ip == "0.0.0.0");
  CHECK(second.ip_is_zero);
  CHECK(second.direction == Direction::RecvOnly);
  CHECK(second.ptime_ms == 60);
  CHECK(second.maxptime_ms == 120);
}

TEST_CASE("formats nobody names, or named twice, or out of range, are dropped") {
  const auto description = parsed(
      "c=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0 0 77 128 999 x 96 97\na=rtpmap:96 AMR\na=rtpmap:97 iLBC/8000\n"
      "a=rtpmap:5 other/8000\na=rtpmap:97 iLBC/0\na=fmtp:97 mode=20\n");
  CHECK(formats(description.media[0].payloads) == "0 PCMU, 97 iLBC mode=20");
}

TEST_CASE("an address that is none, a name or a group leaves the line without one") {
  for (const std::string address : {"IN IP4 phone.example.net", "IN IP4 999.1.1.1", "IN IP4 224.1.2.3/127",
                                    "IN IP6 ff02::1", "IN IP6 192.0.2.1", "ATM NSAP 1", "", "IN IP4"}) {
    const auto description = parsed("c=" + address + "\nm=audio 4000 RTP/AVP 0\n");
    CHECK(description.media[0].ip.empty());
  }
  CHECK(parsed("c=IN IP4 192.0.2.1/127\nm=audio 1 RTP/AVP 0\n").media[0].ip == "192.0.2.1");
  CHECK(parsed("c=in ip4 192.0.2.1\nm=audio 1 RTP/AVP 0\n").media[0].ip == "192.0.2.1");
}

TEST_CASE("what is no description is refused with words") {
  CHECK(failure("hello") == "not a line of SDP");
  CHECK(failure("v=0\r\nGET / HTTP/1.1") == "not a line of SDP");
  CHECK(failure("m=audio") == "bad media line");
  CHECK(failure("m=audio 70000 RTP/AVP 0") == "bad media line");
  CHECK(failure("m=audio -1 RTP/AVP 0") == "bad media line");
  CHECK(failure("m=audio x RTP/AVP 0") == "bad media line");
  CHECK(failure("m=audio 4000 RTP/AVP") == "media line without formats");
  CHECK(failure(std::string(sdp::kSizeMax + 1, 'a')) == "session description too large");
  std::string many;
  for (std::size_t i = 0; i <= sdp::kMediaMax; ++i) many += "m=audio 4000 RTP/AVP 0\n";
  CHECK(failure(many) == "too many media lines");
}

TEST_CASE("formats and parameters are bounded") {
  std::string many = "c=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP";
  for (int i = 0; i < 128; ++i) many += " " + std::to_string(i);
  many += "\n";
  for (int i = 0; i < 128; ++i) many += "a=rtpmap:" + std::to_string(i) + " X" + std::to_string(i) + "/8000\n";
  CHECK(parsed(many).media[0].payloads.size() == sdp::kPayloadsMax);
  const auto description =
      parsed("m=audio 1 RTP/AVP 96\na=rtpmap:96 X/8000\na=fmtp:96 " + std::string(sdp::kParametersMax + 1, 'y'));
  CHECK(description.media[0].payloads[0].parameters.empty());
}

TEST_CASE("control characters go no further") {
  std::string text = "m=audio 1 RTP/AVP 96 97\na=rtpmap:96 X/8000\na=fmtp:96 a?b\na=rtpmap:97 Y?/8000\n";
  for (const char control : {'\0', '\x01', '\x7f'}) {
    auto bad = text;
    std::replace(bad.begin(), bad.end(), '?', control);
    CHECK(formats(parsed(bad).media[0].payloads) == "96 X");
  }
}

TEST_CASE("our description, to the byte") {
  sdp::Local local;
  local.session = 7;
  local.version = 3;
  local.ip = "10.0.0.1";
  local.port = 20000;
  local.payloads = {
      Payload{.number = 96, .encoding = "opus", .clock_rate = 48000, .channels = 2, .parameters = "useinbandfec=1"},
      Payload{.number = 0, .encoding = "PCMU"}};
  local.ptime_ms = 20;
  CHECK(sdp::write(local) ==
        "v=0\r\no=- 7 3 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 96 0\r\n"
        "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n");
  local.ip = "2001:db8::9";
  local.direction = Direction::RecvOnly;
  local.rtcp_mux = true;
  local.maxptime_ms = 60;
  local.ptime_ms = 0;
  local.payloads.erase(local.payloads.begin());
  local.others = {sdp::Declined{"video", "RTP/AVP", "31"}, sdp::Declined{"application", "TCP/BFCP", "*"}};
  local.line = 1;
  CHECK(sdp::write(local) ==
        "v=0\r\no=- 7 3 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\nm=video 0 RTP/AVP 31\r\n"
        "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=maxptime:60\r\na=rtcp-mux\r\na=recvonly\r\n"
        "m=application 0 TCP/BFCP *\r\n");
  local.port = 0;
  local.others.clear();
  local.line = 0;
  CHECK(sdp::write(local) ==
        "v=0\r\no=- 7 3 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n");
}

TEST_CASE("what is written is read back") {
  sdp::Local local;
  local.ip = "10.0.0.1";
  local.port = 20000;
  local.payloads = own_payloads({});
  local.direction = Direction::Inactive;
  local.rtcp_mux = true;
  local.ptime_ms = 30;
  const auto description = parsed(sdp::write(local));
  const auto& audio = description.media.at(0);
  CHECK(formats(audio.payloads) == "0 PCMU, 8 PCMA, 101 telephone-event 0-16");
  CHECK(audio.direction == Direction::Inactive);
  CHECK(audio.rtcp_mux);
  CHECK(audio.ptime_ms == 30);
  CHECK(audio.ip == "10.0.0.1");
}
