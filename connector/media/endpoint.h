// One party's side of the media: its sockets, where it is, what it sends and what it hears. Belongs to one worker
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "connector/core/media_port.h"
#include "connector/media/digit_sender.h"
#include "connector/media/digits.h"
#include "connector/media/latch.h"
#include "connector/media/mixer.h"
#include "connector/media/payloads.h"
#include "connector/media/player.h"
#include "connector/media/reception.h"
#include "connector/media/recorder.h"
#include "connector/media/resampler.h"
#include "connector/media/scene.h"
#include "connector/media/sockets.h"
#include "connector/media/stream.h"
#include "connector/media/talker.h"

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

// What is done every 20 ms is spread over as many turns, so that packets of many parties don't go out all at once.
constexpr std::uint32_t phases = 4;

struct Scene;
struct WireEndpoint;

// Somebody who hears this party's packets as they are.
struct RelayLink {
  WireEndpoint* to = nullptr;
  bool events_only = false;  // it hears the voice in a mix
  PayloadRules rules{};
};

struct WireEndpoint {
  MediaId id;
  std::uint32_t slot = 0;
  SocketPair sockets;

  bool agreed = false;  // a MediaConnect came
  Agreement agreement;
  Latch latch;
  Address rtcp_target;           // where reports go, unless muxed
  bool rtcp_learned = false;     // from a packet, no longer from the signalling
  PayloadRules rules{};          // what comes from this party: clock rate and events; where it goes is in `relays`
  int comes_with = -1;           // payload number its voice came with last; -1: none yet
  int expected_number = -1;      // that of what it agreed to first
  Coding coding = Coding::None;  // of what we send of our own
  std::uint8_t own_payload = 0;
  bool hears = false;   // we may send to it
  bool speaks = false;  // we take what it sends

  Scene* scene = nullptr;
  std::vector<RelayLink> relays;         // by its scene
  WireEndpoint* relayed_from = nullptr;  // whose packets it hears now; only compared, it may be gone
  int mix_waits = 0;                     // rounds for which it still hears the relay, until the mix has something

  Player player;
  ClipPtr scene_sound;
  bool hears_music = false;
  std::string music;                        // its scene's file; empty: the configured one
  std::unique_ptr<MediaPlay> fetched_play;  // whose sounds are being fetched
  std::unique_ptr<Recorder> recorder;
  bool scheduled = false;  // in its worker's list of those something is done for every 20 ms
  DigitSender digits_out;
  std::unique_ptr<Encoder> encoder;  // for what isn't encoded beforehand

  // As one of those who are mixed.
  bool in_mix = false;             // its talker is pulled by its scene's rounds
  std::unique_ptr<Talker> talker;  // while somebody needs its samples
  std::unique_ptr<Resampler> to_scene_rate;
  std::array<std::int16_t, most_frame_samples> at_scene_rate{};
  // As one who hears a mix.
  Limiter limiter;
  std::unique_ptr<Resampler> to_own_rate;
  std::vector<MediaId> mixed;  // whom it heard in the mix last
  bool takes_mix_now = false;
  Instant mix_pauses_until{0};  // a digit passes

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

  std::uint32_t phase() const { return slot % phases; }
  // It hears something of ours, and nobody.
  bool occupied() const { return player.busy() || digits_out.busy(); }
  bool timed() const { return occupied() || (recorder && !in_mix); }
  bool can_hear() const {
    return agreed && hears && latch.target().valid() && latch.target().port() != 0 && !latch.target().any();
  }
};

}  // namespace media
}  // namespace tandem::connector
