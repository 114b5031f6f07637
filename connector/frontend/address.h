// SIP and tel URIs as far as routing needs them, telephone numbers, and which addresses can be reached from outside.
// Syntax: RFC 3261 section 19.1, RFC 3966. Bounded: longer than kMaxUri isn't parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::connector {

inline constexpr std::size_t kMaxUri = 1024;

struct Uri {
  std::string scheme;      // "sip", "sips" or "tel"; lower case
  std::string user;        // without password and parameters, %XX decoded; the number of a tel URI
  std::string host;        // lower case, IPv6 without brackets; empty for tel
  std::uint16_t port = 0;  // 0: not given
  std::string transport;   // lower case, empty if not given
};

std::optional<Uri> parse_uri(std::string_view text);

// "ip" or "[ip]" as it stands in URIs.
std::string bracketed(std::string_view host);
// "host:port" or "[v6]:port".
std::string host_port(std::string_view host, std::uint16_t port);
struct HostPort {
  std::string host;
  std::uint16_t port = 0;  // 0: not given
};
HostPort split_host_port(std::string_view text);

// Digits with a leading + if there was one, visual separators removed; empty if it is no telephone number. Two digits
// at least, so that short user names like "7" aren't taken for one.
std::string telephone_number(std::string_view text);

// Letters A to Z folded.
std::string lower(std::string_view text);

bool is_ip(std::string_view host);
// Private, shared, loopback, link-local or unspecified: an address that means nothing outside its own network.
bool is_unroutable(std::string_view ip);
// What limits count by: the address itself, of IPv6 its /64.
std::string source_key(std::string_view ip);

}  // namespace tandem::connector
