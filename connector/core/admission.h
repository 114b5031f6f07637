// What the sip room asks of the front end about a request that begins something: may it, and as whom. Plain values both
// ways; the sip room parses and sends, the front end decides. Called in the core's thread; must not block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "connector/core/directory.h"
#include "connector/core/machine.h"

namespace tandem::connector {

// One Authorization or Proxy-Authorization header with the scheme Digest (RFC 7616); values without their quotes.
struct DigestCredentials {
  bool proxy = false;  // Proxy-Authorization
  std::string username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc;
};

// The way a request came.
struct Origin {
  std::string ip;  // without brackets
  std::uint16_t port = 0;
  std::string transport;  // "udp", "tcp" or "tls"
  std::string local_ip;   // our address it arrived at
  std::uint16_t local_port = 0;
  // Names, addresses and URIs of the client certificate that was verified; none without one.
  std::vector<std::string> tls_names;
};

struct RequestFacts {
  std::string method;  // "INVITE", "REGISTER", ...
  std::string request_uri, from_uri, from_display, to_uri, call_id, user_agent;
  std::uint32_t cseq = 0;
  std::vector<std::string> asserted;  // P-Asserted-Identity URIs; worth something from a trusted peer only
  Origin origin;
  std::vector<DigestCredentials> credentials;
  std::optional<std::uint32_t> max_forwards;
  std::vector<std::string> via;  // sent-by ("host:port") of each Via, topmost first
  // It takes the place of a leg of ours (RFC 3891): who it is counts, where its Request-URI leads doesn't.
  bool replacing = false;
};

// One Contact of a REGISTER (RFC 3261 section 10.3, RFC 5626).
struct ContactAsked {
  std::string uri;                         // the URI alone, as written
  std::optional<std::uint32_t> expires_s;  // parameter of the contact
  std::optional<std::uint16_t> q_milli;
  std::string instance;      // +sip.instance without quotes
  std::uint32_t reg_id = 0;  // 0: absent
};

struct RegisterAsked {
  RequestFacts facts;
  bool star = false;                       // Contact: *
  std::vector<ContactAsked> contacts;      // none and no star: a query
  std::optional<std::uint32_t> expires_s;  // Expires header
  std::vector<std::string> path;           // Path URIs, topmost first (RFC 3327)
  std::vector<std::string> supported;      // option tags of Supported
};

// A request whose topmost Route is ours (RFC 3261 section 16.4).
struct RouteAsked {
  Origin origin;
  std::string token;  // user part of that Route
  std::string request_uri;
  std::string contact;  // URI, empty if absent
};
// Where it goes.
struct Forwarding {
  std::string to;           // "sip:ip:port;transport=tls"
  bool connection = false;  // over the connection that leads there, or not at all
  std::string record;       // user part of our Record-Route
};

// A final response. Headers are sent as written (WWW-Authenticate, Contact, Min-Expires, ...). Status 0: none at all,
// drop the request (its source is banned for a while).
struct Reply {
  int status = 500;
  std::string reason;  // empty: the standard phrase
  std::vector<SipHeader> headers;
};

class Admission {
 public:
  virtual ~Admission() = default;
  virtual Reply registered(const RegisterAsked& asked, Now now) = 0;
  // An INVITE outside any dialog: who calls, or the refusal (401/407 with a challenge, 403, 404, ...).
  virtual std::variant<Caller, Reply> invited(const RequestFacts& facts, Now now) = 0;
  // Who is called by an admitted request: the DN of ours, the number or the URI its Request-URI means (for
  // Invited::request_uri).
  virtual std::string called(const RequestFacts& facts) const { return facts.request_uri; }
  // Somebody in a call wants us to call `to` in its place (REFER, as called() gives it): the refusal, or none if it
  // may.
  virtual std::optional<Reply> referred(const Caller&, const std::string&) { return std::nullopt; }
  // Identities that a request from there asserts (RFC 3325) are believed.
  virtual bool believed(const Origin&) const { return false; }
  // None: nobody may route requests over us that way.
  virtual std::optional<Forwarding> forward(const RouteAsked&) const { return std::nullopt; }
  // Any other request outside a dialog (OPTIONS ...): false if its source gets no answer.
  virtual bool welcome(const Origin&, Now) { return true; }
  // A TCP or TLS connection closed: nobody is reached over it any more.
  virtual void connection_closed(const Origin&) {}
};

}  // namespace tandem::connector
