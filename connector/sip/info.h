// Digits by INFO: application/dtmf-relay ("Signal=5\r\nDuration=160") and application/dtmf ("5").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::connector {

struct InfoSignal {
  char digit = 0;  // 0-9 * # A-D; 0: a signal that is no digit, such as a hook flash
  std::uint32_t duration_ms = 250;
};

bool carries_digits(std::string_view content_type);
// None: the body can't be read.
std::optional<InfoSignal> read_signal(std::string_view content_type, std::string_view body);

}  // namespace tandem::connector
