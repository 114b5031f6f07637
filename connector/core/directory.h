// What the core asks of the front end: who a caller is and where a called party can be reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "proto/link.pb.h"

namespace tandem::connector {

// The caller of an INVITE, as far as the front end could prove it.
struct Caller {
  std::string dn;              // DN of a phone of ours (digest or registered flow), or the URI of anybody else
  bool authenticated = false;  // proved by digest, by a trunk's address or by the trusted proxy
  std::string trunk;           // name of the trunk, empty if none
  std::string phone{};         // as in Target, if it called over its registered connection
};

// One place to send a request to.
struct Target {
  std::string request_uri;
  // "sip:ip:port;transport=tcp" where to send it if not where the URI says; empty: follow the URI
  std::string next_hop;
  std::string trunk;               // name of the trunk, empty if none
  std::uint16_t q_milli = 1000;    // RFC 3261 section 10.2.1.2: equal ones ring together, lower ones after them
  std::vector<std::string> route;  // Path of the registration (RFC 3327): Route values, topmost first; beats next_hop
  std::string connector;  // the other Connector that told us of it, empty: registered here, or no phone of ours
  std::string dn;         // DN this is a contact of; empty for trunks and the proxy
  // Which of the DN's phones: what stays the same when it registers anew over another connection. Its +sip.instance
  // (RFC 5626), or the Call-ID of its REGISTERs (RFC 3261 section 10.2.4)
  std::string phone;
  std::string local_ip;  // our address that faces it, for the SDP; empty: unknown, the default is taken
};

// Why nobody can be called: 404 the address leads nowhere, 480 a phone of ours that isn't registered.
struct Unreachable {
  int status = 480;
  std::string reason;  // in words
};

class Directory {
 public:
  virtual ~Directory() = default;
  // Contacts of a registered phone, the trunk of a number, or the external proxy. Empty: nobody is there, and `why`
  // says so.
  virtual std::vector<Target> resolve(const std::string& to, Unreachable& why) const = 0;
  // All bindings held here, for the snapshot a T-Server is sent.
  virtual std::vector<link::Registration> registrations(Now now) const = 0;
};

}  // namespace tandem::connector
