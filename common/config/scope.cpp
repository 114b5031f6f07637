#include "common/config/scope.h"

#include <algorithm>
#include <charconv>

#include "common/config/connector_options.h"
#include "common/config/tserver_options.h"

namespace tandem::config {
namespace {

const Folder* folder_of_pool(const Switch& of, std::string_view pool) {
  const auto found =
      std::find_if(of.folders.begin(), of.folders.end(), [&](const Folder& f) { return f.pool == pool; });
  return pool.empty() || found == of.folders.end() ? nullptr : &*found;
}

void add_tserver(Scope& scope, const Environment& environment, const Application& tserver) {
  scope.then(level::kTServer, tserver.options);
  if (const Switch* of = environment.switch_of(tserver)) scope.then(level::kSwitch, of->annex);
  scope.from(environment.folder);
}

}  // namespace

Levels level_of(DnType type) {
  switch (type) {
    case DnType::Extension:
      return level::kExtension;
    case DnType::RoutingPoint:
      return level::kRoutingPoint;
    case DnType::ExternalRoutingPoint:
      return level::kExternalRoutingPoint;
    case DnType::AcdQueue:
      return level::kAcdQueue;
    case DnType::VirtualQueue:
      return level::kVirtualQueue;
    case DnType::VoipService:
      return level::kVoipService;
    case DnType::TrunkGroup:
      return level::kTrunkGroup;
  }
  return 0;
}

Scope& Scope::then(Levels at, const Options& options) {
  if (count_ < layers_.size()) layers_[count_++] = {at, &options};
  return *this;
}

Scope& Scope::from(std::string folder) {
  folder_ = std::move(folder);
  return *this;
}

const Value* Scope::find(const Row& row, std::string_view section, std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (!(layers_[i].level & row.levels)) continue;
    const auto values = layers_[i].options->find(section);
    if (values == layers_[i].options->end()) continue;
    if (const auto value = values->second.find(name); value != values->second.end()) return &value->second;
  }
  return nullptr;
}

std::vector<std::pair<int, const Value*>> Scope::find_numbered(const Row& row) const {
  const auto n = row.name.find("-n");
  const auto head = row.name.substr(0, n + 1), tail = row.name.substr(n + 2);
  std::map<int, const Value*> found;
  for (std::size_t i = 0; i < count_; ++i) {
    const auto values = layers_[i].options->find(row.section);
    if (!(layers_[i].level & row.levels) || values == layers_[i].options->end()) continue;
    for (const auto& [name, value] : values->second) {
      if (!name.starts_with(head) || !name.ends_with(tail) || name.size() <= head.size() + tail.size()) continue;
      int number = 0;
      const char* end = name.data() + name.size() - tail.size();
      const auto [stop, error] = std::from_chars(name.data() + head.size(), end, number);
      if (error == std::errc{} && stop == end && number > 0) found.emplace(number, &value);
    }
  }
  return {found.begin(), found.end()};
}

Path Scope::placed(Path value) const {
  if (!value.text.empty() && value.text.front() != '/' && !folder_.empty()) value.text = folder_ + "/" + value.text;
  return value;
}

Scope scope_of(const Environment& environment, const Application& application) {
  Scope scope;
  if (application.type == AppType::TServer) {
    add_tserver(scope, environment, application);
    return scope;
  }
  if (const Switch* of = environment.switch_of(application)) {
    if (const Folder* folder = folder_of_pool(*of, pool_of_connector(environment, application)))
      scope.then(level::kFolder, folder->annex);
    scope.then(level::kSwitch, of->annex);
  }
  scope.then(level::kConnector, application.options);
  scope.from(environment.folder);
  return scope;
}

Scope scope_of(const Environment& environment, const Application& tserver, const Switch& of, const DnObject& dn) {
  Scope scope;
  scope.then(level_of(dn.type), dn.options);
  if (const Folder* folder = folder_of_pool(of, of.pool_of(dn))) scope.then(level::kFolder, folder->annex);
  add_tserver(scope, environment, tserver);
  return scope;
}

Scope scope_of(const Environment& environment, const Application& tserver, const Switch& of, const DnObject& dn,
               const AgentLogin& login) {
  Scope scope;
  scope.then(level::kAgentLogin, login.options).then(level_of(dn.type), dn.options);
  if (const Folder* folder = folder_of_pool(of, of.pool_of(dn))) scope.then(level::kFolder, folder->annex);
  add_tserver(scope, environment, tserver);
  return scope;
}

Scope scope_of_pool(const Environment& environment, const Application& tserver, std::string_view pool) {
  Scope scope;
  if (const Switch* of = environment.switch_of(tserver))
    if (const Folder* folder = folder_of_pool(*of, pool)) scope.then(level::kFolder, folder->annex);
  add_tserver(scope, environment, tserver);
  return scope;
}

std::vector<LinkConfig> links_of(const Environment& environment, const Application& tserver) {
  const Scope scope = scope_of(environment, tserver);
  std::vector<LinkConfig> links;
  for (const auto& [n, section] : scope.each(options::tserver.link_n_name)) {
    if (!tserver.options.contains(section)) continue;
    LinkConfig link{n, section};
    link.hostname = scope.get(options::link.hostname, section);
    link.port = static_cast<std::uint16_t>(scope.get(options::link.port, section));
    link.tls = scope.get(options::link.protocol, section) == LinkProtocol::Tls;
    link.pool = scope.get(options::link.pool_name, section);
    if (link.pool == "default") link.pool.clear();
    link.use_certificate = scope.get(options::link.use_certificate, section);
    link.verify_name = scope.get(options::link.verify_name, section);
    link.addp_timeout = scope.get(options::link.addp_timeout, section);
    link.addp_remote_timeout = scope.get(options::link.addp_remote_timeout, section);
    link.reconnect_timeout = scope.get(options::link.reconnect_timeout, section);
    link.reconnect_timeout_max = scope.get(options::link.reconnect_timeout_max, section);
    links.push_back(std::move(link));
  }
  return links;
}

std::string pool_of_connector(const Environment& environment, const Application& connector) {
  const Port* port = connector.port("link");
  for (const auto& application : environment.applications) {
    if (!port || application.type != AppType::TServer || application.switch_name != connector.switch_name) continue;
    for (const auto& link : links_of(environment, application))
      if (link.hostname == connector.host && link.port == port->port) return link.pool;
  }
  return {};
}

std::uint32_t server_id_of(const Environment& environment, const Application& tserver) {
  const Scope scope = scope_of(environment, tserver);
  if (scope.has(options::tserver.server_id)) return static_cast<std::uint32_t>(scope.get(options::tserver.server_id));
  const auto place = std::find_if(environment.applications.begin(), environment.applications.end(),
                                  [&](const Application& a) { return a.name == tserver.name; });
  return static_cast<std::uint32_t>(place - environment.applications.begin()) + 1;
}

}  // namespace tandem::config
