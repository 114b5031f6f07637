// What an address that somebody wants to reach means here.
#pragma once

#include <string>
#include <string_view>

#include "tserver/features/checks.h"

namespace tandem::tserver {

struct Destination {
  Device* device = nullptr;  // an Extension or a Routing Point of ours
  std::string address;       // else: a number or URI outside

  bool routes() const { return device != nullptr && device->routes(); }
  const std::string& name() const { return device != nullptr ? device->dn.str() : address; }
};

// 165 for one that the dial plan of `pool` bars. `invalid` is the code for an address that can't be reached: 415 where
// calls are routed, 71 where they are made. A DN that is out of service is 93, one that must not be disturbed 231.
Result<Destination, Refusal> find_destination(Core& core, std::string_view pool, std::string_view text,
                                              tlib::TErrorCode invalid);

// Printable, without what encloses addresses, and not too long.
bool is_address(std::string_view text);

// The address alone, of a contact as phones write it: without display name, angle brackets and parameters.
std::string_view bare_address(std::string_view contact);

// A number as a SIP URI of this switch; a URI as it is.
std::string as_uri(const Settings& settings, const std::string& address);

}  // namespace tandem::tserver
