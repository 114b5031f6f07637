#include "connector/media/digits.h"

#include <algorithm>
#include <utility>

namespace tandem::connector::media {

std::optional<Digit> DigitDetector::finish() {
  if (!std::exchange(under_way_, false)) return std::nullopt;
  return Digit{digit_, duration_ms_};
}

DigitDetector::Heard DigitDetector::packet(const TelephoneEvent& event, std::uint32_t timestamp,
                                           std::uint32_t clock_rate, Instant now) {
  Heard heard;
  const char digit = digit_of(event.event);
  if (digit == 0) return heard;
  // All packets of one event carry the timestamp of its beginning.
  if (!any_ || timestamp != timestamp_) {
    if (any_ && static_cast<std::int32_t>(timestamp - timestamp_) < 0 && now - at_ < 1s)
      return heard;  // a late repetition
    heard.previous = finish();
    any_ = under_way_ = true;
    digit_ = digit;
    timestamp_ = timestamp;
    duration_ms_ = 0;
  }
  at_ = now;
  if (!under_way_) return heard;
  duration_ms_ =
      std::max(duration_ms_, static_cast<std::uint32_t>(event.duration * 1000ull / std::max(1u, clock_rate)));
  if (event.end) heard.present = finish();
  return heard;
}

std::optional<Digit> DigitDetector::expire(Instant now, Instant after) {
  if (!under_way_ || now - at_ < after) return std::nullopt;
  return finish();
}

}  // namespace tandem::connector::media
