#include "tserver/client/connect.h"

#include <charconv>
#include <utility>

namespace tandem::client {

Result<std::vector<net::HostPort>, Failure> parse_servers(std::string_view text) {
  const Failure wrong{"expected HOST:PORT[,HOST:PORT], not \"" + std::string(text) + "\""};
  std::vector<net::HostPort> servers;
  for (;;) {
    const auto comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    const auto colon = one.rfind(':');
    if (colon == std::string_view::npos) return wrong;
    std::string_view host = one.substr(0, colon);
    const std::string_view port = one.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
      return wrong;  // an IPv6 address stands in brackets
    }
    net::HostPort server{std::string(host), 0};
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
    if (host.empty() || error != std::errc{} || end != port.data() + port.size() || server.port == 0) return wrong;
    servers.push_back(std::move(server));
    if (comma == std::string_view::npos) return servers;
    text.remove_prefix(comma + 1);
  }
}

Result<net::TlsContextPtr, Failure> tls_context(const TlsFiles& files) {
  if (!files.on) return net::TlsContextPtr{};
  net::TlsOptions options;
  options.ca = files.ca;
  options.certificate = files.certificate;
  options.key = files.key;
  auto context = net::TlsContext::make(net::TlsSide::Client, options);
  if (!context) return context.error();
  return net::TlsContextPtr(std::move(*context));
}

}  // namespace tandem::client
