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

enum class Tone { None, Ringback, Busy };

// Set or replaced; symmetric RTP: the first packet corrects the address. `watch_silence`: the party is in a call and
// has to send; begin to wait for its packets anew and say MediaSilent if none comes. False: on hold or not answered
// yet.
struct MediaConnect {
  MediaId media;
  Agreement agreement;
  bool watch_silence = false;
};
struct MediaBridge {
  MediaId a;
  MediaId b;
};  // relay between both; {a, none}: a is alone again
struct MediaTone {
  MediaId media;
  Tone tone;
};  // played to the party instead of relayed media; None: ends it
struct MediaClose {
  MediaId media;
};  // the last word about it; a bridge with it is gone as well

}  // namespace tandem::connector
