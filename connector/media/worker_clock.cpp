// What happens by time: tones, comfort, reports, silence.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "connector/media/g711.h"
#include "connector/media/worker.h"

namespace tandem::connector::media {
namespace {

constexpr std::uint64_t most_frames_late = 5;  // ticks made up for after a delay; more are let go
constexpr Instant digit_end_lost_after = 200ms;
constexpr std::uint32_t comfort_visits = 5;  // one packet a second at first,
constexpr std::uint32_t comfort_every = 15;  // then as often as NATs need it
constexpr std::string_view cname = "media@tandem.invalid";

std::uint64_t ntp_now() {
  const auto since_1970 = std::chrono::duration_cast<Instant>(std::chrono::system_clock::now().time_since_epoch());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970);
  const auto fraction = static_cast<std::uint64_t>((since_1970 - seconds).count());
  return (static_cast<std::uint64_t>(seconds.count()) + 2208988800ull) << 32 | (fraction << 32) / 1'000'000'000ull;
}

}  // namespace

void Worker::arm_timer() {
  if (timer_armed_ == (open_ > 0)) return;
  timer_armed_ = open_ > 0;
  itimerspec spec{};
  if (timer_armed_) spec.it_value.tv_nsec = spec.it_interval.tv_nsec = frame_time.count();
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

void Worker::tick() {
  std::uint64_t expired = 0;
  if (::read(timer_.get(), &expired, sizeof expired) != sizeof expired) return;
  for (std::uint64_t i = 0; i < std::min(expired, most_frames_late); ++i) {
    for (auto* endpoint : playing_) play(*endpoint);
  }
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(expired, buckets); ++i) {
    for (auto* endpoint : bucket_[next_bucket_]) visit(*endpoint);
    next_bucket_ = (next_bucket_ + 1) % buckets;
  }
}

void Worker::play(WireEndpoint& endpoint) {
  if (endpoint.law == G711::None || !endpoint.can_hear()) return;
  const auto frame = endpoint.tone->frame(endpoint.law, endpoint.tone_position++);
  const auto stamp = endpoint.stream.play(endpoint.own_payload, frame_samples, 8000, now_);
  write_rtp(std::span<std::uint8_t, rtp_header_size>(buffer_.data(), rtp_header_size), stamp);
  std::copy(frame.begin(), frame.end(), buffer_.begin() + rtp_header_size);
  send_rtp(endpoint, {buffer_.data(), rtp_header_size + frame_samples}, frame_samples);
}

void Worker::comfort(WireEndpoint& endpoint) {
  if (endpoint.tone != nullptr || !endpoint.can_hear()) return;
  if (endpoint.law == G711::None) {
    // An empty datagram opens a NAT as well and disturbs no decoder (RFC 6263 section 4.1).
    const auto& to = endpoint.latch.target();
    ::sendto(endpoint.sockets.rtp.get(), buffer_.data(), 0, MSG_DONTWAIT | MSG_NOSIGNAL, to.data(), to.size());
    endpoint.sent_at = now_;
    return;
  }
  const auto stamp = endpoint.stream.play(endpoint.own_payload, frame_samples, 8000, now_);
  write_rtp(std::span<std::uint8_t, rtp_header_size>(buffer_.data(), rtp_header_size), stamp);
  const auto silence = endpoint.law == G711::Pcma ? encode_pcma(0) : encode_pcmu(0);
  std::fill_n(buffer_.begin() + rtp_header_size, frame_samples, silence);
  send_rtp(endpoint, {buffer_.data(), rtp_header_size + frame_samples}, frame_samples);
}

// Once a second for each endpoint.
void Worker::visit(WireEndpoint& endpoint) {
  ++endpoint.visits;
  tell_digit(endpoint, endpoint.digits.expire(now_, digit_end_lost_after));
  count_in(endpoint);
  if (!endpoint.agreed) return;
  if (settings_.comfort_interval > 0ns && now_ - endpoint.sent_at >= settings_.comfort_interval &&
      (endpoint.visits <= comfort_visits || endpoint.visits % comfort_every == 0)) {
    comfort(endpoint);
  }
  if (settings_.silence_timeout > 0ns && endpoint.watched && !endpoint.silence_told &&
      now_ - endpoint.heard_at >= settings_.silence_timeout) {
    endpoint.silence_told = true;
    if (callbacks_.input) callbacks_.input(MediaSilent{endpoint.id});
  }
  const auto every = static_cast<std::uint32_t>(std::max<std::int64_t>(1, settings_.rtcp_interval / 1s));
  if (settings_.rtcp_interval > 0ns && (endpoint.visits + endpoint.slot) % every == 0 &&
      (endpoint.stream.started() || endpoint.reception.any())) {
    report(endpoint, false);
  }
}

void Worker::report(WireEndpoint& endpoint, bool bye) {
  const bool mux = endpoint.agreement.rtcp_mux;
  const auto& to = mux ? endpoint.latch.target() : endpoint.rtcp_target;
  if (!endpoint.agreed || settings_.rtcp_interval <= 0ns || !to.valid() || to.port() == 0 || to.any()) return;
  std::optional<SenderInfo> sender;
  if (endpoint.sent_packets_32 > 0) {
    sender =
        SenderInfo{ntp_now(), endpoint.stream.timestamp_at(now_), endpoint.sent_packets_32, endpoint.sent_octets_32};
  }
  std::array<std::uint8_t, 160> packet;
  const auto size = write_rtcp(packet, endpoint.stream.ssrc(), sender, endpoint.reception.report(now_), cname, bye);
  const auto& socket = mux ? endpoint.sockets.rtp : endpoint.sockets.rtcp;
  if (::sendto(socket.get(), packet.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL, to.data(), to.size()) >= 0) {
    ++endpoint.counters.rtcp_out;
  }
}

void Worker::tell_digit(const WireEndpoint& endpoint, const std::optional<Digit>& digit) {
  if (digit && callbacks_.input) callbacks_.input(DigitReceived{endpoint.id, digit->digit, digit->duration_ms});
}

void Worker::count_in(WireEndpoint& endpoint) {
  endpoint.counters.lost = endpoint.reception.lost();
  const std::lock_guard lock(totals_mutex_);
  totals_ += endpoint.counters;
  totals_ -= endpoint.counted;
  endpoint.counted = endpoint.counters;
}

}  // namespace tandem::connector::media
