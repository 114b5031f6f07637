#include "connector/media/sockets.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tandem::connector::media {
namespace {

constexpr int most_stale_packets = 512;

std::optional<Fd> bind_socket(const Address& local, int receive_buffer_bytes, int send_buffer_bytes) {
  Fd fd(::socket(local.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::nullopt;
  const int on = 1;
  if (local.family() == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  if (send_buffer_bytes > 0)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
  // Voice goes ahead of other traffic: DSCP EF (RFC 4594). Not being allowed to is no reason to fail.
  const int expedited = 46 << 2;
  if (local.family() == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_TCLASS, &expedited, sizeof expedited);
  } else {
    ::setsockopt(fd.get(), IPPROTO_IP, IP_TOS, &expedited, sizeof expedited);
  }
  if (::bind(fd.get(), local.data(), local.size()) != 0) return std::nullopt;
  return fd;
}

}  // namespace

std::optional<SocketPair> bind_pair(const Address& local, int receive_buffer_bytes, int send_buffer_bytes) {
  Address next = local;
  next.set_port(static_cast<std::uint16_t>(local.port() + 1));
  auto rtp = bind_socket(local, receive_buffer_bytes, send_buffer_bytes);
  if (!rtp) return std::nullopt;
  auto rtcp = bind_socket(next, receive_buffer_bytes, send_buffer_bytes);
  if (!rtcp) return std::nullopt;
  return SocketPair{std::move(*rtp), std::move(*rtcp), local};
}

bool drain(const Fd& socket, int most) {
  std::array<char, 1> octet;
  for (int i = 0; i < most; ++i) {
    if (::recv(socket.get(), octet.data(), octet.size(), MSG_DONTWAIT | MSG_TRUNC) < 0) return true;
  }
  return false;
}

SocketPool::SocketPool(Address local, std::vector<PortRange> ports, int receive_buffer_bytes, int send_buffer_bytes,
                       Instant quarantine)
    : local_(local),
      ports_(std::move(ports)),
      receive_buffer_bytes_(receive_buffer_bytes),
      send_buffer_bytes_(send_buffer_bytes),
      quarantine_(quarantine) {}

std::optional<SocketPair> SocketPool::bind_next() {
  for (; range_ < ports_.size(); ++range_, next_port_ = 0) {
    const auto& range = ports_[range_];
    if (next_port_ == 0) next_port_ = (range.first + 1u) & ~1u;
    while (next_port_ + 1 <= range.last) {
      Address at = local_;
      at.set_port(static_cast<std::uint16_t>(next_port_));
      next_port_ += 2;
      if (auto pair = bind_pair(at, receive_buffer_bytes_, send_buffer_bytes_)) {
        ++bound_;
        return pair;
      }
    }
  }
  return std::nullopt;
}

std::size_t SocketPool::prepare(std::size_t count) {
  std::size_t done = 0;
  for (; done < count; ++done) {
    auto pair = bind_next();
    if (!pair) break;
    resting_.push_back({std::move(*pair), Instant::min()});
  }
  return done;
}

std::optional<SocketPair> SocketPool::take(Instant now) {
  // A pair that can't be emptied is still being sent to: it rests again. Each is looked at once.
  for (std::size_t left = resting_.size(); left > 0 && resting_.front().until <= now; --left) {
    auto pair = std::move(resting_.front().pair);
    resting_.pop_front();
    if (drain(pair.rtp, most_stale_packets) && drain(pair.rtcp, most_stale_packets)) return pair;
    resting_.push_back({std::move(pair), now + quarantine_});
  }
  return bind_next();
}

std::optional<SocketPair> SocketPool::take_port(std::uint16_t port) {
  const auto rests =
      std::find_if(resting_.begin(), resting_.end(), [&](const Resting& one) { return one.pair.local.port() == port; });
  if (rests != resting_.end()) {
    if (rests->until != Instant::min()) return std::nullopt;  // of a call that was here meanwhile
    auto pair = std::move(rests->pair);
    resting_.erase(rests);
    return pair;
  }
  const bool ours = port % 2 == 0 && std::any_of(ports_.begin(), ports_.end(), [&](const PortRange& range) {
                      return port >= range.first && port + 1 <= range.last;
                    });
  if (!ours) return std::nullopt;
  Address at = local_;
  at.set_port(port);
  auto pair = bind_pair(at, receive_buffer_bytes_, send_buffer_bytes_);
  if (pair) ++bound_;
  return pair;
}

void SocketPool::give_back(SocketPair pair, Instant now) {
  resting_.push_back({std::move(pair), now + quarantine_});
}

}  // namespace tandem::connector::media
