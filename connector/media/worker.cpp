#include "connector/media/worker.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <system_error>

namespace tandem::connector::media {
namespace {

constexpr std::uint64_t mailbox_tag = ~0ull;
constexpr std::uint64_t timer_tag = ~1ull;
constexpr std::size_t events_per_round = 512;

Instant steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
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

Worker::Worker(const MediaSettings& settings, std::shared_ptr<const StandardClips> clips, SoundLibrary& library,
               std::size_t slots, WorkerCallbacks callbacks)
    : settings_(settings),
      clips_(std::move(clips)),
      library_(library),
      music_file_(settings.music_file),
      callbacks_(std::move(callbacks)),
      latch_settings_{settings.latch_window, settings.relatch_after, LatchSettings{}.probation},
      poll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")),
      now_(settings.stepped ? 1h : 0s),
      slots_(slots),
      random_(seeded()) {
  if (!add_to(poll_, mailbox_->descriptor(), mailbox_tag) || !add_to(poll_, timer_.get(), timer_tag)) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "media");
}

Worker::~Worker() {
  mailbox_->post(Stop{});
  thread_.join();
  for (const auto& endpoint : slots_) {
    if (endpoint && endpoint->recorder) end_recording(*endpoint, MediaRecorded::End::Ordered);
  }
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
    if (!settings_.stepped) now_ = steady_now();
    relayed_ = false;
    const std::span ready(events.data(), static_cast<std::size_t>(std::max(0, count)));
    // Orders first: one given before a packet was sent is carried out before the packet is looked at.
    if (std::any_of(ready.begin(), ready.end(), [](const auto& event) { return event.data.u64 == mailbox_tag; }))
      read_mailbox();
    for (const auto& event : ready) {
      if (event.data.u64 == timer_tag) tick();
      receive(event.data.u64);
    }
    // Packets of many calls come one by one; waiting a moment makes one wake-up of many.
    if (relayed_ && !settings_.stepped && count < static_cast<int>(events.size()) && settings_.batch_window > 0ns) {
      ::clock_nanosleep(CLOCK_MONOTONIC, 0, &batch, nullptr);
    }
  }
}

// False: it is no socket's.
bool Worker::receive(std::uint64_t tag) {
  if (tag == mailbox_tag || tag == timer_tag) return false;
  const auto slot = static_cast<std::uint32_t>(tag >> 1);
  (tag & 1) == 0 ? receive_rtp(slot) : receive_rtcp(slot);
  return true;
}

void Worker::receive_all() {
  std::array<epoll_event, events_per_round> events;
  for (bool some = true; some;) {
    some = false;
    const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) some = receive(events[static_cast<std::size_t>(i)].data.u64) || some;
  }
}

// --- messages ---

void Worker::read_mailbox() {
  mailbox_->take(messages_);
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
  if (endpoint.scheduled) forget(playing_[endpoint.phase()], &endpoint);
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
  endpoint->digits_out = DigitSender(settings_.digit_length, settings_.digit_pause);
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
  const auto* own = own_payload(agreement.payloads);
  endpoint->coding = own != nullptr ? coding_of(*own) : Coding::None;
  endpoint->own_payload = own != nullptr ? own->number : 0;
  const auto* first = sending_payload(agreement.payloads);
  endpoint->expected_number = first == nullptr             ? -1
                              : first->receive_number >= 0 ? first->receive_number
                                                           : first->number;
  endpoint->watched = message.watch_silence;
  endpoint->heard_at = now_;
  endpoint->silence_told = false;
  endpoint->agreed = true;
  endpoint->rules = payload_rules(agreement.payloads, {});
  endpoint->comes_with = -1;
  if (endpoint->scene != nullptr) arrange(*endpoint->scene);
  if (moved) comfort(*endpoint);
}

void Worker::on(MediaClose& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  if (endpoint->stream.started() || endpoint->reception.any()) report(*endpoint, true);
  if (endpoint->recorder) end_recording(*endpoint, MediaRecorded::End::Ordered);
  leave_scene(*endpoint);
  unwatch(*endpoint);
  count_in(*endpoint);
  const auto owner = std::move(slots_[endpoint->slot]);
  if (callbacks_.closed) callbacks_.closed(owner->id, owner->counters, owner->reception.jitter_ms());
  callbacks_.returned({owner->id, owner->slot, std::move(owner->sockets)});
}

void Worker::on(HandOver& message) {
  auto* endpoint = find(message.id);
  if (endpoint == nullptr) return message.to->post(Adopt{message.slot, nullptr});
  leave_scene(*endpoint);
  unwatch(*endpoint);
  count_in(*endpoint);
  message.to->post(Adopt{message.slot, std::move(slots_[message.slot])});
}

void Worker::on(Expect& message) {
  const auto early = std::find(early_.begin(), early_.end(), message.slot);
  if (early == early_.end()) {
    expected_ = message.slot;
  } else {
    early_.erase(early);
  }
}

void Worker::on(Adopt& message) {
  if (expected_ == message.slot) {
    expected_.reset();
  } else {
    early_.push_back(message.slot);
  }
  if (!message.endpoint) return;
  auto* endpoint = message.endpoint.get();
  if (!watch(*endpoint)) return callbacks_.returned({endpoint->id, endpoint->slot, std::move(endpoint->sockets)});
  slots_[endpoint->slot] = std::move(message.endpoint);
  bucket_[endpoint->slot % buckets].push_back(endpoint);
  endpoint->scheduled = false;
  schedule(*endpoint);
  if (endpoint->fetched_play) fetch_prompts(*endpoint);
}

void Worker::on(Advance& message) {
  if (fetching_ > 0) return held_.push_back(std::move(message));
  pass(message);
}

void Worker::on(Stop&) {
  stopping_ = true;
}

}  // namespace tandem::connector::media
