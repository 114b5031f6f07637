#include "load.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace tandem::bench {
namespace {

// Payload: magic, stream, number (from 1), time sent (realtime clock, ns), then filling.
constexpr std::uint64_t magic = 0x54616e64656d4c44ull;
struct Mark {
  std::uint64_t magic;
  std::uint32_t stream;
  std::uint32_t number;
  std::int64_t sent_ns;
};
constexpr std::size_t rtp_header = 12;
constexpr std::size_t in_size = 2048;
constexpr std::size_t control_size = 128;

std::int64_t realtime_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}
Nanoseconds steady_ns() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

std::uint64_t key(std::uint32_t socket, const sockaddr_in& a) {
  return static_cast<std::uint64_t>(a.sin_addr.s_addr) << 32 | static_cast<std::uint64_t>(a.sin_port) << 8 | socket;
}

}  // namespace

void Delays::add(Nanoseconds delay) {
  const auto step = static_cast<std::size_t>(std::max<std::int64_t>(0, delay.count() / 10'000));
  ++steps_[std::min(step, steps)];
  ++count_;
}

void Delays::reset() {
  std::fill(steps_.begin(), steps_.end(), 0);
  count_ = 0;
}

double Delays::percentile_ms(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    seen += steps_[i];
    if (seen >= wanted) return static_cast<double>(i + 1) / 100.0;
  }
  return 0;
}

Load::Load(const std::string& ip, const std::vector<std::uint16_t>& ports, std::size_t payload_octets,
           std::uint8_t payload_type)
    : size_(rtp_header + std::max(payload_octets, sizeof(Mark))) {
  for (const auto port : ports) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    if (fd < 0 || ::inet_pton(AF_INET, ip.c_str(), &at.sin_addr) != 1 ||
        ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
      throw std::runtime_error("cannot bind " + ip + ":" + std::to_string(port) + ": " + std::strerror(errno));
    }
    socklen_t length = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length);
    const int room = 32 << 20;
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) {
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    }
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);  // when it arrived, not when we looked
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    sockets_.push_back({fd, ntohs(at.sin_port), 0, payload_type});
  }
  out_.resize(batch * size_, 0xd5);
  in_.resize(batch * in_size);
  control_.resize(batch * control_size);
}

Load::~Load() {
  for (const auto& socket : sockets_) ::close(socket.fd);
}

std::size_t Load::add_stream(std::size_t socket, const std::string& ip, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  if (::inet_pton(AF_INET, ip.c_str(), &to.sin_addr) != 1) throw std::runtime_error("not an IPv4 address: " + ip);
  heard_from(static_cast<std::uint32_t>(socket), to);
  return streams_.size() - 1;
}

// A stream's slot decides in which millisecond of twenty it sends.
void Load::heard_from(std::uint32_t socket, const sockaddr_in& from) {
  const auto index = static_cast<std::uint32_t>(streams_.size());
  Stream stream;
  stream.to = from;
  stream.socket = socket;
  stream.base_timestamp = index * 7919u;
  stream.heard = steady_ns();
  streams_.push_back(stream);
  by_remote_[key(socket, from)] = index;
  slot_[index % slots].push_back(index);
  ++live_;
}

void Load::run(std::chrono::steady_clock::time_point until) {
  auto next = std::chrono::steady_clock::now();
  std::size_t rounds = 0;
  while (next < until) {
    if (sending_) send_slot(next_slot_);
    next_slot_ = (next_slot_ + 1) % slots;
    receive();
    if (answer_quiet_ > 0ns && ++rounds % 200 == 0) end_quiet();
    next += 1ms;
    const auto now = std::chrono::steady_clock::now();
    if (now < next) {
      const auto left = next.time_since_epoch();
      const timespec at{std::chrono::duration_cast<std::chrono::seconds>(left).count(), (left % 1s).count()};
      ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
    } else if (now - next > 100ms) {
      next = now;  // hopelessly late: don't make up for it with a burst
    }
  }
}

void Load::settle(std::chrono::milliseconds time) {
  sending_ = false;
  run(std::chrono::steady_clock::now() + time);
  sending_ = true;
}

void Load::send_slot(std::size_t slot) {
  for (std::uint32_t socket = 0; socket < sockets_.size(); ++socket) {
    std::array<mmsghdr, batch> messages;
    std::array<iovec, batch> parts;
    std::array<std::uint32_t, batch> owners;
    unsigned count = 0;
    const auto flush_all = [&] {
      unsigned done = 0;
      while (done < count) {
        const int sent = ::sendmmsg(sockets_[socket].fd, &messages[done], count - done, MSG_DONTWAIT);
        if (sent <= 0) break;
        for (unsigned i = done; i < done + static_cast<unsigned>(sent); ++i) ++streams_[owners[i]].sent;
        done += static_cast<unsigned>(sent);
      }
      count = 0;
    };
    for (const auto index : slot_[slot]) {
      auto& stream = streams_[index];
      if (!stream.live || stream.socket != socket) continue;
      auto* p = &out_[count * size_];
      const std::uint32_t number = stream.sent + 1;
      const std::uint32_t timestamp = stream.base_timestamp + number * 160;
      p[0] = 0x80;
      p[1] = static_cast<std::uint8_t>((number == 1 ? 0x80 : 0) | sockets_[socket].payload_type);
      p[2] = static_cast<std::uint8_t>(number >> 8);
      p[3] = static_cast<std::uint8_t>(number);
      for (int i = 0; i < 4; ++i) {
        p[4 + i] = static_cast<std::uint8_t>(timestamp >> (24 - 8 * i));
        p[8 + i] = static_cast<std::uint8_t>((index + 0x10000000u) >> (24 - 8 * i));
      }
      const Mark mark{magic, index, number, realtime_ns()};
      std::memcpy(p + rtp_header, &mark, sizeof mark);
      parts[count] = {p, size_};
      messages[count] = {};
      messages[count].msg_hdr.msg_name = &stream.to;
      messages[count].msg_hdr.msg_namelen = sizeof stream.to;
      messages[count].msg_hdr.msg_iov = &parts[count];
      messages[count].msg_hdr.msg_iovlen = 1;
      owners[count] = index;
      if (++count == batch) flush_all();
    }
    flush_all();
  }
}

void Load::receive() {
  for (std::uint32_t socket = 0; socket < sockets_.size(); ++socket) {
    for (int rounds = 0; rounds < 64; ++rounds) {
      std::array<mmsghdr, batch> messages;
      std::array<iovec, batch> parts;
      std::array<sockaddr_in, batch> from;
      for (std::size_t i = 0; i < batch; ++i) {
        parts[i] = {&in_[i * in_size], in_size};
        messages[i] = {};
        messages[i].msg_hdr.msg_name = &from[i];
        messages[i].msg_hdr.msg_namelen = sizeof from[i];
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = &control_[i * control_size];
        messages[i].msg_hdr.msg_controllen = control_size;
      }
      const int count = ::recvmmsg(sockets_[socket].fd, messages.data(), batch, MSG_DONTWAIT, nullptr);
      for (int i = 0; i < count; ++i) {
        const auto n = static_cast<std::size_t>(i);
        std::int64_t at = 0;
        for (auto* c = CMSG_FIRSTHDR(&messages[n].msg_hdr); c != nullptr; c = CMSG_NXTHDR(&messages[n].msg_hdr, c)) {
          if (c->cmsg_level != SOL_SOCKET) continue;
          if (c->cmsg_type == SCM_TIMESTAMPNS) {
            timespec stamp{};
            std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            at = stamp.tv_sec * 1'000'000'000ll + stamp.tv_nsec;
          } else if (c->cmsg_type == SO_RXQ_OVFL) {
            std::memcpy(&sockets_[socket].drops, CMSG_DATA(c), sizeof(std::uint32_t));
          }
        }
        packet(socket, &in_[n * in_size], messages[n].msg_len, from[n], at != 0 ? at : realtime_ns());
      }
      if (count < static_cast<int>(batch)) break;
    }
  }
}

void Load::packet(std::uint32_t socket, const std::uint8_t* octets, std::size_t size, const sockaddr_in& from,
                  std::int64_t at_ns) {
  if (answer_quiet_ > 0ns) {
    const auto known = by_remote_.find(key(socket, from));
    if (known == by_remote_.end()) {
      heard_from(socket, from);
    } else {
      streams_[known->second].heard = steady_ns();
    }
  }
  Mark mark{};
  if (size < rtp_header + sizeof mark) return;
  std::memcpy(&mark, octets + rtp_header, sizeof mark);
  if (mark.magic != magic || mark.stream >= streams_.size()) {
    ++foreign_;
    return;
  }
  auto& stream = streams_[mark.stream];
  if (stream.lowest == 0) stream.lowest = mark.number;
  if (mark.number > stream.highest) {
    stream.highest = mark.number;
  } else {
    ++doubled_;  // or out of order; neither belongs on loopback
  }
  ++stream.received;
  const std::int64_t transit = at_ns - mark.sent_ns;
  delays_.add(Nanoseconds(transit));
  if (stream.received > 1) {
    stream.jitter_ns += (std::abs(static_cast<double>(transit - stream.last_transit)) - stream.jitter_ns) / 16.0;
  }
  stream.last_transit = transit;
}

void Load::end_quiet() {
  const auto now = steady_ns();
  for (std::uint32_t index = 0; index < streams_.size(); ++index) {
    auto& stream = streams_[index];
    if (!stream.live || now - stream.heard < answer_quiet_) continue;
    stream.live = false;
    --live_;
    by_remote_.erase(key(stream.socket, stream.to));
    auto& list = slot_[index % slots];
    list.erase(std::find(list.begin(), list.end(), index));
  }
}

void Load::begin_measuring() {
  delays_.reset();
  for (auto& stream : streams_) {
    stream.sent_before = stream.sent;
    stream.received_before = stream.received;
  }
}

Summary Load::summary() const {
  Summary sum;
  double jitter = 0;
  std::uint64_t span = 0;
  for (const auto& stream : streams_) {
    const auto sent = stream.sent - stream.sent_before;
    const auto received = stream.received - stream.received_before;
    sum.sent += sent;
    sum.received += received;
    jitter += stream.jitter_ns;
    if (stream.received > 0) {
      const auto expected = stream.highest - stream.lowest + 1;
      span += expected;
      if (expected > stream.received) sum.missing += expected - stream.received;
    }
    if (sent > received) sum.worst_stream_lost = std::max<std::uint64_t>(sum.worst_stream_lost, sent - received);
  }
  sum.streams = streams_.size();
  if (span > 0) sum.missing_percent = 100.0 * static_cast<double>(sum.missing) / static_cast<double>(span);
  sum.foreign = foreign_;
  sum.doubled = doubled_;
  if (sum.sent > 0)
    sum.lost_percent = 100.0 * (1.0 - static_cast<double>(sum.received) / static_cast<double>(sum.sent));
  sum.delay_p50_ms = delays_.percentile_ms(0.5);
  sum.delay_p99_ms = delays_.percentile_ms(0.99);
  sum.delay_p999_ms = delays_.percentile_ms(0.999);
  if (!streams_.empty()) sum.jitter_ms = jitter / static_cast<double>(streams_.size()) / 1e6;
  for (const auto& socket : sockets_) sum.socket_drops += socket.drops;
  return sum;
}

}  // namespace tandem::bench
