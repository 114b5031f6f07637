// Parties that each sing a note of their own through a room, and what each of them hears of the others. The room's time
// is stepped: what it makes of the songs doesn't depend on how busy the machine is.
#pragma once

#include <map>
#include <memory>
#include <numbers>

#include "connector/media/codec.h"
#include "phone.h"
#include "sound.h"

namespace tandem::connector::test {

inline Payload g722(std::uint8_t payload_type = 9) {
  return {payload_type, -1, "G722", 8000, 1, ""};
}
inline Payload opus(std::uint8_t payload_type = 111) {
  return {payload_type, -1, "opus", 48000, 2, ""};
}

// Time passes while the choir sings, and only then.
inline MediaSettings stepped(MediaSettings settings) {
  settings.stepped = true;
  return settings;
}

struct Singer {
  Singer(MediaRoom& room, Payload payload, double note, bool with_events = false)
      : coding(media::coding_of(payload)), number(payload.number), hz(note), encoder(coding), decoder(coding) {
    at = room.open("").value();
    std::vector<Payload> payloads{std::move(payload)};
    if (with_events) payloads.push_back(events());
    room.handle(MediaConnect{at.media, agree(phone, payloads)});
    phone.hear();  // the one packet that opens its NAT
  }
  void sing() {
    const auto size = media::sample_rate(coding) / 50;
    std::vector<std::int16_t> samples;
    for (std::size_t i = 0; i < size; ++i) {
      const auto t = static_cast<double>(sent * size + i) / media::sample_rate(coding);
      samples.push_back(static_cast<std::int16_t>(std::lround(peak * std::sin(2 * std::numbers::pi * hz * t))));
    }
    std::array<std::uint8_t, media::most_encoded_octets> octets;
    const auto made = encoder.encode(samples, octets);
    phone.send(at, rtp(number, static_cast<std::uint16_t>(sequence++),
                       static_cast<std::uint32_t>(sent * media::clock_rate(coding) / 50),
                       static_cast<std::uint32_t>(hz), {made.begin(), made.end()}));
    ++sent;
  }
  // All that came, checked to be one legal stream.
  void listen(Instant now = {}) {
    while (auto packet = phone.hear(0ms)) {
      packet->at = std::chrono::steady_clock::time_point(now);
      if (packet->payload.empty()) continue;
      if (last) {
        legal &= packet->sequence == static_cast<std::uint16_t>(last->sequence + 1) && packet->ssrc == last->ssrc;
        const auto moved = static_cast<std::int32_t>(packet->timestamp - last->timestamp);
        legal &= moved >= 0 && moved <= static_cast<std::int32_t>(media::clock_rate(coding));
        longest_gap = std::max(longest_gap, packet->at - last->at);
      }
      last = packet;
      if (packet->payload_type != number) {
        others.push_back(*packet);
        continue;
      }
      const auto samples = decoder.decode(packet->payload, out);
      heard.insert(heard.end(), samples.begin(), samples.end());
    }
  }
  // Of one note, in the last half second heard.
  double level(double of) const {
    const std::size_t rate = media::sample_rate(coding);
    return heard.size() < rate / 2 ? -100 : tone_dbm0(std::span(heard).last(rate / 2), of, static_cast<double>(rate));
  }
  MediaMember member() const { return {at.media}; }

  media::Coding coding;
  std::uint8_t number;
  double hz, peak = 4000;
  media::Encoder encoder;
  media::Decoder decoder;
  Phone phone;
  Endpoint at;
  std::uint64_t sent = 0;
  std::uint32_t sequence = 100;
  std::vector<std::int16_t> heard;
  std::vector<Packet> others;
  std::optional<Packet> last;
  bool legal = true, mute = false;
  std::chrono::nanoseconds longest_gap{0};
  std::array<std::int16_t, media::most_packet_samples> out{};
};

struct Choir {
  explicit Choir(MediaSettings settings = stepped(quiet_settings())) : room(std::move(settings), notices.callbacks()) {}
  Singer& add(Payload payload, double note, bool with_events = false) {
    return *singers.emplace_back(std::make_unique<Singer>(room, std::move(payload), note, with_events));
  }
  // The whole choir in one scene, as changed by `change`.
  void scene(const std::function<void(std::vector<MediaMember>&)>& change = nullptr) {
    std::vector<MediaMember> members;
    for (const auto& singer : singers) members.push_back(singer->member());
    if (change) change(members);
    room.handle(MediaScene{SceneId{7}, std::move(members)});
  }
  void sing(std::chrono::milliseconds time) {
    for (const auto end = now + time; now < end; now += 20ms) {
      for (const auto& singer : singers) {
        if (!singer->mute) singer->sing();
      }
      room.advance(20ms);
      for (const auto& singer : singers) singer->listen(now);
    }
  }
  Notices notices;
  MediaRoom room;
  std::vector<std::unique_ptr<Singer>> singers;
  Instant now{0};
};

}  // namespace tandem::connector::test
