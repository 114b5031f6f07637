#include "connector/media/digit_sender.h"

#include <algorithm>
#include <cctype>

namespace tandem::connector::media {
namespace {

constexpr Instant step = 20ms;
constexpr Instant comma_pause = 1s;
constexpr std::uint8_t volume = 10;  // -10 dBm0

}  // namespace

std::optional<std::uint8_t> event_of(char digit) {
  constexpr std::string_view digits = "0123456789*#ABCD";
  const auto at = digits.find(static_cast<char>(std::toupper(static_cast<unsigned char>(digit))));
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint8_t>(at);
}

void DigitSender::add(std::string_view digits) {
  for (const char digit : digits) {
    if ((digit == ',' || event_of(digit)) && waiting_.size() < most_digits) waiting_.push_back(digit);
  }
}

std::optional<DigitSender::Packet> DigitSender::next(std::uint32_t clock_rate) {
  if (!under_way_) {
    if (waiting_.empty()) return std::nullopt;
    digit_ = waiting_.front();
    waiting_.pop_front();
    under_way_ = true;
    at_ = Instant{0};
  }
  at_ += step;
  const auto event = event_of(digit_);
  const auto length = event ? length_ : Instant{0};
  const auto pause = event ? pause_ : comma_pause;
  std::optional<Packet> packet;
  if (event && at_ - step < length) {
    const bool end = at_ >= length;
    const auto lasted = std::min(at_, length);
    const auto duration = static_cast<std::uint16_t>(
        std::min<std::int64_t>(0xffff, lasted.count() * static_cast<std::int64_t>(clock_rate) / 1'000'000'000));
    packet = Packet{at_ == step,
                    {*event, static_cast<std::uint8_t>((end ? 0x80 : 0) | volume),
                     static_cast<std::uint8_t>(duration >> 8), static_cast<std::uint8_t>(duration)},
                    end ? 3 : 1};
  }
  if (at_ >= length + pause) under_way_ = false;
  return packet;
}

}  // namespace tandem::connector::media
