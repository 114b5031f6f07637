// Digits sent as telephone-events (RFC 4733 section 2.5): told every 20 ms while they last, the end three times over.
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "common/base/time.h"

namespace tandem::connector::media {

class DigitSender {
 public:
  explicit DigitSender(Instant length = 100ms, Instant pause = 100ms) : length_(length), pause_(pause) {}
  // 0-9 * # A-D in either case; a comma is a second's pause. Others are left out. No more than most_digits wait.
  void add(std::string_view digits);
  bool busy() const { return under_way_ || !waiting_.empty(); }

  struct Packet {
    bool first = false;  // begins a new event: marker, and a timestamp of its own
    std::array<std::uint8_t, 4> payload{};
    int copies = 1;  // the end is sent three times
  };
  // One each 20 ms; none: a pause.
  std::optional<Packet> next(std::uint32_t clock_rate);

  static constexpr std::size_t most_digits = 128;

 private:
  std::deque<char> waiting_;
  Instant length_, pause_;
  bool under_way_ = false;
  char digit_ = 0;
  Instant at_{0};
};

// RFC 4733 section 3.2 table 3; none: not a digit.
std::optional<std::uint8_t> event_of(char digit);

}  // namespace tandem::connector::media
