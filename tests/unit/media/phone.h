// A phone of the tests' own: an RTP and an RTCP socket on loopback, RTP written and read byte by byte, without the code
// under test.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "connector/media/media_room.h"

namespace tandem::connector::test {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

// As it came over the wire.
struct Packet {
  std::uint8_t first = 0;
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  Octets payload;
  std::uint16_t from_port = 0;
  std::chrono::steady_clock::time_point at;
};

inline Octets rtp(std::uint8_t payload_type, std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc,
                  const Octets& payload, bool marker = false) {
  Octets out{0x80, static_cast<std::uint8_t>((marker ? 0x80 : 0) | payload_type)};
  for (int shift : {8, 0}) out.push_back(static_cast<std::uint8_t>(sequence >> shift));
  for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(timestamp >> shift));
  for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(ssrc >> shift));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

inline std::uint32_t number(const Octets& octets, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | octets.at(at + i);
  return value;
}

class UdpSocket {
 public:
  explicit UdpSocket(const std::string& ip) {
    v6_ = ip.find(':') != std::string::npos;
    fd_ = ::socket(v6_ ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto at = address(ip, 0);
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(at.data()), static_cast<socklen_t>(at.size())) != 0) {
      throw std::runtime_error("test socket: " + std::string(std::strerror(errno)));
    }
    std::array<std::uint8_t, sizeof(sockaddr_in6)> own{};
    socklen_t length = own.size();
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(own.data()), &length);
    port_ = static_cast<std::uint16_t>(own[2] << 8 | own[3]);
  }
  ~UdpSocket() { ::close(fd_); }
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  std::uint16_t port() const { return port_; }
  void send(const std::string& ip, std::uint16_t to_port, const Octets& octets) const {
    const auto to = address(ip, to_port);
    ::sendto(fd_, octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(to.data()),
             static_cast<socklen_t>(to.size()));
  }
  // The next datagram, and the port it came from; none: nothing came within `patience`.
  std::optional<std::pair<Octets, std::uint16_t>> receive(std::chrono::milliseconds patience) const {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
    Octets octets(4096);
    std::array<std::uint8_t, sizeof(sockaddr_in6)> from{};
    socklen_t length = from.size();
    const auto size =
        ::recvfrom(fd_, octets.data(), octets.size(), 0, reinterpret_cast<sockaddr*>(from.data()), &length);
    if (size < 0) return std::nullopt;
    octets.resize(static_cast<std::size_t>(size));
    return std::pair{octets, static_cast<std::uint16_t>(from[2] << 8 | from[3])};
  }

 private:
  Octets address(const std::string& ip, std::uint16_t port) const {
    Octets out(v6_ ? sizeof(sockaddr_in6) : sizeof(sockaddr_in), 0);
    const sa_family_t family = v6_ ? AF_INET6 : AF_INET;
    std::memcpy(out.data(), &family, sizeof family);
    out[2] = static_cast<std::uint8_t>(port >> 8);
    out[3] = static_cast<std::uint8_t>(port);
    if (::inet_pton(family, ip.c_str(), out.data() + (v6_ ? 8 : 4)) != 1)
      throw std::runtime_error("test address " + ip);
    return out;
  }

  int fd_ = -1;
  bool v6_ = false;
  std::uint16_t port_ = 0;
};

class Phone {
 public:
  explicit Phone(std::string ip = "127.0.0.1") : ip_(std::move(ip)), rtp_(ip_), rtcp_(ip_) {}

  std::uint16_t port() const { return rtp_.port(); }
  std::uint16_t rtcp_port() const { return rtcp_.port(); }
  const std::string& ip() const { return ip_; }
  void send(const Endpoint& to, const Octets& octets) const { rtp_.send(to.ip, to.rtp_port, octets); }
  void send_rtcp(const Endpoint& to, const Octets& octets) const {
    rtcp_.send(to.ip, static_cast<std::uint16_t>(to.rtp_port + 1), octets);
  }
  std::optional<Packet> hear(std::chrono::milliseconds patience = 2000ms) const {
    const auto got = rtp_.receive(patience);
    if (!got) return std::nullopt;
    return read(got->first, got->second);
  }
  std::optional<Octets> hear_rtcp(std::chrono::milliseconds patience = 2000ms) const {
    const auto got = rtcp_.receive(patience);
    if (!got) return std::nullopt;
    return got->first;
  }

 private:
  static Packet read(const Octets& octets, std::uint16_t port) {
    Packet packet;
    packet.at = std::chrono::steady_clock::now();
    packet.from_port = port;
    if (octets.size() < 12) return packet;
    packet.first = octets[0];
    packet.marker = (octets[1] & 0x80) != 0;
    packet.payload_type = octets[1] & 0x7f;
    packet.sequence = static_cast<std::uint16_t>(number(octets, 2, 2));
    packet.timestamp = number(octets, 4, 4);
    packet.ssrc = number(octets, 8, 4);
    packet.payload.assign(octets.begin() + 12, octets.end());
    return packet;
  }

  std::string ip_;
  UdpSocket rtp_, rtcp_;
};

// What the room called back, waited for with a deadline.
class Notices {
 public:
  MediaCallbacks callbacks() {
    return {[this](Input input) { put(inputs_, std::move(input)); },
            [this](const MediaClosed& closed) { put(closed_, closed); },
            [this](const std::string& line) { put(troubles_, line); }};
  }
  std::optional<Input> input(std::chrono::milliseconds patience = 5000ms) { return get(inputs_, patience); }
  std::optional<std::string> trouble(std::chrono::milliseconds patience = 5000ms) { return get(troubles_, patience); }
  std::optional<MediaClosed> closed(std::chrono::milliseconds patience = 5000ms) { return get(closed_, patience); }

 private:
  template <class T>
  void put(std::vector<T>& list, T value) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(value));
    changed_.notify_all();
  }
  template <class T>
  std::optional<T> get(std::vector<T>& list, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    // Against the system clock, since ThreadSanitizer doesn't see waits on the steady one.
    if (!changed_.wait_until(lock, std::chrono::system_clock::now() + patience, [&] { return !list.empty(); }))
      return std::nullopt;
    T value = std::move(list.front());
    list.erase(list.begin());
    return value;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Input> inputs_;
  std::vector<MediaClosed> closed_;
  std::vector<std::string> troubles_;
};

// Ports apart from what programs use by default, and no comfort in the way: the tests' rooms.
inline MediaSettings quiet_settings() {
  MediaSettings settings;
  settings.ports = {{40000, 48999}};
  settings.preopened = 4;
  settings.quarantine = 0s;
  settings.rtcp_interval = 0s;
  settings.comfort_interval = 0s;
  return settings;
}

inline Payload pcmu(std::uint8_t payload_type = 0) {
  return {payload_type, -1, "PCMU", 8000, 1, ""};
}
inline Payload pcma(std::uint8_t payload_type = 8) {
  return {payload_type, -1, "PCMA", 8000, 1, ""};
}
inline Payload events(std::uint8_t payload_type = 101) {
  return {payload_type, -1, "telephone-event", 8000, 1, "0-16"};
}

inline Agreement agree(const Phone& phone, std::vector<Payload> payloads, Direction direction = Direction::SendRecv) {
  Agreement agreement;
  agreement.remote_ip = phone.ip();
  agreement.remote_rtp_port = phone.port();
  agreement.remote_rtcp_port = phone.rtcp_port();
  agreement.direction = direction;
  agreement.payloads = std::move(payloads);
  return agreement;
}

// Those who talk and listen to each other, in a scene of this number.
inline MediaScene scene_of(const std::vector<MediaId>& media, SceneId number = SceneId{1}) {
  MediaScene scene{number, {}};
  for (const auto each : media) scene.members.push_back({each});
  return scene;
}
// One who is alone and hears a sound of ours.
inline MediaScene hears(MediaId media, Sound sound, SceneId number = SceneId{1}) {
  auto scene = scene_of({media}, number);
  scene.members.front().sound = sound;
  return scene;
}

}  // namespace tandem::connector::test
