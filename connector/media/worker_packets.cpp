// What comes from the parties, and what is passed on of it.
#include "connector/media/g711.h"
#include "connector/media/worker.h"

#include <algorithm>

namespace tandem::connector::media {
namespace {

constexpr Instant digit_keeps_mix_out = 60ms;  // after each packet of it

}  // namespace

void Worker::receive_rtp(std::uint32_t slot) {
  if (!slots_[slot]) return;  // closed in this round
  auto& endpoint = *slots_[slot];
  Address from;
  socklen_t length = Address::capacity();
  const auto size =
      ::recvfrom(endpoint.sockets.rtp.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT, from.data(), &length);
  if (size < 0) return;
  relayed_ = true;
  const std::span packet(buffer_.data(), static_cast<std::size_t>(size));
  if (endpoint.agreement.rtcp_mux && is_rtcp(packet)) {
    rtcp_packet(endpoint, packet.size(), from);
  } else {
    rtp_packet(endpoint, packet.size(), from);
  }
}

void Worker::receive_rtcp(std::uint32_t slot) {
  if (!slots_[slot]) return;
  auto& endpoint = *slots_[slot];
  Address from;
  socklen_t length = Address::capacity();
  const auto size =
      ::recvfrom(endpoint.sockets.rtcp.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT, from.data(), &length);
  if (size < 0) return;
  relayed_ = true;
  rtcp_packet(endpoint, static_cast<std::size_t>(size), from);
}

void Worker::rtp_packet(WireEndpoint& endpoint, std::size_t size, const Address& from) {
  const auto header = parse_rtp({buffer_.data(), size});
  if (!header) {
    if (size > 0) ++endpoint.counters.invalid;  // an empty datagram keeps a NAT open
    return;
  }
  if (endpoint.latch.judge(from, *header, now_, latch_settings_) == Latch::Verdict::Stranger) {
    ++endpoint.counters.strangers;
    return;
  }
  ++endpoint.counters.packets_in;
  endpoint.counters.bytes_in += size;
  endpoint.heard_at = now_;
  endpoint.silence_told = false;
  const auto& rule = endpoint.rules[header->payload_type];
  endpoint.reception.packet(*header, rule.clock_rate(), now_);
  if (!endpoint.speaks) {
    ++endpoint.counters.unwanted;
    return;
  }
  if (rule.event) {
    const auto event = parse_telephone_event({buffer_.data() + header->payload_offset, header->payload_size});
    if (event) {
      const auto heard = endpoint.digits.packet(*event, header->timestamp, rule.clock_rate(), now_);
      tell_digit(endpoint, heard.previous);
      tell_digit(endpoint, heard.present);
    }
  }
  if (rule.voice && header->payload_type != endpoint.comes_with) voice_comes_with(endpoint, header->payload_type);
  bool heard = endpoint.talker != nullptr;
  if (heard) {
    endpoint.talker->packet(rule.coding, rule.clock_rate(), *header,
                            {buffer_.data() + header->payload_offset, header->payload_size}, now_);
  }
  for (const auto& link : endpoint.relays) heard |= relay(endpoint, link, *header, size);
  if (!heard) ++endpoint.counters.unwanted;
}

bool Worker::relay(WireEndpoint& from, const RelayLink& link, const RtpHeader& header, std::size_t size) {
  auto& to = *link.to;
  const auto& rule = link.rules[header.payload_type];
  if (rule.how == Relaying::Drop || to.occupied() || !to.can_hear() || (link.events_only && !rule.event)) return false;
  if (link.events_only) to.mix_pauses_until = now_ + digit_keeps_mix_out;
  const auto stamp = to.stream.relay({from.id.value, header.ssrc}, header, rule.number, rule.clock_rate(), now_);
  if (!stamp) return false;
  const bool convert_it = rule.how != Relaying::Pass;
  auto& packet = convert_it ? converted_ : buffer_;
  if (convert_it) {
    std::copy_n(buffer_.begin(), size, converted_.begin());
    convert({converted_.data() + header.payload_offset, header.payload_size},
            rule.how == Relaying::ToPcma ? pcmu_to_pcma() : pcma_to_pcmu());
  }
  stamp_rtp(packet, *stamp);
  return send_rtp(to, {packet.data(), size}, header.payload_size);
}

bool Worker::send_rtp(WireEndpoint& endpoint, std::span<const std::uint8_t> packet, std::size_t payload_size) {
  const auto& to = endpoint.latch.target();
  if (::sendto(endpoint.sockets.rtp.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to.data(),
               to.size()) < 0) {
    ++endpoint.counters.send_failed;
    return false;
  }
  ++endpoint.counters.packets_out;
  endpoint.counters.bytes_out += packet.size();
  ++endpoint.sent_packets_32;
  endpoint.sent_octets_32 += static_cast<std::uint32_t>(payload_size);
  endpoint.sent_at = now_;
  return true;
}

void Worker::rtcp_packet(WireEndpoint& endpoint, std::size_t size, const Address& from) {
  if (!endpoint.agreed || !(from.same_ip(endpoint.latch.target()) || from.same_ip(endpoint.latch.signalled()))) {
    ++endpoint.counters.strangers;
    return;
  }
  const auto summary = parse_rtcp({buffer_.data(), size});
  if (!summary) {
    if (size > 0) ++endpoint.counters.invalid;
    return;
  }
  ++endpoint.counters.rtcp_in;
  endpoint.heard_at = now_;
  endpoint.silence_told = false;
  if (!endpoint.agreement.rtcp_mux && !endpoint.rtcp_learned) {
    endpoint.rtcp_target = from;
    endpoint.rtcp_learned = true;
  }
  if (summary->sender) endpoint.reception.sender_report(*summary->sender, now_);
}

}  // namespace tandem::connector::media
