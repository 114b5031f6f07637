#include "connector/media/rtp.h"

#include <algorithm>

namespace tandem::connector::media {
namespace {

std::uint16_t get16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
std::uint32_t get32(const std::uint8_t* p) {
  return static_cast<std::uint32_t>(p[0]) << 24 | static_cast<std::uint32_t>(p[1]) << 16 |
         static_cast<std::uint32_t>(p[2]) << 8 | p[3];
}
void put16(std::uint8_t* p, std::uint16_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
void put32(std::uint8_t* p, std::uint32_t v) {
  put16(p, static_cast<std::uint16_t>(v >> 16));
  put16(p + 2, static_cast<std::uint16_t>(v));
}

constexpr std::uint8_t version_2 = 0x80;
constexpr std::uint8_t rtcp_sr = 200, rtcp_rr = 201, rtcp_sdes = 202, rtcp_bye = 203;
constexpr std::size_t report_block_size = 24;

ReportBlock read_report(const std::uint8_t* p) {
  ReportBlock block;
  block.ssrc = get32(p);
  block.fraction_lost = p[4];
  const std::uint32_t lost = get32(p + 4) & 0xffffff;
  block.lost = static_cast<std::int32_t>(lost << 8) >> 8;
  block.highest_sequence = get32(p + 8);
  block.jitter = get32(p + 12);
  block.last_sr = get32(p + 16);
  block.delay_since_last_sr = get32(p + 20);
  return block;
}

}  // namespace

std::optional<RtpHeader> parse_rtp(std::span<const std::uint8_t> packet) {
  if (packet.size() < rtp_header_size || (packet[0] & 0xc0) != version_2) return std::nullopt;
  RtpHeader header;
  header.marker = (packet[1] & 0x80) != 0;
  header.payload_type = packet[1] & 0x7f;
  header.sequence = get16(&packet[2]);
  header.timestamp = get32(&packet[4]);
  header.ssrc = get32(&packet[8]);
  std::size_t offset = rtp_header_size + 4u * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < offset + 4) return std::nullopt;
    offset += 4 + 4u * get16(&packet[offset + 2]);
  }
  if (packet.size() < offset || packet.size() > max_packet) return std::nullopt;
  std::size_t size = packet.size() - offset;
  if ((packet[0] & 0x20) != 0) {
    const std::size_t padding = packet.back();
    if (padding == 0 || padding > size) return std::nullopt;
    size -= padding;
  }
  header.payload_offset = static_cast<std::uint16_t>(offset);
  header.payload_size = static_cast<std::uint16_t>(size);
  return header;
}

bool is_rtcp(std::span<const std::uint8_t> packet) {
  return packet.size() >= 2 && (packet[0] & 0xc0) == version_2 && packet[1] >= 192 && packet[1] <= 223;
}

void stamp_rtp(std::span<std::uint8_t> packet, const RtpStamp& stamp) {
  packet[1] = static_cast<std::uint8_t>((stamp.marker ? 0x80 : 0) | (stamp.payload_type & 0x7f));
  put16(&packet[2], stamp.sequence);
  put32(&packet[4], stamp.timestamp);
  put32(&packet[8], stamp.ssrc);
}

void write_rtp(std::span<std::uint8_t, rtp_header_size> packet, const RtpStamp& stamp) {
  packet[0] = version_2;
  stamp_rtp(packet, stamp);
}

std::optional<TelephoneEvent> parse_telephone_event(std::span<const std::uint8_t> payload) {
  if (payload.size() < 4) return std::nullopt;
  return TelephoneEvent{payload[0], (payload[1] & 0x80) != 0, static_cast<std::uint8_t>(payload[1] & 0x3f),
                        get16(&payload[2])};
}

char digit_of(std::uint8_t event) {
  constexpr std::string_view digits = "0123456789*#ABCD";
  return event < digits.size() ? digits[event] : '\0';
}

std::optional<RtcpSummary> parse_rtcp(std::span<const std::uint8_t> packet) {
  if (packet.size() < 8 || packet.size() > max_packet) return std::nullopt;
  // The first packet of a compound is a report, whose padding bit is clear unless it is the last.
  if (packet[1] != rtcp_sr && packet[1] != rtcp_rr) return std::nullopt;
  RtcpSummary summary;
  summary.ssrc = get32(&packet[4]);
  for (std::size_t at = 0; at < packet.size();) {
    if (packet.size() - at < 4) return std::nullopt;
    const std::uint8_t* p = &packet[at];
    const std::size_t size = 4 + 4u * get16(p + 2);
    if ((p[0] & 0xc0) != version_2 || size > packet.size() - at) return std::nullopt;
    const std::size_t count = p[0] & 0x1f;
    if (p[1] == rtcp_sr || p[1] == rtcp_rr) {
      const std::size_t fixed = p[1] == rtcp_sr ? 28 : 8;
      if (size < fixed + count * report_block_size) return std::nullopt;
      if (p[1] == rtcp_sr && !summary.sender) {
        summary.sender = SenderInfo{static_cast<std::uint64_t>(get32(p + 8)) << 32 | get32(p + 12), get32(p + 16),
                                    get32(p + 20), get32(p + 24)};
      }
      if (count > 0 && !summary.report) summary.report = read_report(p + fixed);
    } else if (p[1] == rtcp_bye) {
      summary.bye = true;
    }
    at += size;
  }
  return summary;
}

std::size_t write_rtcp(std::span<std::uint8_t> out, std::uint32_t ssrc, const std::optional<SenderInfo>& sender,
                       const std::optional<ReportBlock>& report, std::string_view cname, bool bye) {
  cname = cname.substr(0, 255);
  const std::size_t report_size = (sender ? 28 : 8) + (report ? report_block_size : 0);
  const std::size_t sdes_size = 4 + (4 + 2 + cname.size() + 1 + 3) / 4 * 4;  // ends with at least one zero octet
  const std::size_t total = report_size + sdes_size + (bye ? 8 : 0);
  if (out.size() < total) return 0;
  std::fill_n(out.begin(), total, std::uint8_t{0});

  std::uint8_t* p = out.data();
  p[0] = static_cast<std::uint8_t>(version_2 | (report ? 1 : 0));
  p[1] = sender ? rtcp_sr : rtcp_rr;
  put16(p + 2, static_cast<std::uint16_t>(report_size / 4 - 1));
  put32(p + 4, ssrc);
  std::uint8_t* block = p + 8;
  if (sender) {
    put32(p + 8, static_cast<std::uint32_t>(sender->ntp >> 32));
    put32(p + 12, static_cast<std::uint32_t>(sender->ntp));
    put32(p + 16, sender->rtp_timestamp);
    put32(p + 20, sender->packets);
    put32(p + 24, sender->octets);
    block = p + 28;
  }
  if (report) {
    put32(block, report->ssrc);
    put32(block + 4, static_cast<std::uint32_t>(report->fraction_lost) << 24 |
                         (static_cast<std::uint32_t>(report->lost) & 0xffffff));
    put32(block + 8, report->highest_sequence);
    put32(block + 12, report->jitter);
    put32(block + 16, report->last_sr);
    put32(block + 20, report->delay_since_last_sr);
  }
  p += report_size;
  p[0] = version_2 | 1;
  p[1] = rtcp_sdes;
  put16(p + 2, static_cast<std::uint16_t>(sdes_size / 4 - 1));
  put32(p + 4, ssrc);
  p[8] = 1;  // CNAME
  p[9] = static_cast<std::uint8_t>(cname.size());
  std::copy(cname.begin(), cname.end(), p + 10);
  p += sdes_size;
  if (bye) {
    p[0] = version_2 | 1;
    p[1] = rtcp_bye;
    put16(p + 2, 1);
    put32(p + 4, ssrc);
  }
  return total;
}

}  // namespace tandem::connector::media
