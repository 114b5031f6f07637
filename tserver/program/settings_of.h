// What the T-Server's rooms need to know, taken from the environment file. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/config/environment.h"
#include "common/config/scope.h"
#include "common/net/connection.h"
#include "common/net/tls.h"
#include "tserver/clients/clients.h"
#include "tserver/links/links.h"
#include "tserver/model/settings.h"
#include "tserver/standby/etcd_seat.h"
#include "tserver/standby/json_post.h"
#include "tserver/standby/role_machine.h"

namespace tandem::tserver {

// The links in the order the model numbers them. A link keeps its number as long as the process lives: one whose
// section is gone keeps its place, unused.
struct LinkPlan {
  struct Entry {
    config::LinkConfig config;
    bool used = true;
  };
  std::vector<Entry> entries;

  void update(const std::vector<config::LinkConfig>& now);
};

Settings settings_of(const config::Environment& environment, const config::Application& application,
                     const std::string& version, const LinkPlan& links);

ClientsOptions clients_options(const config::Scope& scope);
net::ConnectionOptions client_connection(const config::Scope& scope);
// Without TLS contexts, which are made from files.
LinkOptions link_options(const config::Scope& scope, const config::LinkConfig& link);

// The other T-Server of a hot standby pair; null: there is none.
const config::Application* peer_of(const config::Environment& environment, const config::Application& application);
RoleOptions role_options(const config::Scope& scope);

struct EtcdSettings {
  EtcdOptions etcd;
  JsonPostOptions post;
};
Result<EtcdSettings, Failure> etcd_settings(const config::Environment& environment,
                                            const config::Application& application, const config::Scope& scope);

// TLS files and options of the application, as a server towards clients or as a client towards Connectors.
net::TlsOptions tls_options(const config::Application& application, const config::Scope& scope);
// Of the port ha-sync: both sides show a certificate, whatever other ports ask for.
struct SyncTls {
  net::TlsContextPtr server, client;
};
Result<SyncTls, Failure> sync_tls(net::TlsOptions options);

}  // namespace tandem::tserver
