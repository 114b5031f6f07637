// A small HTTP/1.1 server in a thread of its own, for scrapers, probes and operators: few connections, short messages,
// a deadline for everything. What is asked is answered by somebody else, in whatever thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/tls.h"

namespace tandem::http {

struct Request {
  std::string method;    // "GET"
  std::string path;      // "/metrics"
  std::string query;     // behind the question mark
  bool ordered = false;  // carries the header X-Tandem, which no web page can make a browser send unasked
  bool trusted = false;  // from this host, or over TLS with a certificate that our CA signed
};

struct Response {
  unsigned status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  bool tls = false;
  net::TlsOptions tls_files;  // `mutual`: who shows no certificate of `ca` isn't let in; else such a one is accepted
  std::size_t connection_limit = 64;
  std::chrono::milliseconds read_timeout{10000};   // TLS handshake and a request; also between two of them
  std::chrono::milliseconds answer_timeout{2000};  // then 503 is said
};

class Server {
 public:
  using Respond = std::function<void(Response)>;         // from any thread; only the first counts
  using Handle = std::function<void(Request, Respond)>;  // in the server's thread

  // Listens and starts the thread; a Failure says what is in the way.
  static Result<std::unique_ptr<Server>, Failure> open(ServerOptions options, Handle handle);
  virtual ~Server() = default;  // ends the thread
  virtual std::uint16_t port() const = 0;
  // For new connections; files that can't be used change nothing.
  virtual Result<void, Failure> set_tls(const net::TlsOptions& files) = 0;
};

}  // namespace tandem::http
