// RTP and RTCP as octets (RFC 3550, RFC 4733).
#include <catch2/catch.hpp>

#include "connector/media/rtp.h"

#include <array>
#include <string>
#include <vector>

using namespace tandem::connector::media;
using Octets = std::vector<std::uint8_t>;

TEST_CASE("a plain RTP header is read") {
  const Octets packet{0x80, 0x88, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02, 0x03, 0x04, 0xaa, 0xbb};
  const auto header = parse_rtp(packet);
  REQUIRE(header);
  CHECK(header->payload_type == 8);
  CHECK(header->marker);
  CHECK(header->sequence == 0x1234);
  CHECK(header->timestamp == 0xdeadbeef);
  CHECK(header->ssrc == 0x01020304);
  CHECK(header->payload_offset == 12);
  CHECK(header->payload_size == 2);
}

TEST_CASE("CSRCs, extension and padding are stepped over") {
  Octets packet{0xb2, 0x00, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
  packet.insert(packet.end(), 8, 0x11);                               // two CSRCs
  packet.insert(packet.end(), {0xbe, 0xde, 0x00, 0x01, 1, 2, 3, 4});  // extension of one word
  packet.insert(packet.end(), {0x55, 0x66, 0x77, 0x00, 0x02});        // three octets, two of padding
  const auto header = parse_rtp(packet);
  REQUIRE(header);
  CHECK(header->payload_offset == 28);
  CHECK(header->payload_size == 3);
}

TEST_CASE("what is cut short or not version 2 is not RTP") {
  const Octets good{0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
  CHECK(parse_rtp(good));
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(parse_rtp({good.data(), size}));
  const auto refused = [&](std::size_t at, std::uint8_t value, const Octets& more = {}) {
    auto packet = good;
    packet[at] = value;
    packet.insert(packet.end(), more.begin(), more.end());
    return !parse_rtp(packet);
  };
  CHECK(refused(0, 0x00));                      // version 0: STUN and the like
  CHECK(refused(0, 0x40));                      // version 1
  CHECK(refused(0, 0x81));                      // one CSRC that isn't there
  CHECK(refused(0, 0x90));                      // an extension that isn't there
  CHECK(refused(0, 0x90, {0, 0, 0xff, 0xff}));  // an extension longer than the packet
  CHECK(refused(0, 0xa0));                      // padding, and no octet to count it
  CHECK(refused(0, 0xa0, {0}));                 // padding of nothing
  CHECK(refused(0, 0xa0, {0, 3}));              // more padding than payload
  CHECK_FALSE(parse_rtp(Octets(max_packet + 1, 0x80)));
}

TEST_CASE("a stamp replaces what a relay changes and nothing else") {
  Octets packet{0x91, 0x60, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 9, 9, 9, 9, 0, 0, 0, 0, 0x42};
  const auto rest = Octets(packet.begin() + 12, packet.end());
  stamp_rtp(packet, {101, true, 0xfffe, 0x80000001, 0xcafebabe});
  CHECK(packet[0] == 0x91);
  CHECK(Octets(packet.begin() + 1, packet.begin() + 12) ==
        Octets{0xe5, 0xff, 0xfe, 0x80, 0, 0, 1, 0xca, 0xfe, 0xba, 0xbe});
  CHECK(Octets(packet.begin() + 12, packet.end()) == rest);
}

TEST_CASE("telephone events are read (RFC 4733)") {
  const Octets payload{11, 0x8a, 0x03, 0x20};
  const auto event = parse_telephone_event(payload);
  REQUIRE(event);
  CHECK(digit_of(event->event) == '#');
  CHECK(event->end);
  CHECK(event->volume == 10);
  CHECK(event->duration == 800);
  CHECK_FALSE(parse_telephone_event(Octets{1, 2, 3}));
  std::string all;
  for (std::uint8_t i = 0; i < 20; ++i) all += digit_of(i) != 0 ? digit_of(i) : '.';
  CHECK(all == "0123456789*#ABCD....");
}

TEST_CASE("a sender report says what was put in, with CNAME and BYE") {
  std::array<std::uint8_t, 160> out{};
  const SenderInfo sender{0x0102030405060708, 160000, 1000, 160000};
  ReportBlock block;
  block.ssrc = 0x0a0b0c0d;
  block.fraction_lost = 64;
  block.lost = -5;
  block.highest_sequence = 0x00020003;
  block.jitter = 17;
  block.last_sr = 0x03040506;
  block.delay_since_last_sr = 65536;
  const auto size = write_rtcp(out, 0xfeedf00d, sender, block, "media@tandem", true);
  // SR 28 + block 24, SDES 4 + 4 + 2 + 12 + end, BYE 8
  REQUIRE(size == 52 + 24 + 8);
  CHECK(is_rtcp(out));
  const auto read = parse_rtcp({out.data(), size});
  REQUIRE(read);
  CHECK(read->ssrc == 0xfeedf00d);
  REQUIRE(read->sender);
  CHECK(read->sender->ntp == sender.ntp);
  CHECK(read->sender->rtp_timestamp == 160000);
  CHECK(read->sender->packets == 1000);
  CHECK(read->sender->octets == 160000);
  REQUIRE(read->report);
  CHECK(read->report->ssrc == block.ssrc);
  CHECK(read->report->fraction_lost == 64);
  CHECK(read->report->lost == -5);
  CHECK(read->report->highest_sequence == block.highest_sequence);
  CHECK(read->report->jitter == 17);
  CHECK(read->report->last_sr == block.last_sr);
  CHECK(read->report->delay_since_last_sr == 65536);
  CHECK(read->bye);
  CHECK(std::string(out.begin() + 62, out.begin() + 74) == "media@tandem");
}

TEST_CASE("a receiver report without a block is the shortest compound") {
  std::array<std::uint8_t, 160> out{};
  const auto size = write_rtcp(out, 7, std::nullopt, std::nullopt, "x", false);
  CHECK(size == 8 + 12);
  const auto read = parse_rtcp({out.data(), size});
  REQUIRE(read);
  CHECK(read->ssrc == 7);
  CHECK_FALSE(read->sender);
  CHECK_FALSE(read->report);
  CHECK_FALSE(read->bye);
  CHECK(write_rtcp(std::span(out).first(19), 7, std::nullopt, std::nullopt, "x", false) == 0);
}

TEST_CASE("broken RTCP is refused") {
  const Octets rr{0x80, 201, 0, 1, 0, 0, 0, 1};
  CHECK(parse_rtcp(rr));
  for (std::size_t size = 0; size < rr.size(); ++size) CHECK_FALSE(parse_rtcp({rr.data(), size}));
  CHECK_FALSE(parse_rtcp(Octets{0x80, 202, 0, 1, 0, 0, 0, 1}));                   // doesn't begin with a report
  CHECK_FALSE(parse_rtcp(Octets{0x81, 201, 0, 1, 0, 0, 0, 1}));                   // a block that isn't there
  CHECK_FALSE(parse_rtcp(Octets{0x80, 200, 0, 1, 0, 0, 0, 1}));                   // a sender report cut short
  CHECK_FALSE(parse_rtcp(Octets{0x80, 201, 0, 9, 0, 0, 0, 1}));                   // longer than the datagram
  CHECK_FALSE(parse_rtcp(Octets{0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 202, 0, 1}));  // the second one is cut
  CHECK_FALSE(parse_rtcp(Octets{0x80, 201, 0, 1, 0, 0, 0, 1, 0x40, 202, 0, 0}));  // the second one of another version
}

TEST_CASE("RTP and RTCP on one port are told apart (RFC 5761)") {
  CHECK(is_rtcp(Octets{0x80, 200}));
  CHECK(is_rtcp(Octets{0x80, 203}));
  CHECK_FALSE(is_rtcp(Octets{0x80, 0x80 | 8}));
  CHECK_FALSE(is_rtcp(Octets{0x80, 0x80 | 101}));
  CHECK_FALSE(is_rtcp(Octets{0x80}));
}
