// Whatever a stranger sends to an RTP or RTCP port: read within bounds, and what is rewritten reads back as written.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "connector/media/digits.h"
#include "connector/media/g711.h"
#include "connector/media/reception.h"
#include "connector/media/rtp.h"
#include "connector/media/stream.h"

using namespace tandem;
using namespace tandem::connector::media;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void rtp(std::span<const std::uint8_t> data) {
  const auto header = parse_rtp(data);
  if (!header) return;
  require(header->payload_offset >= rtp_header_size && header->payload_offset + header->payload_size <= data.size());

  Reception reception;
  reception.packet(*header, 8000, 1s);
  require(reception.report(2s).has_value());

  DigitDetector digits;
  if (const auto event = parse_telephone_event(data.subspan(header->payload_offset, header->payload_size))) {
    digits.packet(*event, header->timestamp, 8000, 1s);
    digits.packet(*event, header->timestamp + 1, 8000, 2s);
    digits.expire(9s, 1s);
  }

  OutgoingStream stream(1, 65535, 0xffffffff);
  stream.play(0, 160, 8000, 1s);
  const auto stamp = stream.relay({1, header->ssrc}, *header, 8, 8000, 2s);
  require(stamp.has_value());
  std::vector<std::uint8_t> packet(data.begin(), data.end());
  stamp_rtp(packet, *stamp);
  convert(std::span(packet).subspan(header->payload_offset, header->payload_size), pcmu_to_pcma());
  const auto again = parse_rtp(packet);
  require(again && again->ssrc == 1 && again->sequence == 0 && again->marker && again->payload_type == 8);
  require(again->payload_offset == header->payload_offset && again->payload_size == header->payload_size);
}

void rtcp(std::span<const std::uint8_t> data) {
  const auto summary = parse_rtcp(data);
  if (!summary) return;
  // What was understood can be written and understood again.
  std::vector<std::uint8_t> out(160);
  const auto size = write_rtcp(out, summary->ssrc, summary->sender, summary->report, "cname", summary->bye);
  require(size > 0 && size % 4 == 0);
  const auto again = parse_rtcp({out.data(), size});
  require(again && again->ssrc == summary->ssrc && again->bye == summary->bye);
  require(again->sender.has_value() == summary->sender.has_value());
  require(again->report.has_value() == summary->report.has_value());
  if (again->report)
    require(again->report->lost == summary->report->lost && again->report->ssrc == summary->report->ssrc);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> octets(data, size);
  if (is_rtcp(octets)) require(size >= 2);
  rtp(octets);
  rtcp(octets);
  return 0;
}
