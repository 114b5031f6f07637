// One party's side of the media: its sockets, where it is, what it sends and what it hears. Belongs to one worker
// thread.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/time.h"
#include "connector/core/media_port.h"
#include "connector/media/digits.h"
#include "connector/media/latch.h"
#include "connector/media/payloads.h"
#include "connector/media/reception.h"
#include "connector/media/scene.h"
#include "connector/media/sockets.h"
#include "connector/media/stream.h"
#include "connector/media/tone.h"

namespace tandem::connector {

// What went through one endpoint, from open to close.
struct MediaCounters {
  std::uint64_t packets_in = 0, bytes_in = 0;    // RTP from the party, headers counted
  std::uint64_t packets_out = 0, bytes_out = 0;  // RTP to the party: relayed, tones and comfort
  std::uint64_t lost = 0;                        // gaps in the party's sequence numbers
  std::uint64_t strangers = 0;                   // packets from addresses not believed
  std::uint64_t invalid = 0;                     // neither RTP nor RTCP
  std::uint64_t unwanted = 0;  // payload not agreed, direction, nobody to relay to, older than a switch
  std::uint64_t send_failed = 0;
  std::uint64_t rtcp_in = 0, rtcp_out = 0;
  MediaCounters& operator+=(const MediaCounters& other);
  MediaCounters& operator-=(const MediaCounters& other);
};

namespace media {

struct Scene;
struct WireEndpoint;

// Somebody who hears this party's packets as they are.
struct RelayLink {
  WireEndpoint* to = nullptr;
  PayloadRules rules{};
};

struct WireEndpoint {
  MediaId id;
  std::uint32_t slot = 0;
  SocketPair sockets;

  bool agreed = false;  // a MediaConnect came
  Agreement agreement;
  Latch latch;
  Address rtcp_target;        // where reports go, unless muxed
  bool rtcp_learned = false;  // from a packet, no longer from the signalling
  PayloadRules rules{};       // what comes from this party: clock rate and events; where it goes is in `relays`
  int comes_with = -1;        // payload number its voice came with last; -1: none yet
  int expected_number = -1;   // that of what it agreed to first
  G711 law = G711::None;      // of what we send of our own
  std::uint8_t own_payload = 0;
  bool hears = false;   // we may send to it
  bool speaks = false;  // we take what it sends

  Scene* scene = nullptr;
  std::vector<RelayLink> relays;            // by its scene
  const FrameRing* tone = nullptr;          // what sounds now: the one ordered, else the scene's
  const FrameRing* ordered_tone = nullptr;  // by MediaTone
  const FrameRing* scene_sound = nullptr;
  std::uint32_t tone_position = 0;

  OutgoingStream stream;
  std::uint32_t sent_packets_32 = 0, sent_octets_32 = 0;  // payload octets, as sender reports want them
  Reception reception;
  DigitDetector digits;
  Instant heard_at{0};
  Instant sent_at{0};
  bool watched = false;  // it has to send: silence is worth telling
  bool silence_told = false;
  std::uint32_t visits = 0;
  MediaCounters counters;
  MediaCounters counted;  // as far as the worker's totals have them

  bool can_hear() const {
    return agreed && hears && latch.target().valid() && latch.target().port() != 0 && !latch.target().any();
  }
};

}  // namespace media
}  // namespace tandem::connector
