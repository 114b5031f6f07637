#include "connector/core/offer_answer.h"

#include <algorithm>
#include <stdexcept>

namespace tandem::connector {
namespace {

bool is_event(const Payload& payload) {
  return sdp::same_text(payload.encoding, "telephone-event");
}

bool served(const std::string& transport) {
  return sdp::same_text(transport, "RTP/AVP") || sdp::same_text(transport, "RTP/AVPF");
}

// Their direction, seen from our side.
Direction mirrored(Direction theirs) {
  if (theirs == Direction::SendOnly) return Direction::RecvOnly;
  if (theirs == Direction::RecvOnly) return Direction::SendOnly;
  return theirs;
}

Remote reduce(const sdp::Description& description, std::size_t line) {
  const auto& media = description.media[line];
  Remote remote;
  remote.ip = media.ip;
  remote.rtp_port = media.port;
  remote.rtcp_mux = media.rtcp_mux;
  remote.rtcp_port =
      media.rtcp_port ? media.rtcp_port : static_cast<std::uint16_t>(media.port == 65535 ? 0 : media.port + 1);
  auto theirs = media.direction;
  if (media.port == 0) {
    theirs = Direction::Inactive;
  } else if (media.ip_is_zero && theirs == Direction::SendRecv) {
    theirs = Direction::SendOnly;
  } else if (media.ip_is_zero && theirs == Direction::RecvOnly) {
    theirs = Direction::Inactive;
  }
  remote.direction = mirrored(theirs);
  remote.held = theirs == Direction::SendOnly || theirs == Direction::Inactive;
  remote.payloads = media.payloads;
  remote.ptime_ms = media.ptime_ms;
  remote.maxptime_ms = media.maxptime_ms;
  remote.transport = media.transport;
  remote.line = line;
  for (std::size_t i = 0; i < description.media.size(); ++i) {
    const auto& other = description.media[i];
    if (sdp::same_text(other.type, "video") && other.port != 0) remote.video = true;
    if (i != line) remote.others.push_back(sdp::Declined{other.type, other.transport, other.format});
  }
  return remote;
}

bool has_ours(const Payloads& payloads) {
  return std::any_of(payloads.begin(), payloads.end(), is_ours);
}

// Index of the payload of `in` that means the same, the same number preferred; in.size(): none.
std::size_t same(const Payload& payload, const Payloads& in, const std::vector<bool>& used) {
  std::size_t found = in.size();
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (used[i] || !sdp::same_encoding(payload, in[i])) continue;
    if (in[i].number == payload.number) return i;
    if (found == in.size()) found = i;
  }
  return found;
}

}  // namespace

void throw_exception_from_error(const Unservable& error, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + error.text);
}

Result<Remote, Unservable> read_offer(std::string_view text) {
  const auto parsed = sdp::parse(text);
  if (!parsed) return Unservable{400, parsed.error().text};
  bool audio = false, encrypted = false;
  for (std::size_t i = 0; i < parsed->media.size(); ++i) {
    const auto& media = parsed->media[i];
    if (!sdp::same_text(media.type, "audio") || media.port == 0) continue;
    audio = true;
    if (!served(media.transport)) {
      encrypted = true;
      continue;
    }
    if (media.ip.empty() || !first_sound(media.payloads)) continue;
    return reduce(*parsed, i);
  }
  if (encrypted) return Unservable{488, "only RTP/AVP is served"};
  return Unservable{488, audio ? "no usable audio format or address" : "no audio offered"};
}

Result<Remote, Unservable> read_new_offer(std::string_view text, std::size_t line) {
  const auto parsed = sdp::parse(text);
  if (!parsed) return Unservable{400, parsed.error().text};
  if (line >= parsed->media.size()) return Unservable{488, "the audio line is gone"};
  const auto& media = parsed->media[line];
  if (!sdp::same_text(media.type, "audio")) return Unservable{488, "the audio line is another one now"};
  if (media.port != 0) {
    if (!served(media.transport)) return Unservable{488, "only RTP/AVP is served"};
    if (media.ip.empty() || !first_sound(media.payloads)) return Unservable{488, "no usable audio format or address"};
  }
  return reduce(*parsed, line);
}

Result<Remote, Unservable> read_answer(std::string_view text, std::size_t line) {
  const auto parsed = sdp::parse(text);
  if (!parsed) return Unservable{400, parsed.error().text};
  if (line >= parsed->media.size()) return Unservable{488, "answer without the audio line"};
  const auto& media = parsed->media[line];
  if (!sdp::same_text(media.type, "audio") || !served(media.transport))
    return Unservable{488, "answer with another medium"};
  if (media.port == 0) return Unservable{488, "audio was declined"};
  if (media.ip.empty() || !first_sound(media.payloads)) return Unservable{488, "no usable audio format or address"};
  return reduce(*parsed, line);
}

bool is_ours(const Payload& payload) {
  if (sdp::same_text(payload.encoding, "opus")) return payload.clock_rate == 48000 && payload.channels == 2;
  return payload.clock_rate == 8000 && payload.channels == 1 &&
         (sdp::same_text(payload.encoding, "PCMU") || sdp::same_text(payload.encoding, "PCMA") ||
          sdp::same_text(payload.encoding, "G722"));
}

bool is_sound(const Payload& payload) {
  return !is_event(payload) && !sdp::same_text(payload.encoding, "CN") && !sdp::same_text(payload.encoding, "red");
}

const Payload* first_sound(const Payloads& payloads) {
  const auto found = std::find_if(payloads.begin(), payloads.end(), is_sound);
  return found == payloads.end() ? nullptr : &*found;
}

Payloads own_payloads(const std::vector<std::string>& codecs) {
  const Payload all[] = {Payload{.number = 0, .encoding = "PCMU"}, Payload{.number = 8, .encoding = "PCMA"},
                         Payload{.number = 9, .encoding = "G722"},
                         Payload{.number = 96, .encoding = "opus", .clock_rate = 48000, .channels = 2}};
  Payloads result;
  for (const auto& codec : codecs) {
    for (const auto& payload : all) {
      if (sdp::same_text(payload.encoding, codec)) result.push_back(payload);
    }
  }
  if (result.empty()) result.assign(all, all + 2);
  result.push_back(Payload{.number = 101, .encoding = "telephone-event", .parameters = "0-16"});
  return result;
}

Payloads offer_for(const Payloads& fixed, const Payloads& can, const Payloads& ours) {
  Payloads offer;
  offer.reserve(fixed.size() + can.size() + 1);
  const auto taken = [&offer](std::uint8_t number) {
    return std::any_of(offer.begin(), offer.end(), [number](const Payload& p) { return p.number == number; });
  };
  const auto add = [&](const Payload& payload) {
    if (taken(payload.number)) return;
    offer.push_back(payload);
    offer.back().receive_number = -1;
  };
  for (const auto& payload : fixed) add(payload);
  const std::vector<bool> unused(offer.size(), false);
  const Payloads already = offer;
  for (const auto& payload : can) {
    if (same(payload, already, unused) == already.size()) add(payload);
  }
  if (has_ours(offer)) {
    for (const auto& own : ours) {
      const bool there =
          std::any_of(offer.begin(), offer.end(), [&](const Payload& p) { return sdp::same_encoding(p, own); });
      if (is_ours(own) && !there) add(own);
    }
  }
  // What carries sound comes first, as a peer takes the first format for the main one.
  std::stable_partition(offer.begin(), offer.end(), is_sound);
  return offer;
}

Payloads settle(const Payloads& offered, const Payloads& answered) {
  Payloads result;
  std::vector<bool> used(offered.size(), false);
  for (const auto& answer : answered) {
    const auto i = same(answer, offered, used);
    if (i == offered.size()) continue;
    used[i] = true;
    result.push_back(answer);
    if (offered[i].number != answer.number) result.back().receive_number = offered[i].number;
  }
  if (!first_sound(result)) result.clear();
  return result;
}

Payloads share(const Payloads& can, const Payloads& peer) {
  Payloads result;
  std::vector<bool> used(can.size(), false);
  for (const auto& theirs : peer) {
    const auto i = same(theirs, can, used);
    if (i == can.size()) continue;
    used[i] = true;
    result.push_back(can[i]);
    result.back().receive_number = -1;
    result.back().parameters = theirs.parameters;
  }
  if (first_sound(result)) return result;
  if (!has_ours(can) || !has_ours(peer)) return {};
  std::size_t place = 0;
  for (const auto& payload : can) {
    if (is_ours(payload)) result.insert(result.begin() + static_cast<std::ptrdiff_t>(place++), payload);
  }
  return result;
}

Payloads own_share(const Payloads& can) {
  Payloads result;
  for (const auto& payload : can) {
    if (is_ours(payload)) result.push_back(payload);
  }
  if (result.empty()) return result;
  for (const auto& payload : can) {
    if (is_event(payload) && payload.clock_rate == 8000) {
      result.push_back(payload);
      break;
    }
  }
  return result;
}

bool flows(const Payloads& a, const Payloads& b) {
  const auto reaches = [](const Payloads& from, const Payloads& to) {
    const auto* sound = first_sound(from);
    if (!sound) return false;
    if (is_ours(*sound) && has_ours(to)) return true;
    return std::any_of(to.begin(), to.end(), [&](const Payload& p) { return sdp::same_encoding(p, *sound); });
  };
  return reaches(a, b) && reaches(b, a);
}

Agreement agreement(const Remote& remote, Payloads payloads, bool mux) {
  Agreement result;
  result.remote_ip = remote.ip;
  result.remote_rtp_port = remote.rtp_port;
  result.rtcp_mux = mux && remote.rtcp_mux;
  result.remote_rtcp_port = result.rtcp_mux ? remote.rtp_port : remote.rtcp_port;
  result.direction = remote.direction;
  result.payloads = std::move(payloads);
  result.ptime_ms = remote.ptime_ms ? remote.ptime_ms : 20;
  return result;
}

}  // namespace tandem::connector
