// IP address and port as the kernel takes them, comparable. Half the size of sockaddr_storage, since every endpoint has
// several.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tandem::connector::media {

class Address {
 public:
  Address() : storage_{} {}
  // A literal IPv4 or IPv6 address, without a name service; "fe80::1%eth0" is understood.
  static std::optional<Address> parse(const std::string& ip, std::uint16_t port);

  bool valid() const { return storage_.plain.sa_family != AF_UNSPEC; }
  int family() const { return storage_.plain.sa_family; }
  bool any() const;  // 0.0.0.0 or ::
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  std::string ip() const;
  std::string text() const;  // 192.0.2.1:4000, [2001:db8::1]:4000
  bool same_ip(const Address& other) const;
  friend bool operator==(const Address& a, const Address& b) { return a.same_ip(b) && a.port() == b.port(); }

  const sockaddr* data() const { return &storage_.plain; }
  sockaddr* data() { return &storage_.plain; }
  socklen_t size() const { return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }
  static constexpr socklen_t capacity() { return sizeof(sockaddr_in6); }

 private:
  union Storage {
    sockaddr_in6 v6;  // first, since the largest: initialising zeroes it whole
    sockaddr_in v4;
    sockaddr plain;
  } storage_;
};

}  // namespace tandem::connector::media
