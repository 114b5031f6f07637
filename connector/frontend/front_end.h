// The front end: who may register, who is calling, and where somebody can be reached. Pure policy: no socket, thread,
// clock, random source or log sink, no sofia-sip type. The sip room parses, asks here, and sends what it is told.
//
// Identity of callers, embedded mode (RFC 3261 section 22):
//  - From names a phone of ours: it must prove it by digest, each call (401). With `trust-registered-flow` a TCP or TLS
//    connection over which that phone registered by digest is believed too, until the connection closes.
//  - the source address is a trunk's: believed, as that trunk.
//  - anybody else is a stranger: may call DNs of ours if `accept-strangers`, never a trunk or a foreign address (no
//    relay).
// External mode: the proxy's address is believed, all else is refused with 403.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "connector/core/admission.h"
#include "connector/core/directory.h"
#include "connector/frontend/settings.h"
#include "proto/link.pb.h"

namespace tandem::connector {

class FrontEnd final : public Directory, public Admission {
 public:
  // `secret`: at least 16 random bytes, fresh at each start; nonces are signed with it.
  FrontEnd(FrontEndSettings settings, std::string secret);
  ~FrontEnd() override;

  // New settings; bindings stay, except those of DNs that are gone.
  void configure(FrontEndSettings settings);

  // Admission.
  Reply registered(const RegisterAsked& asked, Now now) override;
  std::variant<Caller, Reply> invited(const RequestFacts& facts, Now now) override;
  std::string called(const RequestFacts& facts) const override;
  std::optional<Reply> referred(const Caller& by, const std::string& to) override;
  bool believed(const Origin& origin) const override;
  std::optional<Forwarding> forward(const RouteAsked& asked) const override;
  bool welcome(const Origin& origin, Now now) override;
  void connection_closed(const Origin& origin) override;

  // Location command of the T-Server: bindings held by another Connector. No contacts: forgotten.
  void learn(const link::Registration& registration, Now now);
  // What was registered here when the process before this one ended; what has expired since isn't taken.
  void restore(link::Registration registration, std::chrono::seconds ago, Now now);

  // Expiry: call expire() when next_expiry() has come.
  std::optional<Instant> next_expiry() const;
  std::size_t contacts() const;  // known now, those learned from other Connectors too
  void expire(Now now);

  // Addresses of record whose bindings held here changed since the last call, each as it is now: one Registration
  // happening each. To be drained after registered(), learn(), expire() and configure().
  std::vector<link::Registration> take_changed(Now now);

  // Lines for the log since the last call: who registered, whose password was wrong, who was refused.
  std::vector<CoreLog> take_log();

  // All bindings held here, for link::Snapshot::registrations.
  std::vector<link::Registration> registrations(Now now) const override;

  // Directory: contacts of a registered phone by falling q, latest first; the trunk of a number; or the external proxy.
  std::vector<Target> resolve(const std::string& to, Unreachable& why) const override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tandem::connector
