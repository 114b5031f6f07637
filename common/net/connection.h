// One framed connection over TCP or TLS. Frames queued in one turn of the loop leave together. Both directions are
// bounded: an other side that doesn't read loses the connection, one that floods is read no faster than its options
// say.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/net/loop.h"
#include "common/net/tls.h"

namespace tandem::net {

struct ConnectionOptions {
  std::size_t frame_limit = 1 << 20;    // longest frame accepted, bytes
  std::size_t queue_limit = 8 << 20;    // bytes waiting to be sent; above it the connection is closed: SlowReader
  std::uint32_t frames_per_second = 0;  // accepted from the other side; reading pauses above it. 0: no limit
  std::uint32_t burst = 0;              // frames accepted at once before the limit above counts; 0: one second's worth
  std::chrono::milliseconds flood_timeout{10000};     // held back without a break for so long: closed, Flood
  std::chrono::milliseconds idle_timeout{0};          // nothing received for so long: closed. 0: no limit
  std::chrono::milliseconds handshake_timeout{5000};  // TLS
};

enum class CloseReason {
  Local,            // close() was called
  PeerClosed,       // the other side closed
  Broken,           // the transport failed
  FrameTooLong,     // a frame above the limit was announced
  SlowReader,       // the other side doesn't take what it is sent
  Flood,            // the other side sends more than it may
  Idle,             // silence beyond the limit
  HandshakeFailed,  // TLS: plain bytes, a certificate not accepted, no common version
  HandshakeTimeout,
};
const char* to_string(CloseReason reason);

class Connection {
 public:
  // Told what happens; must outlive the connection or detach() from it.
  class Handler {
   public:
    virtual ~Handler() = default;
    // One frame, without its length; valid during the call.
    virtual void on_frame(std::string_view frame) = 0;
    // The last call, never made from within a call to the connection. `text` says in words why.
    virtual void on_closed(CloseReason reason, const std::string& text) = 0;
  };

  virtual ~Connection() = default;

  // Frames are read from now on. Until then nothing is read.
  virtual void start(Handler& handler) = 0;
  // No more calls to the handler; closes if still open.
  virtual void detach() = 0;

  // Queues one frame made of two parts, `head` followed by `body`. False: closed, or closing because of the queue's
  // limit.
  virtual bool send(std::string_view head, std::string_view body) = 0;
  bool send(std::string_view frame) { return send({}, frame); }
  // Queues one frame of `size` bytes that the caller writes at once to where this points; null: closed.
  virtual char* send_space(std::size_t size) = 0;

  // Closes after what is queued has been sent, or after a second; on_closed follows with `Local`.
  virtual void close(const std::string& text) = 0;
  // Stops and continues reading; frames already received wait.
  virtual void pause() = 0;
  virtual void resume() = 0;

  virtual bool open() const = 0;
  virtual std::size_t queued() const = 0;            // bytes waiting to be sent
  virtual const std::string& peer() const = 0;       // "127.0.0.1:40312"
  virtual const std::string& local() const = 0;      // own end
  virtual const std::string& peer_name() const = 0;  // common name of its certificate, if TLS
  virtual const std::string& protocol() const = 0;   // "TLSv1.3" or "TCP"
};

using ConnectionPtr = std::shared_ptr<Connection>;

// Queues a protobuf message (anything with ByteSizeLong and SerializeWithCachedSizesToArray) without a copy of its own.
template <class M>
bool send_message(Connection& connection, const M& message) {
  const std::size_t size = message.ByteSizeLong();
  char* space = connection.send_space(size);
  if (space == nullptr) return false;
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(space));
  return true;
}

}  // namespace tandem::net
