#include "connector/frontend/dial_plan.h"

#include <algorithm>

namespace tandem::connector {
namespace {

std::uint16_t port_or_default(std::uint16_t port, std::string_view transport) {
  if (port != 0) return port;
  return transport == "tls" ? 5061 : 5060;
}

std::string_view without_plus(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  return number;
}

}  // namespace

DialPlan::DialPlan(std::shared_ptr<const FrontEndSettings> settings) : settings_(std::move(settings)) {
  for (const std::string& domain : settings_->domains) domains_.insert(lower(domain));
  for (const std::string& own : settings_->own_addresses) own_.insert(lower(own));
  for (const auto& [dn, local] : settings_->dns) {
    if (local.association.empty()) continue;
    const std::string number = telephone_number(local.association);
    associations_.emplace(number.empty() ? local.association : std::string(without_plus(number)), dn);
  }
  for (const Trunk& trunk : settings_->trunks) {
    Known known{&trunk, trunk.sources};
    if (const auto uri = parse_uri(trunk.contact); uri && is_ip(uri->host)) {
      known.addresses.push_back(host_port(uri->host, port_or_default(uri->port, uri->transport)));
    }
    trunks_.push_back(std::move(known));
  }
}

bool DialPlan::local_host(const Uri& uri) const {
  return domains_.contains(uri.host) || own_.contains(host_port(uri.host, port_or_default(uri.port, uri.transport)));
}

bool DialPlan::ours(std::string_view sent_by) const {
  const HostPort where = split_host_port(sent_by);
  return own_.contains(host_port(lower(where.host), where.port == 0 ? 5060 : where.port));
}

std::optional<Meaning> DialPlan::local_dn(const std::string& user, const std::string& host) const {
  const auto find = [&](const std::string& name) -> std::optional<Meaning> {
    const auto it = settings_->dns.find(Dn{name});
    if (it == settings_->dns.end()) return std::nullopt;
    return Meaning{Meaning::Kind::LocalDn, it->first, &it->second, {}};
  };
  static const LocalDn conference{};
  const auto find_any = [&](const std::string& name) -> std::optional<Meaning> {
    if (auto found = find(name)) return found;
    const Dn called{name};
    if (settings_->conferences.number(called.str())) return Meaning{Meaning::Kind::LocalDn, called, &conference, {}};
    return std::nullopt;
  };
  if (domains_.contains(host)) return find_any("sip:" + user + "@" + host);
  for (const std::string& domain : settings_->domains) {
    if (auto found = find_any("sip:" + user + "@" + domain)) return found;
  }
  return std::nullopt;
}

Meaning DialPlan::meaning(std::string_view address) const {
  Uri uri;
  if (auto parsed = parse_uri(address)) {
    uri = std::move(*parsed);
  } else {
    // A DN with a plain name, or a short name.
    if (address.empty() || address.size() > kMaxUri) return {};
    if (const auto it = settings_->dns.find(Dn{address}); it != settings_->dns.end()) {
      return {Meaning::Kind::LocalDn, it->first, &it->second, {}};
    }
    if (address.find_first_of(" \t\r\n<>\"@:") != std::string_view::npos) return {};
    uri.user = address;
  }

  const bool local = uri.host.empty() || local_host(uri);
  if (!local) return {Meaning::Kind::Foreign, {}, nullptr, {}};
  if (uri.user.empty()) return {Meaning::Kind::Nobody, {}, nullptr, {}};
  if (auto found = local_dn(uri.user, uri.host)) return *found;
  std::string number = telephone_number(uri.user);
  if (number.empty()) return {Meaning::Kind::Nobody, {}, nullptr, {}};
  if (const auto it = associations_.find(std::string(without_plus(number))); it != associations_.end()) {
    return {Meaning::Kind::LocalDn, it->second, &settings_->dns.at(it->second), {}};
  }
  return {Meaning::Kind::Number, {}, nullptr, std::move(number)};
}

const Trunk* DialPlan::trunk_of(std::string_view number) const {
  const Trunk* best = nullptr;
  for (const Trunk& trunk : settings_->trunks) {
    if (number.starts_with(trunk.prefix) && (!best || trunk.prefix.size() > best->prefix.size())) best = &trunk;
  }
  return best;
}

bool DialPlan::matches(const std::string& address, const Origin& origin) {
  const HostPort where = split_host_port(address);
  if (where.host != origin.ip) return false;
  return where.port == 0 || origin.transport != "udp" || where.port == origin.port;
}

const Trunk* DialPlan::trunk_at(const Origin& origin, bool certified) const {
  for (const Known& known : trunks_) {
    if (known.trunk->certificate_names.empty() == certified) continue;
    for (const std::string& address : known.addresses) {
      if (matches(address, origin)) return known.trunk;
    }
  }
  return nullptr;
}

const Trunk* DialPlan::trunk_from(const Origin& origin) const {
  for (const std::string& shown : origin.tls_names) {
    const std::string name = lower(shown.starts_with("sip:") ? std::string_view(shown).substr(4) : shown);
    for (const Trunk& trunk : settings_->trunks)
      for (const std::string& wanted : trunk.certificate_names)
        if (lower(wanted) == name) return &trunk;
  }
  return trunk_at(origin, false);
}

const Trunk* DialPlan::trunk_unproved(const Origin& origin) const {
  return trunk_from(origin) != nullptr ? nullptr : trunk_at(origin, true);
}

bool DialPlan::from_proxy(const Origin& origin) const {
  if (settings_->mode != FrontEndMode::External) return false;
  if (!settings_->server_address.empty() &&
      matches(host_port(settings_->server_address, settings_->server_port), origin)) {
    return true;
  }
  return std::any_of(settings_->trusted_addresses.begin(), settings_->trusted_addresses.end(),
                     [&](const std::string& address) { return matches(address, origin); });
}

bool DialPlan::infrastructure(const Uri& uri) const {
  if (local_host(uri)) return true;
  Origin there;
  there.ip = uri.host;
  there.port = port_or_default(uri.port, uri.transport);
  there.transport = "udp";
  return trunk_at(there, false) != nullptr || trunk_at(there, true) != nullptr || from_proxy(there);
}

}  // namespace tandem::connector
