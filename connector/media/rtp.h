// RTP and RTCP packets as bytes (RFC 3550): bounded reading, rewriting in place, and the few reports we send. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tandem::connector::media {

constexpr std::size_t rtp_header_size = 12;
constexpr std::size_t max_packet = 2048;  // larger datagrams are cut and dropped

struct RtpHeader {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint16_t payload_offset = rtp_header_size;  // after CSRCs and header extension
  std::uint16_t payload_size = 0;                  // without padding
};

// None: not RTP version 2, or cut short.
std::optional<RtpHeader> parse_rtp(std::span<const std::uint8_t> packet);

// RTP and RTCP on one port are told apart by the second octet (RFC 5761 section 4).
bool is_rtcp(std::span<const std::uint8_t> packet);

// The fields a relay changes; `packet` holds at least a fixed header. CSRCs, extension and padding stay as they are.
struct RtpStamp {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
};
void stamp_rtp(std::span<std::uint8_t> packet, const RtpStamp& stamp);
// Writes a whole fixed header.
void write_rtp(std::span<std::uint8_t, rtp_header_size> packet, const RtpStamp& stamp);

// One telephone event (RFC 4733 section 2.3).
struct TelephoneEvent {
  std::uint8_t event = 0;
  bool end = false;
  std::uint8_t volume = 0;
  std::uint16_t duration = 0;  // in timestamp units
};
std::optional<TelephoneEvent> parse_telephone_event(std::span<const std::uint8_t> payload);
// '0'-'9', '*', '#', 'A'-'D'; 0: not a digit.
char digit_of(std::uint8_t event);

// Sender's view of one stream (RFC 3550 section 6.4.1).
struct SenderInfo {
  std::uint64_t ntp = 0;  // 32.32 seconds since 1900
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
};

struct ReportBlock {
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;
  std::int32_t lost = 0;  // signed 24 bits
  std::uint32_t highest_sequence = 0;
  std::uint32_t jitter = 0;  // timestamp units
  std::uint32_t last_sr = 0;
  std::uint32_t delay_since_last_sr = 0;  // 1/65536 s
};

// What we want to know of a compound packet: the first sender's information, the first report block and whether
// somebody left.
struct RtcpSummary {
  std::uint32_t ssrc = 0;  // of the first packet's sender
  std::optional<SenderInfo> sender;
  std::optional<ReportBlock> report;
  bool bye = false;
};
// None: not a valid compound packet (RFC 3550 appendix A.2).
std::optional<RtcpSummary> parse_rtcp(std::span<const std::uint8_t> packet);

// SR if `sender`, RR otherwise, with SDES CNAME, and a BYE if asked. Returns the bytes used; 0: `out` is too small (128
// will do).
std::size_t write_rtcp(std::span<std::uint8_t> out, std::uint32_t ssrc, const std::optional<SenderInfo>& sender,
                       const std::optional<ReportBlock>& report, std::string_view cname, bool bye);

}  // namespace tandem::connector::media
