#include "connector/media/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <array>
#include <cstring>

namespace tandem::connector::media {

std::optional<Address> Address::parse(const std::string& ip, std::uint16_t port) {
  Address address;
  if (inet_pton(AF_INET, ip.c_str(), &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
  } else {
    address = Address{};
    const auto percent = ip.find('%');
    if (inet_pton(AF_INET6, ip.substr(0, percent).c_str(), &address.storage_.v6.sin6_addr) != 1) return std::nullopt;
    address.storage_.v6.sin6_family = AF_INET6;
    if (percent != std::string::npos) address.storage_.v6.sin6_scope_id = if_nametoindex(ip.c_str() + percent + 1);
  }
  address.set_port(port);
  return address;
}

bool Address::any() const {
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == INADDR_ANY;
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
}

std::uint16_t Address::port() const {
  // Both kinds keep the port at the same place.
  return family() == AF_INET ? ntohs(storage_.v4.sin_port) : ntohs(storage_.v6.sin6_port);
}

void Address::set_port(std::uint16_t port) {
  if (family() == AF_INET) {
    storage_.v4.sin_port = htons(port);
  } else {
    storage_.v6.sin6_port = htons(port);
  }
}

std::string Address::ip() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) return inet_ntop(AF_INET, &storage_.v4.sin_addr, text.data(), text.size());
  if (family() == AF_INET6) return inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text.data(), text.size());
  return "-";
}

std::string Address::text() const {
  if (family() == AF_INET6) return "[" + ip() + "]:" + std::to_string(port());
  return ip() + ":" + std::to_string(port());
}

bool Address::same_ip(const Address& other) const {
  if (family() != other.family()) return false;
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == other.storage_.v4.sin_addr.s_addr;
  if (family() == AF_INET6)
    return std::memcmp(&storage_.v6.sin6_addr, &other.storage_.v6.sin6_addr, sizeof(in6_addr)) == 0;
  return true;
}

}  // namespace tandem::connector::media
