#include "connector/media/worker.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "connector/media/g711.h"

namespace tandem::connector::media {
namespace {

constexpr std::uint64_t mailbox_tag = ~0ull;
constexpr std::uint64_t timer_tag = ~1ull;
constexpr std::size_t events_per_round = 512;
constexpr std::uint64_t most_frames_late = 5;  // ticks made up for after a delay; more are let go
constexpr Instant digit_end_lost_after = 200ms;
constexpr std::uint32_t comfort_visits = 5;  // one packet a second at first,
constexpr std::uint32_t comfort_every = 15;  // then as often as NATs need it
constexpr std::string_view cname = "media@tandem.invalid";

Instant steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

std::uint64_t ntp_now() {
  const auto since_1970 = std::chrono::duration_cast<Instant>(std::chrono::system_clock::now().time_since_epoch());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970);
  const auto fraction = static_cast<std::uint64_t>((since_1970 - seconds).count());
  return (static_cast<std::uint64_t>(seconds.count()) + 2208988800ull) << 32 | (fraction << 32) / 1'000'000'000ull;
}

Fd checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return Fd(fd);
}

bool add_to(const Fd& poll, int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  return ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

std::mt19937 seeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  return std::mt19937(seed);
}

void forget(std::vector<WireEndpoint*>& list, const WireEndpoint* endpoint) {
  const auto at = std::find(list.begin(), list.end(), endpoint);
  if (at == list.end()) return;
  *at = list.back();
  list.pop_back();
}

}  // namespace

Worker::Worker(const MediaSettings& settings, const FrameRings& rings, std::size_t slots, WorkerCallbacks callbacks)
    : settings_(settings),
      rings_(rings),
      callbacks_(std::move(callbacks)),
      latch_settings_{settings.latch_window, settings.relatch_after, LatchSettings{}.probation},
      poll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")),
      slots_(slots),
      random_(seeded()) {
  if (!add_to(poll_, mailbox_.descriptor(), mailbox_tag) || !add_to(poll_, timer_.get(), timer_tag)) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "media");
}

Worker::~Worker() {
  mailbox_.post(Stop{});
  thread_.join();
}

MediaCounters Worker::totals() const {
  const std::lock_guard lock(totals_mutex_);
  return totals_;
}

Instant Worker::cpu_time() const {
  clockid_t clock{};
  timespec spent{};
  auto& thread = const_cast<std::thread&>(thread_);
  if (::pthread_getcpuclockid(thread.native_handle(), &clock) != 0 || ::clock_gettime(clock, &spent) != 0)
    return Instant{0};
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

void Worker::run() {
  std::array<epoll_event, events_per_round> events;
  const timespec batch{std::chrono::duration_cast<std::chrono::seconds>(settings_.batch_window).count(),
                       (settings_.batch_window % 1s).count()};
  while (!stopping_) {
    const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
    now_ = steady_now();
    relayed_ = false;
    const std::span ready(events.data(), static_cast<std::size_t>(std::max(0, count)));
    // Orders first: one given before a packet was sent is carried out before the packet is looked at.
    if (std::any_of(ready.begin(), ready.end(), [](const auto& event) { return event.data.u64 == mailbox_tag; }))
      read_mailbox();
    for (const auto& event : ready) {
      const auto tag = event.data.u64;
      if (tag == mailbox_tag) {
        continue;
      } else if (tag == timer_tag) {
        tick();
      } else if ((tag & 1) == 0) {
        receive_rtp(static_cast<std::uint32_t>(tag >> 1));
      } else {
        receive_rtcp(static_cast<std::uint32_t>(tag >> 1));
      }
    }
    // Packets of many calls come one by one; waiting a moment makes one wake-up of many.
    if (relayed_ && count < static_cast<int>(events.size()) && settings_.batch_window > 0ns) {
      ::clock_nanosleep(CLOCK_MONOTONIC, 0, &batch, nullptr);
    }
  }
}

// --- messages ---

void Worker::read_mailbox() {
  mailbox_.take(messages_);
  for (auto& message : messages_) {
    if (expected_ && !std::holds_alternative<Adopt>(message)) {
      waiting_.push_back(std::move(message));
      continue;
    }
    dispatch(message);
    while (!expected_ && !waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      dispatch(next);
    }
  }
}

void Worker::dispatch(WorkerMessage& message) {
  std::visit([this](auto& alternative) { on(alternative); }, message);
}

WireEndpoint* Worker::find(MediaId id) {
  const auto slot = static_cast<std::size_t>(id.value & 0xffffff);
  if (!id || slot >= slots_.size() || !slots_[slot] || slots_[slot]->id != id) return nullptr;
  return slots_[slot].get();
}

bool Worker::watch(const WireEndpoint& endpoint) {
  const auto tag = static_cast<std::uint64_t>(endpoint.slot) << 1;
  if (!add_to(poll_, endpoint.sockets.rtp.get(), tag)) return false;
  if (!add_to(poll_, endpoint.sockets.rtcp.get(), tag | 1)) {
    ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, endpoint.sockets.rtp.get(), nullptr);
    return false;
  }
  ++open_;
  arm_timer();
  return true;
}

void Worker::unwatch(const WireEndpoint& endpoint) {
  ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, endpoint.sockets.rtp.get(), nullptr);
  ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, endpoint.sockets.rtcp.get(), nullptr);
  forget(bucket_[endpoint.slot % buckets], &endpoint);
  forget(playing_, &endpoint);
  --open_;
  arm_timer();
}

void Worker::on(Opened& message) {
  auto endpoint = std::make_unique<WireEndpoint>();
  endpoint->id = message.id;
  endpoint->slot = message.slot;
  endpoint->sockets = std::move(message.sockets);
  endpoint->stream = OutgoingStream(static_cast<std::uint32_t>(random_()), static_cast<std::uint16_t>(random_()),
                                    static_cast<std::uint32_t>(random_()));
  endpoint->heard_at = endpoint->sent_at = now_;
  // The kernel has no memory for it: the endpoint is dead, its party hears and says nothing.
  if (!watch(*endpoint)) return callbacks_.returned({endpoint->id, endpoint->slot, std::move(endpoint->sockets)});
  bucket_[endpoint->slot % buckets].push_back(endpoint.get());
  slots_[message.slot] = std::move(endpoint);
}

void Worker::on(MediaConnect& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  endpoint->agreement = std::move(message.agreement);
  const auto& agreement = endpoint->agreement;
  const auto remote = Address::parse(agreement.remote_ip, agreement.remote_rtp_port).value_or(Address{});
  const bool moved = !endpoint->agreed || !(remote == endpoint->latch.signalled());
  endpoint->latch.expect(remote, now_);
  if (moved) {
    endpoint->rtcp_target = remote;
    endpoint->rtcp_target.set_port(agreement.remote_rtcp_port != 0
                                       ? agreement.remote_rtcp_port
                                       : static_cast<std::uint16_t>(agreement.remote_rtp_port + 1));
    endpoint->rtcp_learned = false;
    endpoint->visits = 0;
  }
  endpoint->hears = agreement.direction == Direction::SendRecv || agreement.direction == Direction::SendOnly;
  endpoint->speaks = agreement.direction == Direction::SendRecv || agreement.direction == Direction::RecvOnly;
  const auto* own = sending_payload(agreement.payloads);
  endpoint->law = own != nullptr ? g711_of(*own) : G711::None;
  endpoint->own_payload = own != nullptr ? own->number : 0;
  endpoint->watched = message.watch_silence;
  endpoint->heard_at = now_;
  endpoint->silence_told = false;
  endpoint->agreed = true;
  update_rules(*endpoint);
  if (endpoint->peer != nullptr) update_rules(*endpoint->peer);
  if (moved) comfort(*endpoint);
}

void Worker::on(MediaBridge& message) {
  auto* a = find(message.a);
  auto* b = find(message.b);
  if (a != nullptr) unbridge(*a);
  if (b != nullptr) unbridge(*b);
  if (a == nullptr || b == nullptr || a == b) return;
  a->peer = b;
  b->peer = a;
  update_rules(*a);
  update_rules(*b);
}

void Worker::on(MediaTone& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  forget(playing_, endpoint);
  endpoint->tone = nullptr;
  const FrameRing* ring = message.tone == Tone::Ringback ? &rings_.ringback
                          : message.tone == Tone::Busy   ? &rings_.busy
                                                         : nullptr;
  if (ring == nullptr || ring->empty()) return;
  endpoint->tone = ring;
  endpoint->tone_position = 0;
  playing_.push_back(endpoint);
}

void Worker::on(MediaClose& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  if (endpoint->stream.started() || endpoint->reception.any()) report(*endpoint, true);
  unbridge(*endpoint);
  unwatch(*endpoint);
  count_in(*endpoint);
  const auto owner = std::move(slots_[endpoint->slot]);
  if (callbacks_.closed) callbacks_.closed(owner->id, owner->counters, owner->reception.jitter_ms());
  callbacks_.returned({owner->id, owner->slot, std::move(owner->sockets)});
}

void Worker::on(HandOver& message) {
  auto* endpoint = find(message.id);
  if (endpoint == nullptr) return message.to->post(Adopt{nullptr});
  unbridge(*endpoint);
  unwatch(*endpoint);
  count_in(*endpoint);
  message.to->post(Adopt{std::move(slots_[message.slot])});
}

void Worker::on(Expect& message) {
  expected_ = message.slot;
}

void Worker::on(Adopt& message) {
  expected_.reset();
  if (!message.endpoint) return;
  auto* endpoint = message.endpoint.get();
  if (!watch(*endpoint)) return callbacks_.returned({endpoint->id, endpoint->slot, std::move(endpoint->sockets)});
  slots_[endpoint->slot] = std::move(message.endpoint);
  bucket_[endpoint->slot % buckets].push_back(endpoint);
  if (endpoint->tone != nullptr) playing_.push_back(endpoint);
}

void Worker::on(Stop&) {
  stopping_ = true;
}

void Worker::unbridge(WireEndpoint& endpoint) {
  auto* peer = std::exchange(endpoint.peer, nullptr);
  if (peer == nullptr) return;
  peer->peer = nullptr;
  update_rules(endpoint);
  update_rules(*peer);
}

void Worker::update_rules(WireEndpoint& endpoint) {
  static const std::vector<Payload> nothing;
  endpoint.rules = payload_rules(endpoint.agreement.payloads,
                                 endpoint.peer != nullptr ? endpoint.peer->agreement.payloads : nothing);
}

// --- packets ---

void Worker::receive_rtp(std::uint32_t slot) {
  if (!slots_[slot]) return;  // closed in this round
  auto& endpoint = *slots_[slot];
  Address from;
  socklen_t length = Address::capacity();
  const auto size =
      ::recvfrom(endpoint.sockets.rtp.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT, from.data(), &length);
  if (size < 0) return;
  relayed_ = true;
  const std::span packet(buffer_.data(), static_cast<std::size_t>(size));
  if (endpoint.agreement.rtcp_mux && is_rtcp(packet)) {
    rtcp_packet(endpoint, packet.size(), from);
  } else {
    rtp_packet(endpoint, packet.size(), from);
  }
}

void Worker::receive_rtcp(std::uint32_t slot) {
  if (!slots_[slot]) return;
  auto& endpoint = *slots_[slot];
  Address from;
  socklen_t length = Address::capacity();
  const auto size =
      ::recvfrom(endpoint.sockets.rtcp.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT, from.data(), &length);
  if (size < 0) return;
  relayed_ = true;
  rtcp_packet(endpoint, static_cast<std::size_t>(size), from);
}

void Worker::rtp_packet(WireEndpoint& endpoint, std::size_t size, const Address& from) {
  const auto header = parse_rtp({buffer_.data(), size});
  if (!header) {
    if (size > 0) ++endpoint.counters.invalid;  // an empty datagram keeps a NAT open
    return;
  }
  if (endpoint.latch.judge(from, *header, now_, latch_settings_) == Latch::Verdict::Stranger) {
    ++endpoint.counters.strangers;
    return;
  }
  ++endpoint.counters.packets_in;
  endpoint.counters.bytes_in += size;
  endpoint.heard_at = now_;
  endpoint.silence_told = false;
  const auto& rule = endpoint.rules[header->payload_type];
  endpoint.reception.packet(*header, rule.clock_rate(), now_);
  if (!endpoint.speaks) {
    ++endpoint.counters.unwanted;
    return;
  }
  if (rule.event) {
    const auto event = parse_telephone_event({buffer_.data() + header->payload_offset, header->payload_size});
    if (event) {
      const auto heard = endpoint.digits.packet(*event, header->timestamp, rule.clock_rate(), now_);
      tell_digit(endpoint, heard.previous);
      tell_digit(endpoint, heard.present);
    }
  }
  relay(endpoint, *header, rule, size);
}

void Worker::relay(WireEndpoint& from, const RtpHeader& header, const PayloadRule& rule, std::size_t size) {
  auto* to = from.peer;
  if (to == nullptr || rule.how == Relaying::Drop || to->tone != nullptr || !to->can_hear()) {
    ++from.counters.unwanted;
    return;
  }
  const auto stamp = to->stream.relay({from.id.value, header.ssrc}, header, rule.number, rule.clock_rate(), now_);
  if (!stamp) {
    ++from.counters.unwanted;
    return;
  }
  stamp_rtp(buffer_, *stamp);
  if (rule.how != Relaying::Pass) {
    convert({buffer_.data() + header.payload_offset, header.payload_size},
            rule.how == Relaying::ToPcma ? pcmu_to_pcma() : pcma_to_pcmu());
  }
  send_rtp(*to, size, header.payload_size);
}

bool Worker::send_rtp(WireEndpoint& endpoint, std::size_t size, std::size_t payload_size) {
  const auto& to = endpoint.latch.target();
  if (::sendto(endpoint.sockets.rtp.get(), buffer_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL, to.data(), to.size()) <
      0) {
    ++endpoint.counters.send_failed;
    return false;
  }
  ++endpoint.counters.packets_out;
  endpoint.counters.bytes_out += size;
  ++endpoint.sent_packets_32;
  endpoint.sent_octets_32 += static_cast<std::uint32_t>(payload_size);
  endpoint.sent_at = now_;
  return true;
}

void Worker::rtcp_packet(WireEndpoint& endpoint, std::size_t size, const Address& from) {
  if (!endpoint.agreed || !(from.same_ip(endpoint.latch.target()) || from.same_ip(endpoint.latch.signalled()))) {
    ++endpoint.counters.strangers;
    return;
  }
  const auto summary = parse_rtcp({buffer_.data(), size});
  if (!summary) {
    if (size > 0) ++endpoint.counters.invalid;
    return;
  }
  ++endpoint.counters.rtcp_in;
  endpoint.heard_at = now_;
  endpoint.silence_told = false;
  if (!endpoint.agreement.rtcp_mux && !endpoint.rtcp_learned) {
    endpoint.rtcp_target = from;
    endpoint.rtcp_learned = true;
  }
  if (summary->sender) endpoint.reception.sender_report(*summary->sender, now_);
}

// --- time ---

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
  send_rtp(endpoint, rtp_header_size + frame_samples, frame_samples);
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
  send_rtp(endpoint, rtp_header_size + frame_samples, frame_samples);
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
