// A configured DN, and who is registered on it.
#pragma once

#include <memory>
#include <vector>

#include "proto/tlib.pb.h"
#include "tserver/model/agent.h"
#include "tserver/model/call.h"
#include "tserver/model/settings.h"

namespace tandem::tserver {

struct Client;

struct Registration {
  Client* client;
  tlib::TRegisterMode mode;
  std::optional<bool> logout_on_disconnect;  // LogoutOnDisconnect of the request (MMC-423)
};

struct Device {
  Dn dn;
  DnSettings settings;
  bool in_service = false;
  std::optional<bool> direct_override;  // handle-direct-calls as a client wants it, while it is registered
  SessionId direct_override_by;
  bool dnd = false;                // do not disturb, set by RequestSetDNDOn
  std::vector<LinkNo> refused_by;  // Connectors that said they can't serve it
  std::vector<Registration> registrations;
  std::vector<Call*> calls;                        // oldest first
  std::unique_ptr<Agent> agent;                    // logged in here
  std::optional<std::chrono::seconds> next_guard;  // LegalGuardTime of the last logout: for the next login

  // A place where calls wait for an instruction.
  bool routes() const { return settings.type == DnType::RoutingPoint || settings.type == DnType::ExternalRoutingPoint; }
  bool virtual_queue() const { return settings.type == DnType::VirtualQueue; }
  bool extension() const { return settings.type == DnType::Extension; }
  // Is somebody registered who can give instructions and hears the request for them?
  bool has_router() const;
  const Registration* registration(const Client& client) const;
};

tlib::TAddressType address_type(DnType type);

}  // namespace tandem::tserver
