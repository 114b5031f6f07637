#include "crowd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <thread>

namespace tandem::bench {
namespace {

using namespace std::chrono_literals;

sockaddr_in address(const std::string& ip, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  ::inet_pton(AF_INET, ip.c_str(), &out.sin_addr);
  return out;
}

}  // namespace

Crowd::Crowd(std::string ip) : ip_(std::move(ip)), drops_(sockets_used) {
  for (std::size_t i = 0; i < sockets_used; ++i) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    auto at = address(ip_, 0);
    socklen_t length = sizeof at;
    const int on = 1, room = 8 << 20;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    ::setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw std::runtime_error("no socket");
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length);
    sockets_.push_back(fd);
    ports_.push_back(ntohs(at.sin_port));
  }
}

Crowd::~Crowd() {
  for (const int fd : sockets_) ::close(fd);
}

std::uint16_t Crowd::port_of(std::size_t party) const {
  return ports_[party % sockets_used];
}

void Crowd::join(std::size_t party, std::uint16_t port, const Voice* voice, std::uint32_t clock_rate) {
  if (parties_.size() <= party) parties_.resize(party + 1);
  parties_[party].voice = voice;
  parties_[party].to = port;
  parties_[party].clock_rate = clock_rate;
  parties_[party].transits.reserve(64);
  party_of_[port] = static_cast<std::uint32_t>(party + 1);
}

void Crowd::send(std::size_t slot) {
  std::array<mmsghdr, batch> messages{};
  std::array<iovec, batch> pieces{};
  std::array<sockaddr_in, batch> to{};
  std::array<std::array<std::uint8_t, 512>, batch> packets;
  for (std::size_t socket = 0; socket < sockets_used; ++socket) {
    unsigned count = 0;
    const auto flush = [&] {
      if (count > 0) ::sendmmsg(sockets_[socket], messages.data(), count, 0);
      sent_ += count;
      count = 0;
    };
    for (std::size_t i = socket; i < parties_.size(); i += sockets_used) {
      auto& party = parties_[i];
      if (i / sockets_used % slots != slot || party.voice == nullptr) continue;
      const auto& frame = party.voice->frames[(i + party.sent) % party.voice->frames.size()];
      auto& packet = packets[count];
      const auto put = [&](std::size_t at, std::uint32_t value, int octets) {
        for (int k = 0; k < octets; ++k)
          packet[at + static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(value >> (8 * (octets - 1 - k)));
      };
      packet[0] = 0x80;
      packet[1] = party.voice->payload_type;
      put(2, party.sent & 0xffff, 2);
      put(4, party.sent * (party.voice->clock_rate / 50), 4);
      put(8, static_cast<std::uint32_t>(i + 1), 4);
      std::copy(frame.begin(), frame.end(), packet.begin() + 12);
      ++party.sent;
      to[count] = address(ip_, party.to);
      pieces[count] = {packet.data(), 12 + frame.size()};
      messages[count].msg_hdr = {&to[count], sizeof(sockaddr_in), &pieces[count], 1, nullptr, 0, 0};
      if (++count == batch) flush();
    }
    flush();
  }
}

void Crowd::receive() {
  static thread_local std::array<std::array<std::uint8_t, 1600>, batch> packets;
  static thread_local std::array<std::array<char, 128>, batch> controls;
  std::array<mmsghdr, batch> messages{};
  std::array<iovec, batch> pieces{};
  std::array<sockaddr_in, batch> from{};
  for (std::size_t socket = 0; socket < sockets_used; ++socket) {
    for (;;) {
      for (std::size_t i = 0; i < batch; ++i) {
        pieces[i] = {packets[i].data(), packets[i].size()};
        messages[i].msg_hdr = {&from[i], sizeof(sockaddr_in), &pieces[i], 1, controls[i].data(), controls[i].size(), 0};
      }
      const int count = ::recvmmsg(sockets_[socket], messages.data(), batch, MSG_DONTWAIT, nullptr);
      for (int k = 0; k < count; ++k) {
        const auto i = static_cast<std::size_t>(k);
        std::int64_t at = 0;
        for (auto* part = CMSG_FIRSTHDR(&messages[i].msg_hdr); part != nullptr;
             part = CMSG_NXTHDR(&messages[i].msg_hdr, part)) {
          if (part->cmsg_level != SOL_SOCKET) continue;
          if (part->cmsg_type == SO_TIMESTAMPNS) {
            timespec time{};
            std::memcpy(&time, CMSG_DATA(part), sizeof time);
            at = time.tv_sec * 1'000'000'000ll + time.tv_nsec;
          } else if (part->cmsg_type == SO_RXQ_OVFL) {
            std::memcpy(&drops_[socket], CMSG_DATA(part), sizeof drops_[socket]);
          }
        }
        packet(packets[i].data(), messages[i].msg_len, ntohs(from[i].sin_port), at);
      }
      if (count < static_cast<int>(batch)) break;
    }
  }
}

void Crowd::packet(const std::uint8_t* octets, std::size_t size, std::uint16_t from, std::int64_t at_ns) {
  const auto who = party_of_[from];
  if (who == 0 || size < 13) return;
  auto& party = parties_[who - 1];
  const auto sequence = static_cast<std::uint16_t>(octets[2] << 8 | octets[3]);
  const std::uint32_t timestamp = static_cast<std::uint32_t>(octets[4]) << 24 |
                                  static_cast<std::uint32_t>(octets[5]) << 16 |
                                  static_cast<std::uint32_t>(octets[6]) << 8 | octets[7];
  if (!party.heard) {
    party.heard = true;
    party.base_timestamp = timestamp;
  } else if (measuring_) {
    party.missing += static_cast<std::uint16_t>(sequence - party.last_sequence - 1);
  }
  party.last_sequence = sequence;
  if (!measuring_) return;
  ++party.received;
  const auto sent_ns = static_cast<std::int64_t>(timestamp - party.base_timestamp) * 1'000'000'000ll / party.clock_rate;
  const auto second = at_ns / 1'000'000'000;
  if (second != party.second) close_second(party);
  party.second = second;
  party.transits.push_back(at_ns - sent_ns);
}

void Crowd::close_second(Party& party) {
  if (!party.transits.empty()) {
    const auto earliest = *std::min_element(party.transits.begin(), party.transits.end());
    for (const auto transit : party.transits)
      ++late_[static_cast<std::size_t>(std::min<std::int64_t>((transit - earliest) / 10'000, 20000))];
  }
  party.transits.clear();
}

void Crowd::run(std::chrono::steady_clock::time_point until) {
  auto next = std::chrono::steady_clock::now();
  while (next < until) {
    next += 1ms;
    std::this_thread::sleep_until(next);
    send(slot_);
    slot_ = (slot_ + 1) % slots;
    receive();
  }
}

void Crowd::begin_measuring() {
  measuring_ = true;
  sent_ = 0;
}

CrowdResult Crowd::result(std::chrono::duration<double> measured) const {
  CrowdResult out;
  out.sent = sent_;
  std::uint64_t all = 0;
  for (const auto& party : parties_) {
    out.received += party.received;
    out.missing += party.missing;
    out.silent_streams += static_cast<double>(party.received) < 0.9 * 50 * measured.count() ? 1 : 0;
  }
  for (const auto count : late_) all += count;
  const auto percentile = [&](double share) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < late_.size(); ++i) {
      below += late_[i];
      if (static_cast<double>(below) >= share * static_cast<double>(all)) return static_cast<double>(i) / 100;
    }
    return 200.0;
  };
  out.late_p50_ms = percentile(0.5);
  out.late_p99_ms = percentile(0.99);
  out.late_p999_ms = percentile(0.999);
  for (const auto drops : drops_) out.socket_drops += drops;
  return out;
}

}  // namespace tandem::bench
