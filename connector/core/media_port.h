// What the core asks of the media room, as plain values. A media endpoint is a pair of UDP sockets (RTP, RTCP) facing
// one party.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace tandem::connector {

using MediaId = Id<struct MediaIdTag>;

struct Endpoint {
  MediaId media;
  std::string ip;              // address to write into SDP
  std::uint16_t rtp_port = 0;  // even; RTCP is the next one
};

// Opens endpoints at once, so that an SDP can name them. Called in the core's thread.
class MediaAllocator {
 public:
  virtual ~MediaAllocator() = default;
  // `local_ip`: the address of ours that faces the peer; empty: the configured default. None: range or limit exhausted.
  virtual std::optional<Endpoint> open(const std::string& local_ip) = 0;
  // The same, at this RTP port if it can be had: of a call that was here before.
  virtual std::optional<Endpoint> open_again(const std::string& local_ip, std::uint16_t) { return open(local_ip); }
};

// One payload format, as both sides of this leg agreed on it.
struct Payload {
  std::uint8_t number = 0;  // RTP payload type we send to the party with
  std::int16_t receive_number =
      -1;                // the one it sends to us with, where it chose another (RFC 3264 section 5.1); -1: the same
  std::string encoding;  // "PCMU", "telephone-event", upper/lower case as in the SDP
  std::uint32_t clock_rate = 8000;
  std::uint8_t channels = 1;
  std::string parameters;  // a=fmtp
};

enum class Direction { SendRecv, SendOnly, RecvOnly, Inactive };  // as we act towards this party

// Everything a leg's offer/answer settled. The first payload that is neither telephone-event nor CN is what we send.
// Numbers belong to the leg: a relay between legs that number one encoding differently rewrites them, and between legs
// that share no encoding but speak G.711 both converts PCMU and PCMA.
struct Agreement {
  std::string remote_ip;
  std::uint16_t remote_rtp_port = 0;
  std::uint16_t remote_rtcp_port = 0;
  bool rtcp_mux = false;
  Direction direction = Direction::SendRecv;
  std::vector<Payload> payloads;
  std::uint32_t ptime_ms = 20;
};

// Set or replaced; symmetric RTP: the first packet corrects the address. `watch_silence`: the party is in a call and
// has to send; begin to wait for its packets anew and say MediaSilent if none comes. False: on hold or not answered
// yet.
struct MediaConnect {
  MediaId media;
  Agreement agreement;
  bool watch_silence = false;
};

// What a listener hears where it is not the others in its scene.
enum class Sound { Others, Silence, Ringback, Busy, FastBusy, Music };

// One endpoint's part in a scene. A listener hears the sum of all who talk and whom it may hear, itself left out: one
// whose payloads it shares is relayed packet by packet, all else is mixed; the room changes between both without a
// seam.
struct MediaMember {
  MediaId media;
  bool talks = true;
  bool listens = true;            // false: hears nothing (comfort only)
  std::vector<MediaId> heard_by;  // who may hear it; empty: everybody
  Sound sound = Sound::Others;
  std::string music;  // Sound::Music: file; empty: the configured one
  friend bool operator==(const MediaMember&, const MediaMember&) = default;
};
using SceneId = Id<struct SceneIdTag>;
// Who hears whom in one conversation, whole: replaces what was said of this scene before. An endpoint is in one scene
// at a time, the last that named it; one that is left out of a scene it was in is alone. No members: the scene is over.
struct MediaScene {
  SceneId scene;
  std::vector<MediaMember> members;
};

using PlayNo = std::uint64_t;
struct MediaPrompt {
  std::string file;  // id or path; the room knows the folder
  std::string text;  // else: to be spoken, by the configured command
  std::string language;
};
// Prompts to one endpoint, in order, in place of what its scene lets it hear. Answered by MediaPlayed when the last one
// was sent, or could not be had. A further MediaPlay replaces it, an empty one ends it; neither is answered for the
// old.
struct MediaPlay {
  MediaId media;
  PlayNo play = 0;
  std::vector<MediaPrompt> prompts;
};
// What the endpoint says goes to a file: begun anew, or ended (recording empty). Answered by MediaRecorded once it
// ended, by order or by one of the limits.
struct MediaRecord {
  MediaId media;
  PlayNo play = 0;
  std::string recording;         // id: the file's name without folder and .wav
  std::uint32_t max_ms = 0;      // 0: the room's limit
  std::uint32_t silence_ms = 0;  // 0: silence doesn't end it
};
// Digits to one listener, as telephone-events (RFC 4733) or, where it knows none, as tones (ITU-T Q.23) in its voice
// stream. One after the other; further ones queue up.
struct MediaDigits {
  MediaId media;
  std::string digits;  // 0-9 * # A-D, comma: a second's pause
};
struct MediaClose {
  MediaId media;
};  // the last word about it; it leaves its scene

}  // namespace tandem::connector
