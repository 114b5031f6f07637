// Many parties that send and receive RTP, meant to run in a process of their own: what comes is timed by the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem::bench {

// How a party sounds: 20 ms frames, sent round and round.
struct Voice {
  std::uint8_t payload_type = 0;
  std::uint32_t clock_rate = 8000;
  std::vector<std::vector<std::uint8_t>> frames;
};

struct CrowdResult {
  std::uint64_t sent = 0, received = 0, missing = 0, socket_drops = 0;
  std::uint64_t silent_streams = 0;  // parties that heard less than nine tenths of what is due
  // How much later than the earliest of its stream in the same second a packet came, by its timestamp.
  double late_p50_ms = 0, late_p99_ms = 0, late_p999_ms = 0;
};

class Crowd {
 public:
  explicit Crowd(std::string ip);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  std::uint16_t port_of(std::size_t party) const;
  // Its packets go to `port` and what comes from there is for it. `voice` outlives the crowd; null: it only listens.
  void join(std::size_t party, std::uint16_t port, const Voice* voice, std::uint32_t clock_rate);
  void run(std::chrono::steady_clock::time_point until);
  void begin_measuring();
  CrowdResult result(std::chrono::duration<double> measured) const;

 private:
  struct Party {
    const Voice* voice = nullptr;
    std::uint16_t to = 0;
    std::uint32_t clock_rate = 8000;
    std::uint32_t sent = 0;
    bool heard = false;
    std::uint16_t last_sequence = 0;
    std::uint32_t base_timestamp = 0;
    std::uint64_t received = 0, missing = 0;
    std::int64_t earliest = 0, second = -1;
    std::vector<std::int64_t> transits;  // of this second
  };
  void send(std::size_t slot);
  void receive();
  void packet(const std::uint8_t* octets, std::size_t size, std::uint16_t from, std::int64_t at_ns);
  void close_second(Party& party);

  static constexpr std::size_t slots = 20, batch = 64, sockets_used = 8;
  std::string ip_;
  std::vector<int> sockets_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::uint32_t> drops_;
  std::vector<Party> parties_;
  std::vector<std::uint32_t> party_of_ = std::vector<std::uint32_t>(65536);  // by the room's port; 0: none, else + 1
  std::size_t slot_ = 0;
  std::uint64_t sent_ = 0;
  bool measuring_ = false;
  std::vector<std::uint64_t> late_ = std::vector<std::uint64_t>(20001);  // steps of 10 us
};

}  // namespace tandem::bench
