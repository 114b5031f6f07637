// Keeps trying to reach one of several hosts: looks names up, tries their addresses in random order, waits longer after
// each failed round. Hands over a connection when it is ready (TLS: after the handshake), then rests until told to dial
// again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/backoff.h"
#include "common/net/connection.h"

namespace tandem::net {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

struct DialerOptions {
  std::vector<HostPort> hosts;                      // tried in turn
  TlsContextPtr tls;                                // null: plain TCP
  bool verify_name = false;                         // the certificate must be made out for the host's name or address
  std::chrono::milliseconds connect_timeout{5000};  // each address
  BackoffOptions backoff;
  ConnectionOptions connection;
};

class Dialer {
 public:
  using Connected = std::function<void(ConnectionPtr)>;
  // A round over the addresses of one host failed; the next begins after `wait`.
  using Failed = std::function<void(const std::string& line, std::chrono::milliseconds wait)>;

  static std::unique_ptr<Dialer> make(EventLoop& loop, DialerOptions options, Connected connected, Failed failed);
  virtual ~Dialer() = default;
  virtual void dial() = 0;                      // at once
  virtual void redial() = 0;                    // after the connection was lost: waits its time first
  virtual void proved() = 0;                    // the connection was good: waits begin short again
  virtual void stop() = 0;                      // no more attempts until dial()
  virtual void set_tls(TlsContextPtr tls) = 0;  // for the next attempts
};

}  // namespace tandem::net
