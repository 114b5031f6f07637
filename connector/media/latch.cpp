#include "connector/media/latch.h"

namespace tandem::connector::media {

void Latch::expect(const Address& signalled, Instant now) {
  if (!expected_ || !(signalled == signalled_)) {
    settled_ = false;
    signalled_ = signalled;
  }
  candidate_count_ = 0;
  expected_ = true;
  expected_at_ = now;
}

Latch::Verdict Latch::settle(const Address& at, const RtpHeader& header, Instant now) {
  known_ = at;
  ssrc_ = header.ssrc;
  heard_at_ = now;
  settled_ = true;
  candidate_count_ = 0;
  return Verdict::Moved;
}

bool Latch::passes_probation(const Address& from, const RtpHeader& header, const LatchSettings& settings) {
  const bool follows = candidate_count_ > 0 && candidate_ == from && candidate_ssrc_ == header.ssrc &&
                       header.sequence == static_cast<std::uint16_t>(candidate_sequence_ + 1);
  candidate_ = from;
  candidate_ssrc_ = header.ssrc;
  candidate_sequence_ = header.sequence;
  candidate_count_ = follows ? static_cast<std::int16_t>(candidate_count_ + 1) : std::int16_t{1};
  return candidate_count_ >= settings.probation;
}

Latch::Verdict Latch::judge(const Address& from, const RtpHeader& header, Instant now, const LatchSettings& settings) {
  if (!expected_) return Verdict::Stranger;
  if (settled_ && from == known_) {
    heard_at_ = now;
    ssrc_ = header.ssrc;
    return Verdict::Accepted;
  }
  const bool in_window = now - expected_at_ <= settings.window;
  const bool signalled_ip = from.same_ip(signalled_);
  if (!settled_) {
    if (signalled_ip) return settle(from, header, now);
    if (in_window && passes_probation(from, header, settings)) return settle(from, header, now);
    return Verdict::Stranger;
  }
  if (in_window && signalled_ip && !known_.same_ip(signalled_)) return settle(from, header, now);
  const bool fell_silent = now - heard_at_ >= settings.relatch_after;
  if (fell_silent && header.ssrc == ssrc_) return settle(from, header, now);
  if (fell_silent && in_window && (signalled_ip || passes_probation(from, header, settings)))
    return settle(from, header, now);
  return Verdict::Stranger;
}

}  // namespace tandem::connector::media
