// Command line of `tlib`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "tserver/client/connect.h"

namespace tandem::client {

struct TlibOptions {
  bool help = false;
  std::vector<net::HostPort> servers;
  TlsFiles tls;
  std::string name = "tlib";
  std::string password;
  std::vector<std::string> registrations;  // DNs
  std::vector<std::string> routes;         // RP=DEST[,DEST...]
  std::vector<std::pair<std::string, std::string>> variables;
  std::string script;                                                              // file; empty: standard input
  std::optional<std::chrono::milliseconds> linger = std::chrono::milliseconds{0};  // none: for ever
  std::chrono::milliseconds connect_timeout{10000};
  std::chrono::milliseconds addp_timeout{10000};
  bool pretty = false;
  bool resume = true;  // a session that outlives its connection
};

Result<TlibOptions, Failure> parse_tlib_options(const std::vector<std::string>& arguments);
std::string tlib_usage();

}  // namespace tandem::client
