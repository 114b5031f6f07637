#include "tserver/program/settings_of.h"

#include <algorithm>

#include "common/config/connector_options.h"
#include "common/config/tserver_options.h"

namespace tandem::tserver {

namespace options = config::options;

namespace {

DnType type_of(config::DnType type) {
  switch (type) {
    case config::DnType::Extension:
      return DnType::Extension;
    case config::DnType::RoutingPoint:
      return DnType::RoutingPoint;
    case config::DnType::ExternalRoutingPoint:
      return DnType::ExternalRoutingPoint;
    case config::DnType::AcdQueue:
      return DnType::AcdQueue;
    case config::DnType::VirtualQueue:
      return DnType::VirtualQueue;
    case config::DnType::VoipService:
      return DnType::VoipService;
    case config::DnType::TrunkGroup:
      return DnType::TrunkGroup;
  }
  return DnType::Extension;
}

ConsultUserData consult_user_data(config::ConsultUserData mode) {
  switch (mode) {
    case config::ConsultUserData::Separate:
      return ConsultUserData::Separate;
    case config::ConsultUserData::Inherited:
      return ConsultUserData::Inherited;
    case config::ConsultUserData::Joint:
      return ConsultUserData::Joint;
  }
  return ConsultUserData::Separate;
}

NoAnswerAction action_of(config::NoAnswerAction action) {
  switch (action) {
    case config::NoAnswerAction::None:
      return NoAnswerAction::None;
    case config::NoAnswerAction::NotReady:
      return NoAnswerAction::NotReady;
    case config::NoAnswerAction::Logout:
      return NoAnswerAction::Logout;
  }
  return NoAnswerAction::None;
}

// What this one level says, or with `all` every option's value.
AgentOptions agent_options(const config::Scope& scope, bool all) {
  const auto& rows = options::tserver;
  AgentOptions agent;
  if (all || scope.has(rows.wrap_up_time)) {
    const config::WrapUp wrap_up = scope.get(rows.wrap_up_time);
    agent.wrap_up = WrapUp{wrap_up.time, wrap_up.untimed};
  }
  if (all || scope.has(rows.no_answer_action)) agent.no_answer_action = action_of(scope.get(rows.no_answer_action));
  if (all || scope.has(rows.agent_emu_login_on_call)) agent.login_on_call = scope.get(rows.agent_emu_login_on_call);
  if (all || scope.has(rows.logout_on_disconnect)) agent.logout_on_disconnect = scope.get(rows.logout_on_disconnect);
  if (all || scope.has(rows.auto_logout_timeout))
    agent.auto_logout = std::chrono::minutes(scope.get(rows.auto_logout_timeout));
  if (all || scope.has(rows.legal_guard_time)) agent.legal_guard = scope.get(rows.legal_guard_time);
  return agent;
}

AgentSettings agent_settings(const config::Scope& scope, const config::Switch* of) {
  const auto& rows = options::tserver;
  AgentSettings agents;
  agents.strict_id = static_cast<StrictId>(scope.get(rows.agent_strict_id));
  agents.login_state = static_cast<LoginState>(scope.get(rows.emulated_login_state));
  agents.logout_on_out_of_service = scope.get(rows.logout_on_out_of_service);
  agents.auto_logout_ready = scope.get(rows.auto_logout_ready);
  agents.timed_acw_in_idle = scope.get(rows.timed_acw_in_idle);
  agents.acw_in_idle_force_ready = scope.get(rows.acw_in_idle_force_ready);
  agents.limit = static_cast<std::uint32_t>(scope.get(options::tserver_limits.agents));
  agents.options = agent_options(scope, true);
  if (of == nullptr) return agents;
  for (const config::AgentLogin& login : of->agent_logins) {
    const config::Scope own = config::Scope().then(config::level::kAgentLogin, login.options);
    agents.logins.emplace(login.code, AgentLoginSettings{login.password, agent_options(own, false)});
  }
  return agents;
}

PassThrough pass_through(config::PassThrough value) {
  if (value == config::PassThrough::All) return PassThrough::All;
  return value == config::PassThrough::None ? PassThrough::None : PassThrough::Iscc;
}

// The dial plan DN that the pool's calling-method-dialplan names; without one there is still a cpn.
DialPlan dial_plan_of(const config::Environment& environment, const config::Application& application,
                      const config::Switch& of, const std::string& pool) {
  const config::Scope scope = config::scope_of_pool(environment, application, pool);
  DialPlan plan;
  plan.cpn = scope.get(options::tserver.cpn);
  const Dn name(scope.get(options::tserver.calling_method_dialplan));
  if (name.empty()) return plan;
  for (const config::DnObject& object : of.dns) {
    if (object.dn != name || object.type != config::DnType::VoipService) continue;
    const config::Scope own = config::scope_of(environment, application, of, object);
    if (own.get(options::tserver.service_type) != config::ServiceType::DialPlan) continue;
    for (auto& [n, rule] : own.each(options::tserver.dial_plan_rule_n)) {
      if (rule.rule) plan.rules.push_back(std::move(*rule.rule));
    }
    plan.back_to_back = own.get(options::tserver.calling_method) == config::CallingMethod::BackToBack;
    plan.cpn = own.get(options::tserver.cpn);
    break;
  }
  return plan;
}

DnSettings dn_settings(const config::Environment& environment, const config::Application& application,
                       const config::Switch& of, const config::DnObject& object) {
  DnSettings dn;
  dn.dn = object.dn;
  dn.type = type_of(object.type);
  dn.registered = object.registered && !object.misconfigured;
  dn.pool = of.pool_of(object);
  const config::Scope scope = config::scope_of(environment, application, of, object);
  if (dn.type == DnType::RoutingPoint) {
    dn.router_timeout = scope.get(options::tserver.router_timeout);
    if (const auto type = scope.get(options::tserver.override_call_type); type != config::CallTypeOverride::None)
      dn.call_type = static_cast<int>(type);
    dn.treatments_continuous = scope.get(options::tserver.sip_treatments_continuous);
    // The application's default-dn is that of the default pool (MMC-220); other pools have it in their folder, or none.
    const auto& row = options::tserver.default_dn;
    const config::Value* found = scope.find(row, row.section, row.name);
    const config::Value* general = config::scope_of(environment, application).find(row, row.section, row.name);
    dn.default_dn = !dn.pool.empty() && found == general ? std::string() : scope.get(row);
  }
  if (dn.type == DnType::Extension) {
    dn.no_answer_timeout = scope.get(options::tserver.no_answer_timeout);
    dn.agent = agent_options(config::Scope().then(config::level::kExtension, object.options), false);
  }
  dn.presence_profile = dn.type == DnType::VoipService &&
                        scope.get(options::tserver.service_type) == config::ServiceType::PresenceProfile;
  dn.pass_through = pass_through(scope.get(options::tserver.allow_pass_through_calls));
  if (dn.type == DnType::Extension) {
    const auto takeover = scope.get(options::tserver.handle_direct_calls);
    dn.direct_calls = takeover == config::DirectCalls::Yes  ? DirectCalls::Yes
                      : takeover == config::DirectCalls::No ? DirectCalls::No
                                                            : DirectCalls::OnLogin;
    dn.direct_audio = dn.direct_messages = false;
    for (const auto media : scope.get(options::tserver.handle_direct_calls_media).items) {
      dn.direct_audio = dn.direct_audio || media != config::DirectMedia::Messages;
      dn.direct_messages = dn.direct_messages || media != config::DirectMedia::AudioVideo;
    }
  }
  return dn;
}

// SIP domains of the Connectors that serve this switch.
std::vector<std::string> domains_of(const config::Environment& environment, const config::Application& application) {
  std::vector<std::string> domains;
  for (const config::Application& other : environment.applications) {
    if (other.type != config::AppType::Connector || other.switch_name != application.switch_name) continue;
    for (const std::string& domain : config::scope_of(environment, other).get(options::front_end.domains)) {
      if (std::find(domains.begin(), domains.end(), domain) == domains.end()) domains.push_back(domain);
    }
  }
  return domains;
}

}  // namespace

void LinkPlan::update(const std::vector<config::LinkConfig>& now) {
  for (Entry& entry : entries) entry.used = false;
  for (const config::LinkConfig& link : now) {
    const auto known = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& entry) { return entry.config.section == link.section; });
    if (known == entries.end()) {
      entries.push_back({link, true});
    } else {
      *known = {link, true};
    }
  }
}

Settings settings_of(const config::Environment& environment, const config::Application& application,
                     const std::string& version, const LinkPlan& links) {
  const config::Scope scope = config::scope_of(environment, application);
  Settings settings;
  settings.server_id = config::server_id_of(environment, application);
  settings.application = application.name;
  settings.version = version;
  settings.hot_standby = peer_of(environment, application) != nullptr;
  settings.administrators = scope.get(options::ha.administrators);
  settings.default_dn = scope.get(options::tserver.default_dn);
  settings.router_timeout = scope.get(options::tserver.router_timeout);
  settings.lobby_timeout = scope.get(options::tserver.lobby_timeout);
  settings.default_redirection_limit =
      static_cast<std::uint32_t>(scope.get(options::tserver.default_redirection_limit));
  settings.no_answer_timeout = scope.get(options::tserver.no_answer_timeout);
  settings.av_joining_timeout = scope.get(options::tserver.av_joining_timeout);
  settings.route_request_wait = scope.get(options::tserver.route_request_wait);
  settings.takeover_timeout = scope.get(options::tserver.takeover_timeout);
  settings.dn_return_time = scope.get(options::tserver.dn_return_time);
  settings.link_loss_timeout = scope.get(options::tserver.link_loss_timeout);
  settings.request_timeout = scope.get(options::tserver.request_timeout);
  settings.answering_treatments = 0;
  for (const auto treatment : scope.get(options::tserver.answering_treatments).items)
    settings.answering_treatments |= 1u << static_cast<unsigned>(treatment);
  settings.accept_applications = scope.get(options::tserver.play_application) == config::PlayApplication::Accept;
  settings.user_data_limit = static_cast<std::uint32_t>(scope.get(options::tserver.user_data_limit).count);
  settings.consult_user_data = consult_user_data(scope.get(options::tserver.consult_user_data));
  settings.max_calls = static_cast<std::uint32_t>(scope.get(options::tserver_limits.calls));
  settings.max_requests_per_client = static_cast<std::uint32_t>(scope.get(options::tserver_limits.requests_per_client));
  settings.domains = domains_of(environment, application);
  const config::Switch* of = environment.switch_of(application);
  settings.agents = agent_settings(scope, of);
  if (of != nullptr) {
    settings.location = of->name;
    for (const config::DnObject& object : of->dns) {
      // Of two that differ in case only, the first counts (MMC-60).
      settings.dns.emplace(object.dn, dn_settings(environment, application, *of, object));
      if (object.type == config::DnType::ExternalRoutingPoint && !object.association.empty())
        settings.associations.emplace(object.association.substr(object.association.starts_with('+')), object.dn);
    }
  }
  settings.unmonitored_external = scope.get(options::tserver.unmonitored_users_external);
  settings.ringing_when_alerting = scope.get(options::tserver.ringing_event) == config::RingingWhen::Alerting;
  if (of != nullptr) {
    settings.dial_plans.emplace("", dial_plan_of(environment, application, *of, ""));
    for (const LinkPlan::Entry& entry : links.entries)
      settings.dial_plans.emplace(entry.config.pool, dial_plan_of(environment, application, *of, entry.config.pool));
    for (const LinkPlan::Entry& entry : links.entries) {
      const config::Scope pool = config::scope_of_pool(environment, application, entry.config.pool);
      if (!pool.get(options::conference_services.uri_pattern).empty())
        settings.conference_pools.insert(entry.config.pool);
    }
  }
  for (const LinkPlan::Entry& entry : links.entries)
    settings.links.push_back({entry.config.section, entry.config.pool});
  return settings;
}

ClientsOptions clients_options(const config::Scope& scope) {
  const auto& limits = options::tserver_limits;
  return {.addp = {scope.get(options::clients.addp_timeout)},
          .open_timeout = scope.get(options::clients.open_timeout),
          .kept = {.keep = scope.get(options::clients.session_keep),
                   .limits = {.events = static_cast<std::size_t>(scope.get(limits.session_events)),
                              .bytes = std::min<std::size_t>(scope.get(limits.session_bytes).count,
                                                             scope.get(limits.client_queue).count / 2)},
                   .unconnected = static_cast<std::size_t>(scope.get(limits.clients))}};
}

net::ConnectionOptions client_connection(const config::Scope& scope) {
  return {.frame_limit = scope.get(options::tserver_limits.frame_size).count,
          .queue_limit = scope.get(options::tserver_limits.client_queue).count,
          .frames_per_second = static_cast<std::uint32_t>(scope.get(options::tserver_limits.requests_per_second)),
          .flood_timeout = scope.get(options::tserver_limits.flood_timeout),
          .handshake_timeout = scope.get(options::clients.open_timeout)};
}

LinkOptions link_options(const config::Scope& scope, const config::LinkConfig& link) {
  return {.name = link.section,
          .connector = {link.hostname, link.port},
          .pool = link.pool,
          .verify_name = link.verify_name,
          .addp_timeout = link.addp_timeout,
          .addp_remote_timeout = link.addp_remote_timeout,
          .reconnect = {.first = link.reconnect_timeout, .limit = link.reconnect_timeout_max},
          .connection = {.frame_limit = scope.get(options::tserver_limits.frame_size).count,
                         .queue_limit = scope.get(options::tserver_limits.link_queue).count}};
}

const config::Application* peer_of(const config::Environment& environment, const config::Application& application) {
  if (application.redundancy != config::Redundancy::HotStandby) return nullptr;
  if (!application.backup.empty()) return environment.application(application.backup);
  for (const config::Application& other : environment.applications) {
    if (other.backup == application.name) return &other;
  }
  return nullptr;
}

RoleOptions role_options(const config::Scope& scope) {
  const std::chrono::milliseconds lease = scope.get(options::ha.lease_ttl);
  // A question to etcd goes over the network, one to the lock file doesn't.
  const bool far = scope.get(options::ha.arbiter) == config::Arbiter::Etcd;
  return {.ask_every = far ? 100ms : 50ms,
          .renew_every = lease / 5,
          .margin = lease / 10,
          .rest = std::max<std::chrono::milliseconds>(lease, 2s),
          .first = far ? 500ms : 300ms};
}

Result<EtcdSettings, Failure> etcd_settings(const config::Environment& environment,
                                            const config::Application& application, const config::Scope& scope) {
  const auto& ha = options::ha;
  EtcdSettings settings;
  for (const std::string& endpoint : scope.get(ha.endpoints)) {
    auto server = read_http_server(endpoint);
    if (!server) return Failure{"option ha/endpoints: " + server.error().text};
    settings.post.servers.push_back(*server);
  }
  if (settings.post.servers.empty()) return Failure{"option ha/endpoints is empty; expected the members of etcd"};
  settings.post.tls = tls_options(application, scope);
  if (const std::string ca = scope.get(ha.etcd_ca).text; !ca.empty()) settings.post.tls.ca = ca;
  if (const std::string file = scope.get(ha.etcd_certificate).text; !file.empty()) {
    settings.post.tls.certificate = file;
    settings.post.tls.key = scope.get(ha.etcd_key).text;
  }
  const std::chrono::milliseconds lease = scope.get(ha.lease_ttl);
  settings.post.patience = lease / 4;
  // Of the two names, the first by the alphabet names the pair.
  const config::Application* peer = peer_of(environment, application);
  const std::string pair = peer == nullptr ? application.name : std::min(application.name, peer->name);
  settings.etcd.keys.folder = scope.get(ha.etcd_prefix) + pair + "/";
  settings.etcd.application = application.name;
  settings.etcd.ttl_seconds = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(lease).count());
  return settings;
}

net::TlsOptions tls_options(const config::Application& application, const config::Scope& scope) {
  return {.certificate = application.tls.certificate,
          .key = application.tls.key,
          .ca = application.tls.ca,
          .mutual = scope.get(options::security.tls_mutual),
          .require_1_3 = scope.get(options::security.sec_protocol) == config::SecProtocol::Tls13,
          .ciphers = scope.get(options::security.cipher_list)};
}

Result<SyncTls, Failure> sync_tls(net::TlsOptions options) {
  options.mutual = true;
  auto server = net::TlsContext::make(net::TlsSide::Server, options);
  if (!server) return server.error();
  auto client = net::TlsContext::make(net::TlsSide::Client, options);
  if (!client) return client.error();
  return SyncTls{*server, *client};
}

}  // namespace tandem::tserver
