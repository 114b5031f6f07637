// One HTTP request and its answer, for command-line programs: waits for it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/http/server.h"

namespace tandem::http {

struct Ask {
  std::string host;
  std::uint16_t port = 0;
  std::optional<net::TlsOptions> tls;  // the server's certificate must be made out for `host`
  std::string method = "GET";
  std::string target = "/";
  std::chrono::milliseconds patience{5000};
};

// A Failure if no answer came; an answer of whatever status is one.
Result<Response, Failure> ask(const Ask& question);

}  // namespace tandem::http
