#include "connector/media/stream.h"

#include <algorithm>

namespace tandem::connector::media {
namespace {

// A sequence number this far off is a restart of the source, not loss or disorder (RFC 3550 appendix A.1).
constexpr int max_dropout = 3000;
constexpr int max_misorder = 100;
constexpr Instant longest_gap = 600s;

std::uint32_t ticks(Instant elapsed, std::uint32_t clock_rate) {
  const auto bounded = std::clamp(elapsed, Instant{0}, longest_gap);
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(bounded.count()) * clock_rate / 1'000'000'000u);
}

}  // namespace

OutgoingStream::OutgoingStream(std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp)
    : ssrc_(ssrc), next_sequence_(sequence), next_timestamp_(timestamp) {}

std::uint32_t OutgoingStream::timestamp_at(Instant now) const {
  return next_timestamp_ + (started_ ? ticks(now - last_sent_, clock_rate_) : 0);
}

void OutgoingStream::begin(const SourceKey& source, std::int64_t in_sequence, std::uint32_t in_timestamp,
                           std::uint32_t clock_rate, Instant now) {
  // Time went on while nobody spoke: the timestamp moves by as much, and by one sample at least.
  std::uint32_t timestamp = next_timestamp_;
  if (started_) timestamp += std::max<std::uint32_t>(1, ticks(now - last_sent_, clock_rate));
  source_ = source;
  clock_rate_ = clock_rate;
  first_in_ = highest_in_ = in_sequence;
  sequence_offset_ = next_sequence_ - in_sequence;
  timestamp_offset_ = timestamp - in_timestamp;
}

std::optional<RtpStamp> OutgoingStream::relay(const SourceKey& source, const RtpHeader& in, std::uint8_t payload_type,
                                              std::uint32_t clock_rate, Instant now) {
  RtpStamp stamp;
  stamp.payload_type = payload_type;
  stamp.ssrc = ssrc_;
  stamp.marker = in.marker;
  std::int64_t sequence = in.sequence;
  bool fresh = !started_ || source != source_;
  if (!fresh) {
    const int step =
        static_cast<std::int16_t>(static_cast<std::uint16_t>(in.sequence - static_cast<std::uint16_t>(highest_in_)));
    sequence = highest_in_ + step;
    if (step > max_dropout || step < -max_misorder) {
      fresh = true;
      sequence = in.sequence;
    } else if (sequence < first_in_) {
      return std::nullopt;
    }
  }
  if (fresh) {
    begin(source, sequence, in.timestamp, clock_rate, now);
    stamp.marker = true;
  }
  const std::int64_t out = sequence + sequence_offset_;
  stamp.sequence = static_cast<std::uint16_t>(out);
  stamp.timestamp = in.timestamp + timestamp_offset_;
  if (sequence >= highest_in_) {
    highest_in_ = sequence;
    next_sequence_ = out + 1;
    // The packets of one event share the timestamp of its beginning: time goes on from there.
    if (stamp.timestamp != next_timestamp_ || !started_ || fresh) last_sent_ = now;
    next_timestamp_ = stamp.timestamp;
  }
  started_ = true;
  return stamp;
}

RtpStamp OutgoingStream::event(std::uint8_t payload_type, bool first, std::uint32_t clock_rate, Instant now) {
  const SourceKey events{0, 1};
  RtpStamp stamp;
  stamp.payload_type = payload_type;
  stamp.ssrc = ssrc_;
  if (first || !started_ || source_ != events) {
    begin(events, next_sequence_, 0, clock_rate, now);
    stamp.marker = true;
    last_sent_ = now;
  }
  stamp.sequence = static_cast<std::uint16_t>(next_sequence_++);
  stamp.timestamp = next_timestamp_ = timestamp_offset_;
  started_ = true;
  return stamp;
}

RtpStamp OutgoingStream::play(std::uint8_t payload_type, std::uint32_t samples, std::uint32_t clock_rate, Instant now) {
  RtpStamp stamp;
  stamp.payload_type = payload_type;
  stamp.ssrc = ssrc_;
  const SourceKey self{};
  if (!started_ || source_ != self) {
    begin(self, next_sequence_, 0, clock_rate, now);
    stamp.marker = true;
  }
  stamp.sequence = static_cast<std::uint16_t>(next_sequence_);
  stamp.timestamp = timestamp_offset_;
  next_timestamp_ = timestamp_offset_;
  timestamp_offset_ += samples;
  ++next_sequence_;
  last_sent_ = now;
  started_ = true;
  return stamp;
}

}  // namespace tandem::connector::media
