// The voice codecs we decode and encode ourselves: G.711, G.722, Opus. One object is one stream's state. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/time.h"
#include "connector/core/media_port.h"

struct OpusDecoder;
struct OpusEncoder;
struct g722_decode_state_s;
struct g722_encode_state_s;

namespace tandem::connector::media {

enum class Coding : std::uint8_t { None, Pcmu, Pcma, G722, Opus };
Coding coding_of(const Payload& payload);

// Samples a second inside: 8000 for G.711, 16000 for the others. Opus is decoded and encoded as wideband mono.
constexpr std::uint32_t sample_rate(Coding coding) {
  return coding == Coding::G722 || coding == Coding::Opus ? 16000 : 8000;
}
// RTP timestamp units a second: G.722 says 8000 (RFC 3551 section 4.5.2), Opus 48000 (RFC 7587).
constexpr std::uint32_t clock_rate(Coding coding) {
  return coding == Coding::Opus ? 48000 : 8000;
}

constexpr Instant frame_time = 20ms;
constexpr std::size_t most_frame_samples = 320;    // 20 ms at 16 kHz
constexpr std::size_t most_packet_samples = 1920;  // 120 ms at 16 kHz, the longest Opus packet
constexpr std::size_t most_encoded_octets = 400;   // of 20 ms, in any coding

// How long the payload sounds; 0: it can't be told, or is longer than 120 ms.
Instant duration_of(Coding coding, std::span<const std::uint8_t> payload);

class Decoder {
 public:
  explicit Decoder(Coding coding);
  Coding coding() const { return coding_; }
  // Into `out`, which has room for most_packet_samples; the part used. Empty: not decodable.
  std::span<std::int16_t> decode(std::span<const std::uint8_t> payload, std::span<std::int16_t> out);
  // Opus makes up for what was lost itself; `next`: the payload after it, which may hold a spare copy (RFC 6716 section
  // 2.1.7). Empty: this codec doesn't.
  std::span<std::int16_t> conceal(std::size_t samples, std::span<const std::uint8_t> next, std::span<std::int16_t> out);

 private:
  struct Close {
    void operator()(g722_decode_state_s* decoder) const;
    void operator()(OpusDecoder* decoder) const;
  };
  Coding coding_;
  std::unique_ptr<g722_decode_state_s, Close> g722_;
  std::unique_ptr<OpusDecoder, Close> opus_;
};

class Encoder {
 public:
  explicit Encoder(Coding coding);
  Coding coding() const { return coding_; }
  // 20 ms at the coding's sample rate. The part of `out` that was used.
  std::span<std::uint8_t> encode(std::span<const std::int16_t> samples,
                                 std::span<std::uint8_t, most_encoded_octets> out);

 private:
  struct Close {
    void operator()(g722_encode_state_s* encoder) const;
    void operator()(OpusEncoder* encoder) const;
  };
  Coding coding_;
  std::unique_ptr<g722_encode_state_s, Close> g722_;
  std::unique_ptr<OpusEncoder, Close> opus_;
};

}  // namespace tandem::connector::media
