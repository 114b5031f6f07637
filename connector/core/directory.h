// What the core asks of the front end: who a caller is and where a called party can be reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace tandem::connector {

// The caller of an INVITE, as far as the front end could prove it.
struct Caller {
  std::string dn;              // DN of a phone of ours (digest or registered flow), or the URI of anybody else
  bool authenticated = false;  // proved by digest, by a trunk's address or by the trusted proxy
  std::string trunk;           // name of the trunk, empty if none
};

// One place to send a request to.
struct Target {
  std::string request_uri;
  std::string next_hop;        // "sip:ip:port;transport=tcp" where to send it if not where the URI says; empty: follow the URI
  std::string trunk;           // name of the trunk, empty if none
  std::uint16_t q_milli = 1000;
  std::vector<std::string> route;  // Path of the registration (RFC 3327): Route header values, topmost first; beats next_hop
};

class Directory {
 public:
  virtual ~Directory() = default;
  // Contacts of a registered phone, the trunk of a number, or the external proxy. Empty: nobody is there.
  // `reason` says why in words when it is empty.
  virtual std::vector<Target> resolve(const std::string& to, std::string& reason) const = 0;
};

}  // namespace tandem::connector
