// The front end: who may register, who is calling, and where somebody can be reached. Pure policy: no socket, thread,
// clock, random source or log sink, no sofia-sip type. The sip room parses, asks here, and sends what it is told.
//
// Identity of callers, embedded mode (RFC 3261 section 22; choice documented here):
//  - From names a phone of ours: it must prove it by digest, each call (401). With `trust-registered-flow` a TCP or TLS
//  connection
//    over which that phone registered by digest is believed too, until the connection closes.
//  - the source address is a trunk's: believed, as that trunk.
//  - anybody else is a stranger: may call DNs of ours if `accept-strangers`, never a trunk or a foreign address (no
//  relay).
// External mode: the proxy's address is believed, all else is refused with 403.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "connector/core/directory.h"
#include "connector/frontend/request.h"
#include "connector/frontend/settings.h"
#include "proto/link.pb.h"

namespace tandem::connector {

class FrontEnd final : public Directory {
 public:
  // `secret`: at least 16 random bytes, fresh at each start; nonces are signed with it.
  FrontEnd(FrontEndSettings settings, std::string secret);
  ~FrontEnd() override;

  // New settings; bindings stay, except those of DNs that are gone (reported in the result as empty registrations).
  std::vector<link::Registration> configure(FrontEndSettings settings);

  // REGISTER, as registrar (RFC 3261 section 10).
  RegisterVerdict on_register(const RegisterRequest& request, Now now);

  // INVITE outside any dialog: identity, permission, loop and rate checks in one step.
  CallVerdict on_call(const CallRequest& request, Now now);

  // Any other request outside a dialog (OPTIONS ...): false if the source is banned and gets no answer.
  bool welcome(const Source& source, Now now);

  // A TCP or TLS connection closed: phones are no longer reached over it.
  void connection_closed(const Source& source);

  // Location command of the T-Server: bindings held by another Connector. No contacts: forgotten.
  void learn(const link::Registration& registration, Now now);

  // Expiry. Call expire() when next_expiry() has come; each returned registration changed and is to be reported.
  std::optional<Instant> next_expiry() const;
  std::vector<link::Registration> expire(Now now);

  // Bindings held here, for link::Snapshot::registrations.
  std::vector<link::Registration> registrations(Now now) const;

  // Directory: contacts of a registered phone by falling q, latest first; the trunk of a number; or the external proxy.
  std::vector<Target> resolve(const std::string& to, std::string& reason) const override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tandem::connector
