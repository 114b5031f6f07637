// What the core asks of the media room, as plain values. A media endpoint is a pair of UDP sockets (RTP, RTCP) facing one party.
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
  std::string ip;           // address to write into SDP
  std::uint16_t rtp_port = 0;   // even; RTCP is the next one
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
  std::uint8_t number = 0;     // RTP payload type on this leg
  std::string encoding;        // "PCMU", "telephone-event", upper/lower case as in the SDP
  std::uint32_t clock_rate = 8000;
  std::uint8_t channels = 1;
  std::string parameters;      // a=fmtp
};

enum class Direction { SendRecv, SendOnly, RecvOnly, Inactive };  // as we act towards this party

// Everything a leg's offer/answer settled. First payload that is not telephone-event is what we send.
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

struct MediaConnect { MediaId media; Agreement agreement; };   // set or replaced; symmetric RTP: the first packet corrects the address
struct MediaBridge { MediaId a; MediaId b; };                  // relay between both; {a, none}: a is alone again
struct MediaTone { MediaId media; Tone tone; };                // played to the party instead of relayed media
struct MediaClose { MediaId media; };

}  // namespace tandem::connector
