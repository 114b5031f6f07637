// Pairs of UDP sockets on an even port and the next one, bound ahead of need and used again call after call. Owned by
// one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "connector/media/address.h"
#include "connector/media/fd.h"
#include "connector/media/settings.h"

namespace tandem::connector::media {

struct SocketPair {
  Fd rtp, rtcp;
  Address local;  // of the RTP socket
};

// None: the port is taken or the address isn't ours.
std::optional<SocketPair> bind_pair(const Address& local, int receive_buffer_bytes, int send_buffer_bytes);
// Reads and drops what waits. False: more than `most` packets were there, somebody goes on sending.
bool drain(const Fd& socket, int most);

// All pairs on one local address.
class SocketPool {
 public:
  SocketPool(Address local, std::vector<PortRange> ports, int receive_buffer_bytes, int send_buffer_bytes,
             Instant quarantine);

  // A rested pair with nothing waiting in it, else a newly bound one; none: the range is used up or all of it rests.
  std::optional<SocketPair> take(Instant now);
  // The pair with this RTP port, rested or newly bound; what waits in it is heard. None: it isn't of the range, or
  // taken.
  std::optional<SocketPair> take_port(std::uint16_t port);
  void give_back(SocketPair pair, Instant now);
  // Binds up to `count` pairs; returns how many could be.
  std::size_t prepare(std::size_t count);

  const Address& local() const { return local_; }
  std::size_t bound() const { return bound_; }

 private:
  struct Resting {
    SocketPair pair;
    Instant until;
  };
  std::optional<SocketPair> bind_next();

  Address local_;
  std::vector<PortRange> ports_;
  int receive_buffer_bytes_, send_buffer_bytes_;
  Instant quarantine_;
  std::size_t range_ = 0;        // where binding goes on
  std::uint32_t next_port_ = 0;  // in that range; 0: at its beginning
  std::deque<Resting> resting_;  // the longest rested first
  std::size_t bound_ = 0;
};

}  // namespace tandem::connector::media
