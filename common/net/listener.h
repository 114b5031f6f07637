// Accepts framed connections on one address. A connection is handed over when it is ready: for TLS after the handshake.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/connection.h"

namespace tandem::net {

struct ListenerOptions {
  std::string host = "127.0.0.1";       // address or name; "::" takes IPv4 too
  std::uint16_t port = 0;               // 0: any free one
  TlsContextPtr tls;                    // null: plain TCP
  std::size_t connection_limit = 4096;  // open at once, those in handshake included; more are closed at once
  ConnectionOptions connection;
};

class Listener {
 public:
  using Accepted = std::function<void(ConnectionPtr)>;
  // One line an operator can act on: who was refused, and why.
  using Refused = std::function<void(const std::string& line)>;

  // Binds and listens; a Failure says what is in the way.
  static Result<std::unique_ptr<Listener>, Failure> open(EventLoop& loop, ListenerOptions options, Accepted accepted,
                                                         Refused refused);
  virtual ~Listener() = default;
  virtual std::uint16_t port() const = 0;
  virtual void set_tls(TlsContextPtr tls) = 0;                     // for new connections
  virtual void set_options(const ConnectionOptions& options) = 0;  // for new connections
};

}  // namespace tandem::net
