// Session descriptions (RFC 4566), as far as one audio stream in a call needs them: a parser that takes any bytes and a
// writer that is strict. Nothing here decides; offer_answer.h does.
//
// The parser takes what real phones send: LF alone at line ends, missing v=, o=, s= or t= lines, unknown lines and
// attributes, static payloads without rtpmap. It never keeps control characters, so that what is written from it stays
// one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "connector/core/media_port.h"

namespace tandem::connector::sdp {

inline constexpr std::size_t kSizeMax = 32768;      // bytes of a description
inline constexpr std::size_t kMediaMax = 16;        // m= lines
inline constexpr std::size_t kPayloadsMax = 48;     // formats of one m= line that are kept
inline constexpr std::size_t kParametersMax = 512;  // bytes of an fmtp value

// One m= line and what belongs to it.
struct Media {
  std::string type;       // "audio"
  std::string transport;  // "RTP/AVP"
  std::string format;     // the first format as written, for declining the line
  std::uint16_t port = 0;
  std::string ip;           // of c=, the line's own or the session's; empty: none, or not an address
  bool ip_is_zero = false;  // 0.0.0.0 or ::, the old way to hold
  bool rtcp_mux = false;
  std::uint16_t rtcp_port = 0;                // a=rtcp (RFC 3605), 0: absent
  Direction direction = Direction::SendRecv;  // as the writer of the description says of itself
  std::vector<Payload> payloads;              // RTP lines only
  std::uint32_t ptime_ms = 0;                 // 0: absent
  std::uint32_t maxptime_ms = 0;
};

struct Description {
  std::vector<Media> media;
};

Result<Description, Failure> parse(std::string_view text);

// An m= line that is there only to keep its place: written with port 0 (RFC 3264 section 6).
struct Declined {
  std::string type, transport, format;
};

// What we say of ourselves: one audio line, the others declined.
struct Local {
  std::uint64_t session = 0;  // o= session id
  std::uint32_t version = 0;  // o= version
  std::string ip;
  std::uint16_t port = 0;  // 0: the line is declined, too
  std::string transport = "RTP/AVP";
  Direction direction = Direction::SendRecv;
  bool rtcp_mux = false;
  std::uint32_t ptime_ms = 0;  // 0: not written
  std::uint32_t maxptime_ms = 0;
  std::vector<Payload> payloads;
  std::size_t line = 0;          // place of the audio line
  std::vector<Declined> others;  // all other lines in their order
};

std::string write(const Local& local);

bool same_text(std::string_view a, std::string_view b);  // ASCII letters in either case
bool same_encoding(const Payload& a, const Payload& b);  // name, clock rate, channels

}  // namespace tandem::connector::sdp
