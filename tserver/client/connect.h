// What every program of this room takes on its command line to reach T-Servers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/net/dialer.h"
#include "common/net/tls.h"

namespace tandem::client {

// "127.0.0.1:7000,[::1]:7000"
Result<std::vector<net::HostPort>, Failure> parse_servers(std::string_view text);

struct TlsFiles {
  bool on = false;
  std::string ca;           // who signs servers; empty: the system's authorities
  std::string certificate;  // shown to the server; empty: none
  std::string key;
};

// Null if TLS is off.
Result<net::TlsContextPtr, Failure> tls_context(const TlsFiles& files);

}  // namespace tandem::client
