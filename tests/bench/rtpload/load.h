// Many RTP streams from few sockets, one thread, batched system calls. What it sends carries its own stream, number and
// time, so that whoever receives it (this same program, at its other port) knows what was lost and how long it took.
#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace tandem::bench {

using namespace std::chrono_literals;
using Nanoseconds = std::chrono::nanoseconds;

// Counts of delays in steps of 10 us, up to 200 ms.
class Delays {
 public:
  void add(Nanoseconds delay);
  void reset();
  std::uint64_t count() const { return count_; }
  double percentile_ms(double share) const;

 private:
  static constexpr std::size_t steps = 20000;
  std::vector<std::uint32_t> steps_ = std::vector<std::uint32_t>(steps + 1);
  std::uint64_t count_ = 0;
};

struct Summary {
  std::uint64_t streams = 0, sent = 0, received = 0, foreign = 0, doubled = 0;
  // Missing between the first and the last packet received of each stream: loss without what was sent before both ends
  // were connected or after one had hung up.
  std::uint64_t missing = 0;
  double missing_percent = 0;
  double lost_percent = 0, delay_p50_ms = 0, delay_p99_ms = 0, delay_p999_ms = 0, jitter_ms = 0;
  std::uint64_t worst_stream_lost = 0;
  std::uint64_t socket_drops = 0;  // packets that our own receive buffers had no room for: the load's fault
};

class Load {
 public:
  // `ports`: bound at `ip`; a port of 0 is chosen by the system. `payload_octets` at least 32.
  Load(const std::string& ip, const std::vector<std::uint16_t>& ports, std::size_t payload_octets,
       std::uint8_t payload_type);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  std::uint16_t port(std::size_t socket) const { return sockets_.at(socket).port; }
  // A stream from one of the sockets to a port; it sends from the next round on, 50 packets a second.
  // Other than the constructor's, for all streams of this socket.
  void set_payload_type(std::size_t socket, std::uint8_t payload_type) {
    sockets_.at(socket).payload_type = payload_type;
  }
  std::size_t add_stream(std::size_t socket, const std::string& ip, std::uint16_t port);
  // Peer mode: a packet from an address not known yet begins a stream to it; one that says nothing for `quiet` ends it.
  void answer_everybody(Nanoseconds quiet) { answer_quiet_ = quiet; }

  // Sends and receives until `until` on the steady clock.
  void run(std::chrono::steady_clock::time_point until);
  // Only receives: what is still under way.
  void settle(std::chrono::milliseconds time);
  // Forgets the delays so far, and counts loss from here on.
  void begin_measuring();
  Summary summary() const;
  std::size_t live_streams() const { return live_; }

 private:
  struct Socket {
    int fd = -1;
    std::uint16_t port = 0;
    std::uint32_t drops = 0;
    std::uint8_t payload_type = 0;
  };
  struct Stream {
    sockaddr_in to{};
    std::uint32_t socket = 0;
    std::uint32_t sent = 0, received = 0;
    std::uint32_t sent_before = 0, received_before = 0;  // at begin_measuring()
    std::uint32_t lowest = 0, highest = 0;               // numbers received
    std::uint32_t base_timestamp = 0;
    double jitter_ns = 0;
    std::int64_t last_transit = 0;
    bool live = true;
    Nanoseconds heard{0};
  };

  void send_slot(std::size_t slot);
  void receive();
  void packet(std::uint32_t socket, const std::uint8_t* octets, std::size_t size, const sockaddr_in& from,
              std::int64_t at_ns);
  void heard_from(std::uint32_t socket, const sockaddr_in& from);
  void end_quiet();

  static constexpr std::size_t batch = 64;
  static constexpr std::size_t slots = 20;  // one each millisecond

  std::size_t size_;
  std::vector<Socket> sockets_;
  std::vector<Stream> streams_;
  std::array<std::vector<std::uint32_t>, slots> slot_;
  std::size_t next_slot_ = 0;
  std::size_t live_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> by_remote_;
  Nanoseconds answer_quiet_{0};
  Delays delays_;
  std::uint64_t foreign_ = 0, doubled_ = 0;
  bool sending_ = true;

  std::vector<std::uint8_t> out_, in_, control_;
};

}  // namespace tandem::bench
