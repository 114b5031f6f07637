// Telephone events of a stream put together to digits (RFC 4733): one report for each, however often its packets
// repeat. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "connector/media/rtp.h"

namespace tandem::connector::media {

struct Digit {
  char digit = 0;
  std::uint32_t duration_ms = 0;
  friend bool operator==(const Digit&, const Digit&) = default;
};

class DigitDetector {
 public:
  struct Heard {
    std::optional<Digit> previous;  // its end was lost, and this packet begins another
    std::optional<Digit> present;
  };
  Heard packet(const TelephoneEvent& event, std::uint32_t timestamp, std::uint32_t clock_rate, Instant now);
  // The digit under way, if nothing came of it for `after`: its end was lost.
  std::optional<Digit> expire(Instant now, Instant after);

 private:
  std::optional<Digit> finish();

  bool under_way_ = false;  // begun and not reported
  bool any_ = false;
  char digit_ = 0;
  std::uint32_t timestamp_ = 0;
  std::uint32_t duration_ms_ = 0;
  Instant at_{0};
};

}  // namespace tandem::connector::media
