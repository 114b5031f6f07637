// What both programs answer on their HTTP port:
//
//   GET /metrics   Prometheus text
//   GET /health    200 while the program's own thread answers, else 503: is it worth being kept alive?
//   GET /ready     200 while it takes new work, else 503 with the reasons
//   GET /status    one JSON object: who it is, its state, what is left to do
//   POST /drain    takes no new work and ends when nothing is left
//   POST /stop     the same, at once with ?force
//
// The program's own thread answers everything, by message. Orders need the header X-Tandem and come from this host, or
// over TLS with a certificate of our CA; others get 403.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/http/server.h"
#include "common/metrics/exposition.h"

namespace tandem::http {

// How a program is doing.
struct Standing {
  std::string application;
  std::string version;
  std::string state;                                           // "ready", "suspending", "backup" ...
  std::vector<std::string> unready;                            // why it takes no new work; none: it does
  std::vector<std::pair<std::string, std::uint64_t>> figures;  // "calls", 3
};

std::string to_json(const Standing& standing);

// Asked in the program's own thread.
class Operated {
 public:
  virtual ~Operated() = default;
  virtual void add_metrics(metrics::Exposition& out) = 0;
  virtual Standing standing() = 0;
  // Ends when nothing is left, or at once. What is said to the operator.
  virtual std::string end(bool force) = 0;
};

class OperatorPort {
 public:
  // Runs a task in the program's own thread; false: it can't any more.
  using Post = std::function<bool(std::function<void()>)>;

  // `operated` must outlive every task posted.
  static Result<std::unique_ptr<OperatorPort>, Failure> open(ServerOptions options, Post post, Operated& operated);

  std::uint16_t port() const { return server_->port(); }
  Result<void, Failure> set_tls(const net::TlsOptions& files) { return server_->set_tls(files); }

 private:
  OperatorPort() = default;
  std::unique_ptr<Server> server_;
};

}  // namespace tandem::http
