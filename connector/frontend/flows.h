// Phones on TCP or TLS are reached over the connection that they made, and one Connector holds it (RFC 5626). The
// others are told a Path to it (RFC 3327): a URI of the holder whose user part is a token that only it can make, so
// that nobody else has requests forwarded. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connector/core/admission.h"

namespace tandem::connector {

class FlowTokens {
 public:
  // `secret`: at least 16 random bytes.
  explicit FlowTokens(std::string secret) : secret_(std::move(secret)) {}

  struct Ends {
    std::string flow;  // the phone's connection, "ip:port;transport"
    std::string back;  // URI of the one who called it, empty before a dialog has begun
  };
  std::string write(const Ends& ends) const;
  // None: not made by us, or changed.
  std::optional<Ends> read(std::string_view token) const;

 private:
  std::string signature(std::string_view text) const;
  std::string secret_;
};

}  // namespace tandem::connector
