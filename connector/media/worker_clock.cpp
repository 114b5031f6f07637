// What happens by time: tones, comfort, reports, silence.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

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

// Ticks every 5 ms while something is played or mixed, every 20 ms for the rest.
void Worker::arm_timer() {
  const auto some = [](const auto& lists) {
    return std::any_of(lists.begin(), lists.end(), [](const auto& list) { return !list.empty(); });
  };
  const auto wanted = open_ == 0 ? Instant{0} : some(playing_) || some(mixing_) ? frame_time / phases : frame_time;
  if (tick_ == wanted) return;
  tick_ = wanted;
  if (settings_.stepped) return;
  itimerspec spec{};
  spec.it_value.tv_nsec = spec.it_interval.tv_nsec = wanted.count();
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

void Worker::tick() {
  std::uint64_t expired = 0;
  if (::read(timer_.get(), &expired, sizeof expired) == sizeof expired) turn(expired);
}

void Worker::pass(const Advance& advance) {
  receive_all();
  for (const Instant end = now_ + advance.by; now_ < end;) {
    now_ += frame_time / phases;
    const bool whole = ++steps_ % phases == 0;
    if (tick_ > 0ns && (whole || tick_ < frame_time)) turn(1);
  }
  advance.done();
}

void Worker::turn(std::uint64_t expired) {
  const auto turns = std::min<std::uint64_t>(expired, buckets) * (tick_ == frame_time ? phases : 1);
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    phase_ = (phase_ + 1) % phases;
    if (turn < most_frames_late * phases) {
      auto& playing = playing_[phase_];
      for (std::size_t i = 0; i < playing.size();) {
        if (play(*playing[i])) {
          ++i;
        } else {
          playing[i]->scheduled = false;
          playing[i] = playing.back();
          playing.pop_back();
        }
      }
      for (auto* scene : mixing_[phase_]) mix(*scene);
    }
    if (phase_ != 0) continue;
    for (auto* endpoint : bucket_[next_bucket_]) visit(*endpoint);
    next_bucket_ = (next_bucket_ + 1) % buckets;
  }
  arm_timer();
}

void Worker::schedule(WireEndpoint& endpoint) {
  if (endpoint.scheduled || !endpoint.timed()) return;
  endpoint.scheduled = true;
  playing_[endpoint.phase()].push_back(&endpoint);
  arm_timer();
}

// False: nothing is left to be done.
bool Worker::play(WireEndpoint& endpoint) {
  if (endpoint.recorder && !endpoint.in_mix) {
    endpoint.talker->pull();
    record(endpoint);
  }
  if (endpoint.digits_out.busy()) {
    send_digit(endpoint);
  } else if (const auto frame = endpoint.player.next()) {
    if (endpoint.can_hear()) send_clip(endpoint, *frame->clip, frame->number);
  }
  if (const auto play = endpoint.player.finished()) tell(MediaPlayed{endpoint.id, *play});
  return endpoint.timed();
}

void Worker::send_clip(WireEndpoint& endpoint, const Clip& clip, std::uint32_t number) {
  switch (endpoint.coding) {
    case Coding::None:
      return;
    case Coding::Opus:
      return send_frame(endpoint, encode(endpoint, clip.samples(number)));
    default:
      return send_frame(endpoint, clip.frame(endpoint.coding, number));
  }
}

std::span<std::uint8_t> Worker::encode(WireEndpoint& endpoint, std::span<const std::int16_t> samples) {
  if (!endpoint.encoder || endpoint.encoder->coding() != endpoint.coding)
    endpoint.encoder = std::make_unique<Encoder>(endpoint.coding);
  return endpoint.encoder->encode(samples, encoded_);
}

// 20 ms in the endpoint's coding.
void Worker::send_frame(WireEndpoint& endpoint, std::span<const std::uint8_t> octets) {
  const auto clock = clock_rate(endpoint.coding);
  const auto stamp = endpoint.stream.play(endpoint.own_payload, clock / 50, clock, now_);
  write_rtp(std::span<std::uint8_t, rtp_header_size>(buffer_.data(), rtp_header_size), stamp);
  std::copy(octets.begin(), octets.end(), buffer_.begin() + rtp_header_size);
  send_rtp(endpoint, {buffer_.data(), rtp_header_size + octets.size()}, octets.size());
}

void Worker::comfort(WireEndpoint& endpoint) {
  if (endpoint.occupied() || !endpoint.can_hear()) return;
  if (endpoint.coding != Coding::None) return send_clip(endpoint, *clips_->silence, 0);
  // An empty datagram opens a NAT as well and disturbs no decoder (RFC 6263 section 4.1).
  const auto& to = endpoint.latch.target();
  ::sendto(endpoint.sockets.rtp.get(), buffer_.data(), 0, MSG_DONTWAIT | MSG_NOSIGNAL, to.data(), to.size());
  endpoint.sent_at = now_;
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
