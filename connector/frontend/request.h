// What the front end sees of a SIP request, and what it says to it: plain values, filled and carried out by the sip
// room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connector/core/machine.h"

namespace tandem::connector {

enum class Transport { Udp, Tcp, Tls };

// Where a request really came from (socket address, not what its Via claims).
struct Source {
  std::string ip;  // without brackets
  std::uint16_t port = 0;
  Transport transport = Transport::Udp;
  friend bool operator==(const Source&, const Source&) = default;
};

struct ContactValue {
  std::string uri;  // without angle brackets
  std::optional<std::uint32_t> expires_s;
  std::uint16_t q_milli = 1000;
  std::string instance;  // +sip.instance, may be empty
};

struct RegisterRequest {
  Source source;
  std::string request_uri, from_uri, to_uri, call_id;
  std::uint32_t cseq = 0;
  std::vector<ContactValue> contacts;
  bool wildcard = false;                   // Contact: *
  std::optional<std::uint32_t> expires_s;  // Expires header
  std::vector<std::string> path;           // Path URIs, topmost first
  std::vector<std::string> authorization;  // each Authorization value as text: "Digest username=..., ..."
};

// A request outside any dialog that is addressed to somebody: INVITE now; MESSAGE and the like may use it later.
struct CallRequest {
  Source source;
  std::string method = "INVITE";
  std::string request_uri, from_uri, to_uri, call_id;
  std::vector<std::string> authorization;  // values of Authorization and Proxy-Authorization
  std::string asserted_identity;           // P-Asserted-Identity URI, believed only from trunks and the trusted proxy
  std::optional<std::uint32_t> max_forwards;
  std::vector<std::string> via;  // sent-by ("host:port") of each Via, topmost first
};

// A response to send. Status 0: say nothing at all (banned source).
struct Reply {
  int status = 0;
  std::string reason;
  std::vector<SipHeader> headers;
};

struct RegisterVerdict {
  Reply reply;                                // final; complete with its Contact, Path, challenge headers
  std::optional<link::Registration> changed;  // report it to the T-Servers as a Happening
};

struct CallVerdict {
  bool admitted = false;
  Caller caller;   // if admitted
  std::string to;  // if admitted: the DN of ours, the number or the URI that is called (goes into Invited::request_uri)
  Reply reply;     // if not admitted
};

}  // namespace tandem::connector
