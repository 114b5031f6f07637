// The one RTP stream a party hears from us, whatever it is made of: relayed from one party, then another, or a tone.
// Its SSRC never changes and its sequence numbers and timestamps go on, so that a phone's jitter buffer sees no seam.
// Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "connector/media/rtp.h"

namespace tandem::connector::media {

// Where packets come from: a party and its SSRC, or ourselves (0). Another value means another source.
struct SourceKey {
  std::uint64_t party = 0;
  std::uint32_t ssrc = 0;
  friend bool operator==(const SourceKey&, const SourceKey&) = default;
};

class OutgoingStream {
 public:
  OutgoingStream() = default;
  // Starting values: random in the programs, chosen in tests (RFC 3550 section 5.1).
  OutgoingStream(std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp);

  // Stamps a packet taken over from `source`. None: it is older than the switch to this source, or an old duplicate,
  // and would collide with what was sent before; drop it.
  std::optional<RtpStamp> relay(const SourceKey& source, const RtpHeader& in, std::uint8_t payload_type,
                                std::uint32_t clock_rate, Instant now);
  // Stamps a packet of our own that lasts `samples`.
  RtpStamp play(std::uint8_t payload_type, std::uint32_t samples, std::uint32_t clock_rate, Instant now);

  // Stamps a telephone-event packet of our own: all of one event carry the timestamp of its `first`.
  RtpStamp event(std::uint8_t payload_type, bool first, std::uint32_t clock_rate, Instant now);

  std::uint32_t ssrc() const { return ssrc_; }
  bool started() const { return started_; }
  // The stream's timestamp at `now`, for sender reports.
  std::uint32_t timestamp_at(Instant now) const;

 private:
  void begin(const SourceKey& source, std::int64_t in_sequence, std::uint32_t in_timestamp, std::uint32_t clock_rate,
             Instant now);

  std::uint32_t ssrc_ = 0;
  std::uint32_t clock_rate_ = 8000;
  std::int64_t next_sequence_ = 0;    // one more than the highest sent, unwrapped
  std::uint32_t next_timestamp_ = 0;  // of the first packet; later: the last packet's
  Instant last_sent_{0};
  bool started_ = false;

  SourceKey source_;
  std::int64_t highest_in_ = 0;  // unwrapped
  std::int64_t first_in_ = 0;    // unwrapped, at the switch
  std::int64_t sequence_offset_ = 0;
  std::uint32_t timestamp_offset_ = 0;
};

}  // namespace tandem::connector::media
