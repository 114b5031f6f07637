#include "connector/media/jitter_buffer.h"

#include <algorithm>

namespace tandem::connector::media {
namespace {

constexpr Instant step = 5ms;
constexpr Instant window = 5s;
constexpr float forgetting = 1.002f;  // a packet 500 packets ago counts 1/e
constexpr float in_time = 0.98f;      // share of packets that should come in time
constexpr std::uint32_t every = 10;   // packets between two looks
constexpr int restart_gap = 500;      // packets; more is a sender that began anew
constexpr int restart_late = 15;      // in a row
constexpr Instant timestamp_jump = 2s;

}  // namespace

JitterBuffer::JitterBuffer(JitterSettings settings) : settings_(settings), places_(places), wanted_(settings.start) {
  for (auto& place : places_) place.octets.reserve(most_encoded_octets);
}

void JitterBuffer::clear() {
  for (auto& place : places_) place.used = false;
  count_ = 0;
  waiting_ = Instant{0};
  running_ = measured_ = false;
}

void JitterBuffer::measure(const Packet& packet, Instant now, Instant ahead) {
  Instant moved{0};
  if (measured_ && packet.clock_rate == clock_rate_) {
    const auto ticks = static_cast<std::int32_t>(packet.timestamp - last_timestamp_);
    moved = std::chrono::nanoseconds(ticks * 1'000'000'000ll / static_cast<std::int64_t>(packet.clock_rate));
  }
  const auto transit = now - (sent_ + moved);
  // Began anew, another clock, or a jump that no network makes: what was measured says nothing about it.
  if (!measured_ || packet.clock_rate != clock_rate_ || transit - quickest_ > timestamp_jump ||
      quickest_ - transit > timestamp_jump) {
    measured_ = true;
    clock_rate_ = packet.clock_rate;
    last_timestamp_ = packet.timestamp;
    sent_ = now;
    quickest_ = quickest_before_ = Instant{0};
    window_began_ = now;
    delay_ = std::max(wanted_, ahead);
    return;
  }
  sent_ += moved;
  last_timestamp_ = packet.timestamp;
  if (now - window_began_ > window) {
    quickest_before_ = quickest_;
    quickest_ = transit;
    window_began_ = now;
  }
  quickest_ = std::min(quickest_, transit);
  const auto late = transit - std::min(quickest_, quickest_before_);

  const auto at = static_cast<std::size_t>(std::clamp<std::int64_t>(late / step, 0, steps));
  weight_ *= forgetting;
  lateness_[at] += weight_;
  if (weight_ > 1e6f) {
    for (auto& count : lateness_) count /= weight_;
    weight_ = 1;
  }
  if (++since_wanted_ >= every) {
    since_wanted_ = 0;
    float all = 0;
    for (const float count : lateness_) all += count;
    float below = 0;
    std::size_t i = 0;
    while (i < steps && (below += lateness_[i]) < in_time * all) ++i;
    wanted_ = std::clamp<Instant>(step * static_cast<std::int64_t>(i + 1), settings_.least, settings_.most);
  }
  const auto there = ahead + waiting_ + late;
  delay_ += (there - delay_) / 16;
}

JitterBuffer::Put JitterBuffer::put(const Packet& packet, Instant now, Instant ahead) {
  auto result = Put::Kept;
  if (running_) {
    const int from_next = static_cast<std::int16_t>(static_cast<std::uint16_t>(packet.sequence - next_));
    if (from_next > restart_gap || from_next < -restart_gap) {
      clear();
      result = Put::Restarted;
    } else if (from_next < 0) {
      // All of them late: its numbers began anew a little below.
      if (++late_in_row_ < restart_late) return Put::Late;
      clear();
      result = Put::Restarted;
    } else {
      while (from_next >= static_cast<int>(places) && count_ > 0 &&
             static_cast<std::uint16_t>(packet.sequence - next_) >= places)
        drop_first();
      if (static_cast<std::uint16_t>(packet.sequence - next_) >= places) next_ = packet.sequence;
    }
  }
  if (!running_) {
    running_ = true;
    next_ = packet.sequence;
  }
  late_in_row_ = 0;
  auto& place = places_[packet.sequence % places];
  if (place.used) return Put::Twice;
  if (packet.coding != Coding::None) measure(packet, now, ahead);
  place.used = true;
  place.packet = packet;
  place.octets.assign(packet.payload.begin(), packet.payload.end());
  place.packet.payload = place.octets;
  ++count_;
  waiting_ += packet.duration;
  if (packet.duration > 0ns) last_duration_ = packet.duration;
  // What came all at once after a stall is not played late for ever.
  while (waiting_ > settings_.most + 100ms) drop_first();
  return result;
}

void JitterBuffer::drop_first() {
  while (!places_[next_ % places].used) ++next_;
  auto& place = places_[next_ % places];
  place.used = false;
  --count_;
  waiting_ -= place.packet.duration;
  delay_ -= place.packet.duration;
  ++next_;
}

JitterBuffer::Next JitterBuffer::take() {
  Next next;
  if (count_ == 0) return next;
  auto* place = &places_[next_ % places];
  if (!place->used) {
    std::uint16_t behind = next_;
    while (!places_[behind % places].used) ++behind;
    next.what = Next::What::Missing;
    next.missing = last_duration_ * static_cast<std::uint16_t>(behind - next_);
    next.packet = places_[behind % places].packet;
    next_ = behind;
    return next;
  }
  place->used = false;
  --count_;
  waiting_ -= place->packet.duration;
  ++next_;
  next.what = Next::What::Packet;
  next.packet = place->packet;
  return next;
}

}  // namespace tandem::connector::media
