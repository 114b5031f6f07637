// Digits out of telephone events.
#include <catch2/catch.hpp>

#include "connector/media/digits.h"

using namespace tandem;
using namespace tandem::connector::media;

namespace {

TelephoneEvent event(std::uint8_t number, std::uint16_t duration, bool end = false) {
  return {number, end, 10, duration};
}

}  // namespace

TEST_CASE("a digit is told once, at its first end packet, with its duration") {
  DigitDetector digits;
  CHECK_FALSE(digits.packet(event(5, 160), 1000, 8000, 0ms).present);
  CHECK_FALSE(digits.packet(event(5, 320), 1000, 8000, 20ms).present);
  const auto heard = digits.packet(event(5, 800, true), 1000, 8000, 100ms);
  CHECK_FALSE(heard.previous);
  CHECK(heard.present == Digit{'5', 100});
  for (int i = 0; i < 3; ++i) CHECK_FALSE(digits.packet(event(5, 800, true), 1000, 8000, 100ms).present);
  CHECK_FALSE(digits.expire(10s, 200ms));
}

TEST_CASE("the same digit again is another timestamp") {
  DigitDetector digits;
  CHECK(digits.packet(event(1, 400, true), 1000, 8000, 0ms).present == Digit{'1', 50});
  CHECK(digits.packet(event(1, 400, true), 3000, 8000, 250ms).present == Digit{'1', 50});
}

TEST_CASE("a digit whose end was lost is told when the next begins, or after a while") {
  DigitDetector digits;
  digits.packet(event(10, 640), 1000, 8000, 0ms);
  const auto heard = digits.packet(event(11, 160, true), 9000, 8000, 900ms);
  CHECK(heard.previous == Digit{'*', 80});
  CHECK(heard.present == Digit{'#', 20});
  digits.packet(event(15, 160), 12000, 8000, 1200ms);
  CHECK_FALSE(digits.expire(1300ms, 200ms));
  CHECK(digits.expire(1400ms, 200ms) == Digit{'D', 20});
  CHECK_FALSE(digits.expire(2000ms, 200ms));
  // Its end comes after all: it was told.
  CHECK_FALSE(digits.packet(event(15, 800, true), 12000, 8000, 2000ms).present);
}

TEST_CASE("late repetitions of the digit before don't come back as digits") {
  DigitDetector digits;
  digits.packet(event(1, 400, true), 1000, 8000, 0ms);
  digits.packet(event(2, 160), 3000, 8000, 250ms);
  const auto late = digits.packet(event(1, 400, true), 1000, 8000, 251ms);
  CHECK_FALSE(late.previous);
  CHECK_FALSE(late.present);
  CHECK(digits.packet(event(2, 400, true), 3000, 8000, 300ms).present == Digit{'2', 50});
}

TEST_CASE("other events are not digits; a clock of zero does no harm") {
  DigitDetector digits;
  CHECK_FALSE(digits.packet(event(36, 400, true), 1, 8000, 0ms).present);
  CHECK(digits.packet(event(3, 4800, true), 5, 48000, 0ms).present == Digit{'3', 100});
  CHECK(digits.packet(event(4, 1, true), 50000, 0, 1s).present->digit == '4');
}
