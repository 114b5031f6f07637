// TLS on memory: a context made from files, and a session that turns received bytes into plain ones and back. No socket
// here.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/bytes.h"

namespace tandem::net {

struct TlsOptions {
  std::string certificate;   // PEM file: own certificate and chain; empty: none is presented
  std::string key;           // PEM file
  std::string ca;            // PEM file: who may sign the other side's certificate; empty: the system's
  bool mutual = true;        // server side: the client must present a certificate signed by `ca`
  bool optional = false;     // server side, not mutual: a client that presents one must have it signed by `ca`
  bool require_1_3 = false;  // else TLS 1.2 is the lowest
  std::string ciphers;       // of TLS 1.2, in OpenSSL's notation; empty: forward secret ones with AEAD
  bool verify_peer = true;   // client side: check the server's certificate; switch off for trying things only
};

enum class TlsSide { Server, Client };

// Files read once. Sessions keep the context alive, so a program reloads by making a new one for new connections.
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>, Failure> make(TlsSide side, const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsSession;
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

using TlsContextPtr = std::shared_ptr<const TlsContext>;

// When the first certificate of a PEM file ends; seconds since 1970. Nothing: it can't be read.
std::optional<std::chrono::seconds> certificate_expiry(const std::string& file);

class TlsSession {
 public:
  // Client side: `name` is the host name or address the server's certificate must be made out for; empty: any name.
  TlsSession(TlsContextPtr context, const std::string& name);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Bytes from the other side; appended plain bytes go to `plain`, what must be sent to output(). Nothing: all is well.
  // A Failure says in words why the session can't go on; output() may hold an alert for the other side.
  Result<void, Failure> received(std::string_view bytes, ByteQueue& plain);
  // First step of a client; a server does nothing here.
  Result<void, Failure> start();
  Result<void, Failure> send(std::string_view plain);  // after the handshake only
  void close();                                        // close_notify

  bool established() const;       // handshake done
  bool peer_closed() const;       // close_notify received
  ByteQueue& output();            // to be sent; the caller consumes it
  bool peer_proved() const;       // the peer presented a certificate, and the context's CA signed it
  std::string peer_name() const;  // common name of the peer's certificate, for the log
  std::string protocol() const;   // "TLSv1.3"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::net
