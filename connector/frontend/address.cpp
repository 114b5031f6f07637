#include "connector/frontend/address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace tandem::connector {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// URIs are ASCII; everything else is escaped in them.
bool printable(std::string_view text) {
  for (const unsigned char c : text) {
    if (c <= ' ' || c == '"' || c == '<' || c == '>' || c >= 0x7f) return false;
  }
  return true;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<Uri> parse_uri(std::string_view text) {
  if (text.size() > kMaxUri || !printable(text)) return std::nullopt;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Uri uri;
  uri.scheme = lower(text.substr(0, colon));
  text.remove_prefix(colon + 1);
  if (uri.scheme == "tel") {
    uri.user = unescaped(text.substr(0, text.find(';')));
    return uri.user.empty() ? std::nullopt : std::optional(uri);
  }
  if (uri.scheme != "sip" && uri.scheme != "sips") return std::nullopt;

  // The user part may hold ; and ?, so it is split off before the parameters.
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto user = text.substr(0, at);
    uri.user = unescaped(user.substr(0, user.find_first_of(":;")));
    if (uri.user.empty()) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  const auto end = text.find_first_of(";?");
  const HostPort where = split_host_port(text.substr(0, end));
  if (where.host.empty()) return std::nullopt;
  uri.host = lower(where.host);
  uri.port = where.port;
  if (end == std::string_view::npos) return uri;

  auto parameters = text.substr(end);
  parameters = parameters.substr(0, parameters.find('?'));
  while (!parameters.empty()) {
    parameters.remove_prefix(1);
    const auto one = parameters.substr(0, parameters.find(';'));
    if (const auto equals = one.find('='); equals != std::string_view::npos) {
      if (lower(one.substr(0, equals)) == "transport") uri.transport = lower(one.substr(equals + 1));
    }
    parameters.remove_prefix(one.size());
  }
  return uri;
}

std::string bracketed(std::string_view host) {
  if (host.find(':') == std::string_view::npos || host.starts_with('[')) return std::string(host);
  return "[" + std::string(host) + "]";
}

std::string host_port(std::string_view host, std::uint16_t port) {
  return bracketed(host) + ":" + std::to_string(port);
}

HostPort split_host_port(std::string_view text) {
  HostPort out;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return {};
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
      return {std::string(text), 0};  // bare IPv6
    }
    out.host = text.substr(0, colon);
    text.remove_prefix(out.host.size());
  }
  if (text.empty()) return out;
  if (!text.starts_with(':')) return {};
  const auto port = port_of(text.substr(1));
  if (!port) return {};
  out.port = *port;
  return out;
}

std::string telephone_number(std::string_view text) {
  std::string out;
  std::size_t digits = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      out += c;
      ++digits;
    } else if (c == '+') {
      if (!out.empty()) return {};
      out += c;
    } else if (c != '-' && c != '.' && c != '(' && c != ')') {
      return {};
    }
  }
  return digits < 2 || digits > 32 ? std::string() : out;
}

bool is_ip(std::string_view host) {
  std::array<unsigned char, 16> bytes{};
  const std::string text(host);
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_unroutable(std::string_view ip) {
  std::array<unsigned char, 16> b{};
  const std::string text(ip);
  if (inet_pton(AF_INET, text.c_str(), b.data()) == 1) {
    return b[0] == 10 || b[0] == 127 || b[0] == 0 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
           (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) || (b[0] == 100 && (b[1] & 0xc0) == 64);
  }
  if (inet_pton(AF_INET6, text.c_str(), b.data()) != 1) return false;
  static constexpr std::array<unsigned char, 15> kZero{};
  if (std::memcmp(b.data(), kZero.data(), kZero.size()) == 0 && b[15] <= 1) return true;  // :: and ::1
  return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

std::string source_key(std::string_view ip) {
  std::array<unsigned char, 16> b{};
  const std::string text(ip);
  if (inet_pton(AF_INET6, text.c_str(), b.data()) != 1) return text;
  return "6:" + std::string(reinterpret_cast<const char*>(b.data()), 8);
}

}  // namespace tandem::connector
