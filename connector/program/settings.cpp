#include "connector/program/settings.h"

#include <algorithm>

#include "common/config/connector_options.h"
#include "common/config/scope.h"
#include "common/config/tserver_options.h"

namespace tandem::connector {

namespace {

namespace options = config::options;

// A T-Server is linked with us again within a second, and gives back at once what we lost.
constexpr std::chrono::seconds kUnsureFor{2};

SipTransport transport_of(config::Transport transport) {
  switch (transport) {
    case config::Transport::Udp:
      return SipTransport::Udp;
    case config::Transport::Tcp:
      return SipTransport::Tcp;
    case config::Transport::Tls:
      return SipTransport::Tls;
  }
  return SipTransport::Udp;
}

std::string written(const std::string& ip, std::uint16_t port) {
  return (ip.find(':') == std::string::npos ? ip : "[" + ip + "]") + ":" + std::to_string(port);
}

// None where the pattern is wrong: the environment's check says so.
ConferenceNames conference_names(const config::Scope& scope, const std::vector<std::string>& domains) {
  const auto pattern = scope.get(options::conference_services.uri_pattern);
  const auto count = static_cast<std::uint32_t>(scope.get(options::conference_services.count));
  return ConferenceNames::of(pattern, count, domains.empty() ? "localhost" : domains.front())
      .value_or(ConferenceNames{});
}

ClientCertificates clients_of(const config::Port& port, config::VerifyClients otherwise, bool certified) {
  auto asked = otherwise;
  for (const auto& [name, value] : choices(config::VerifyClients{}))
    if (name == port.verify_clients) asked = value;
  switch (asked) {
    case config::VerifyClients::None:
      break;
    case config::VerifyClients::Optional:
      return ClientCertificates::Optional;
    case config::VerifyClients::Required:
      return ClientCertificates::Required;
  }
  return certified && port.verify_clients.empty() ? ClientCertificates::Optional : ClientCertificates::None;
}

SipTlsPolicy tls_policy(const config::Scope& scope) {
  SipTlsPolicy out;
  switch (scope.get(options::sip.tls_verify_servers)) {
    case config::VerifyServers::None:
      out.servers = ServerCertificates::Any;
      break;
    case config::VerifyServers::Trusted:
      out.servers = ServerCertificates::Trusted;
      break;
    case config::VerifyServers::Name:
      out.servers = ServerCertificates::Named;
      break;
  }
  out.require_1_3 = scope.get(options::sip.tls_min_version) == config::TlsVersion::Tls13;
  out.ciphers = scope.get(options::sip.tls_ciphers);
  out.ciphersuites = scope.get(options::sip.tls_ciphersuites);
  return out;
}

// The port by which other Connectors reach this one: the first over UDP, else TCP, else TLS.
std::string reached_at(const config::Application& application) {
  for (const auto transport : {config::Transport::Udp, config::Transport::Tcp, config::Transport::Tls})
    for (const auto& port : application.ports) {
      if (port.name != "sip" || port.transport != transport) continue;
      const bool any = port.address == "0.0.0.0" || port.address == "::";
      return written(any ? application.host : port.address, port.port) +
             ";transport=" + std::string(config::to_string(transport));
    }
  return {};
}

template <class To>
To number(config::Integer value) {
  return static_cast<To>(value);
}

}  // namespace

SipSettings sip_settings(const config::Environment& environment, const config::Application& application) {
  const config::Scope scope = config::scope_of(environment, application);
  SipSettings out;
  out.listen.clear();
  const config::Switch* of = environment.switch_of(application);
  const bool certified = of != nullptr && std::any_of(of->trunks.begin(), of->trunks.end(), [](const auto& trunk) {
                           return !trunk.certificate_names.empty();
                         });
  for (const auto& port : application.ports)
    if (port.name == "sip")
      out.listen.push_back({port.address, port.port, transport_of(port.transport),
                            clients_of(port, scope.get(options::sip.tls_verify_clients), certified)});
  out.tls.certificate = application.tls.certificate;
  out.tls.key = application.tls.key;
  out.tls.ca = application.tls.ca;
  out.tls_policy = tls_policy(scope);
  if (const auto text = scope.get(options::startup.application_user_agent); !text.empty()) out.user_agent += " " + text;
  out.retry_after = scope.get(options::sip.retry_after);
  out.idle_timeout = scope.get(options::sip.idle_timeout);
  out.message_timeout = scope.get(options::sip.message_timeout);
  out.next_address = scope.get(options::sip.next_address_timeout);
  out.unsure_for = kUnsureFor;
  out.t1 = scope.get(options::sip.t1);
  out.t1x64 = out.t1 * 64;
  out.udp_receive_buffer =
      number<std::uint32_t>(static_cast<config::Integer>(scope.get(options::sip.receive_buffer).count));
  out.udp_mtu = number<std::uint32_t>(static_cast<config::Integer>(scope.get(options::sip.udp_mtu).count));
  out.report_headers = scope.get(options::sip.report_headers);
  const auto& limits = options::connector_limits;
  out.legs_max = number<std::size_t>(scope.get(limits.legs));
  out.source_invites_per_second = number<std::uint32_t>(scope.get(limits.invites_per_second_per_source));
  out.unacknowledged_max = number<std::size_t>(scope.get(limits.unacknowledged_invites));
  out.source_unacknowledged_max = number<std::size_t>(scope.get(limits.unacknowledged_invites_per_source));
  out.source_unanswered_max = number<std::size_t>(scope.get(limits.unanswered_invites_per_source));
  out.unanswered_max = number<std::size_t>(scope.get(limits.unanswered_invites));
  out.message_bytes_max = scope.get(limits.message_size).count;
  out.subscriptions_max = number<std::size_t>(scope.get(limits.subscriptions));
  out.source_subscriptions_max = number<std::size_t>(scope.get(limits.subscriptions_per_source));
  return out;
}

LinkSettings link_settings(const config::Environment& environment, const config::Application& application) {
  const config::Scope scope = config::scope_of(environment, application);
  LinkSettings out;
  if (const auto* port = application.port("link")) {
    out.address = port->address;
    out.port = port->port;
  }
  out.tls = application.tls.given();
  out.tls_files.certificate = application.tls.certificate;
  out.tls_files.key = application.tls.key;
  out.tls_files.ca = application.tls.ca;
  out.tls_files.require_1_3 = scope.get(options::security.sec_protocol) == config::SecProtocol::Tls13;
  out.tls_files.ciphers = scope.get(options::security.cipher_list);
  out.identity.application = application.name;
  out.identity.pool = config::pool_of_connector(environment, application);
  out.identity.addp_timeout = scope.get(options::connector_link.addp_timeout);
  out.identity.addp_remote_timeout = scope.get(options::connector_link.addp_remote_timeout);
  out.queue_bytes_max = scope.get(options::connector_limits.link_queue).count;
  out.frame_bytes_max = scope.get(options::connector_limits.frame_size).count;
  return out;
}

std::optional<http::ServerOptions> http_settings(const config::Environment& environment,
                                                 const config::Application& application) {
  const auto* port = application.port("http");
  if (port == nullptr) return std::nullopt;
  http::ServerOptions out{.host = port->address, .port = port->port};
  out.tls = port->transport == config::Transport::Tls;
  out.tls_files = link_settings(environment, application).tls_files;
  out.tls_files.mutual = false;  // scrapers and probes need no certificate; orders do
  return out;
}

std::chrono::seconds drain_timeout(const config::Environment& environment, const config::Application& application) {
  return config::scope_of(environment, application).get(options::connector.drain_timeout);
}

MediaSettings media_settings(const config::Environment& environment, const config::Application& application) {
  const config::Scope scope = config::scope_of(environment, application);
  MediaSettings out;
  out.ports.clear();
  out.addresses.clear();
  for (const auto& port : application.ports) {
    if (port.name == "rtp") out.ports.push_back({port.first, port.last});
    // The address that a phone sends SIP to is the one it should send RTP to.
    if (port.name != "rtp" && port.name != "sip") continue;
    if (std::find(out.addresses.begin(), out.addresses.end(), port.address) == out.addresses.end())
      out.addresses.push_back(port.address);
  }
  if (out.addresses.empty()) out.addresses.push_back(application.host);
  if (out.ports.empty()) out.ports = MediaSettings{}.ports;
  out.workers = number<unsigned>(scope.get(options::media.workers));
  out.silence_timeout = scope.get(options::media.silence_timeout);
  out.quarantine = scope.get(options::media.quarantine);
  out.rtcp_interval = scope.get(options::media.rtcp_interval);
  out.batch_window = scope.get(options::media.batch_window);
  out.receive_buffer_bytes = number<int>(static_cast<config::Integer>(scope.get(options::media.receive_buffer).count));
  out.ringtone_file = scope.get(options::connector.ringtone_file_path).text;
  out.music_file = scope.get(options::connector.music_on_hold_file_path).text;
  out.prompts_folder = scope.get(options::connector.prompts_path).text;
  out.recordings_folder = scope.get(options::connector.recordings_path).text;
  out.longest_recording = scope.get(options::connector.longest_recording);
  out.speech_command = scope.get(options::connector.speech_command);
  out.speech_language = scope.get(options::connector.speech_language);
  return out;
}

FrontEndSettings front_end_settings(const config::Environment& environment, const config::Application& application) {
  const config::Scope scope = config::scope_of(environment, application);
  const auto& rows = options::front_end;
  FrontEndSettings out;
  out.application = application.name;
  out.mode = scope.get(rows.mode) == config::FrontEndMode::External ? FrontEndMode::External : FrontEndMode::Embedded;
  out.domains = scope.get(rows.domains);
  out.realm = scope.get(rows.realm);
  for (const auto& port : application.ports)
    if (port.name == "sip") out.own_addresses.push_back(written(port.address, port.port));
  out.reached_at = reached_at(application);
  out.server_address = scope.get(rows.server_address);
  out.server_port = number<std::uint16_t>(scope.get(rows.server_port));
  switch (scope.get(rows.server_transport)) {
    case config::SipTransport::Udp:
      out.server_transport = "udp";
      break;
    case config::SipTransport::Tcp:
      out.server_transport = "tcp";
      break;
    case config::SipTransport::Tls:
      out.server_transport = "tls";
      break;
  }
  out.trusted_addresses = scope.get(rows.trusted_addresses);
  out.accept_strangers = scope.get(rows.accept_strangers);
  out.foreign_domains = scope.get(rows.foreign_domains);
  out.trust_registered_flow = scope.get(rows.trust_registered_flow);
  out.expires_min = scope.get(rows.min_expires);
  out.expires_max = scope.get(rows.max_expires);
  out.expires_default = out.expires_max;
  out.nonce_lifetime = scope.get(rows.nonce_lifetime);
  out.algorithms.clear();
  for (const auto algorithm : scope.get(rows.digest_algorithms).items)
    out.algorithms.push_back(algorithm == config::DigestAlgorithm::Md5 ? DigestAlgorithm::Md5
                                                                       : DigestAlgorithm::Sha256);
  const auto& limits = options::connector_limits;
  out.calls_per_second = number<std::uint32_t>(scope.get(limits.calls_per_second_per_source));
  out.calls_burst = out.calls_per_second * 2;
  out.failed_auths = number<std::uint32_t>(scope.get(limits.failed_authentications));
  out.ban = scope.get(limits.ban_time);
  out.registrations_max = number<std::size_t>(scope.get(limits.registrations));
  out.contacts_per_aor = number<std::size_t>(scope.get(limits.contacts_per_aor));

  out.conferences = conference_names(scope, out.domains);

  const config::Switch* of = environment.switch_of(application);
  if (of == nullptr) return out;
  for (const auto& dn : of->dns) {
    if (dn.misconfigured) continue;
    out.dns[dn.dn] = LocalDn{dn.type == config::DnType::Extension, dn.sip_password, dn.association};
  }
  for (const auto& trunk : of->trunks) {
    if (trunk.prefixes.empty())
      out.trunks.push_back({trunk.name, trunk.contact, "", trunk.sources, trunk.certificate_names});
    for (const auto& prefix : trunk.prefixes)
      out.trunks.push_back({trunk.name, trunk.contact, prefix, trunk.sources, trunk.certificate_names});
  }
  return out;
}

KeepSettings keep_settings(const config::Environment& environment, const config::Application& application) {
  const config::Scope scope = config::scope_of(environment, application);
  KeepSettings out;
  out.store.folder = scope.get(options::startup.persistent_storage_path).text;
  out.store.name = application.name;
  out.window = scope.get(options::connector.recovery_window);
  // T-Servers count from when they miss the Connector, which is no earlier than its end.
  constexpr std::chrono::milliseconds margin{500};
  out.ours = out.window;
  for (const auto& other : environment.applications) {
    if (other.type != config::AppType::TServer) continue;
    const auto timeout = config::scope_of(environment, other).get(options::tserver.takeover_timeout);
    if (timeout.count() > 0) out.ours = std::min(out.ours, std::max(timeout - margin, std::chrono::milliseconds(0)));
  }
  return out;
}

CoreSettings core_settings(const config::Environment& environment, const config::Application& application) {
  const config::Scope scope = config::scope_of(environment, application);
  CoreSettings out;
  const auto& limits = options::connector_limits;
  out.conversations_max = number<std::size_t>(scope.get(limits.calls));
  out.parties_max = number<std::size_t>(scope.get(limits.parties));
  out.targets_max = number<std::size_t>(scope.get(limits.targets));
  out.early_media_waiting = scope.get(options::connector.ringback) == config::Ringback::EarlyMedia;
  out.early_media_through = scope.get(options::connector.early_media_through);
  out.session_expires_s = static_cast<std::uint32_t>(scope.get(options::sip.session_expires).count());
  out.min_se_s = static_cast<std::uint32_t>(scope.get(options::sip.min_se).count());
  out.rtcp_mux = scope.get(options::media.rtcp_mux);
  out.fork_group = scope.get(options::connector.fork_timeout);
  out.undecided = scope.get(options::connector.undecided_timeout);
  out.without_server = scope.get(options::connector.without_server_timeout);
  out.retry_after_s = static_cast<std::uint32_t>(scope.get(options::sip.retry_after).count());
  out.conferences = conference_names(scope, scope.get(options::front_end.domains));
  out.lobby_bypass = scope.get(options::conference_services.lobby_bypass_enabled);
  out.conference_pool_size = number<std::size_t>(scope.get(options::connector.conference_pool_size));
  out.keep_calls = true;
  out.caching = scope.get(options::connector.caching_enabled);
  out.conference_uses = number<std::uint32_t>(scope.get(options::connector.reuse_avcall));
  out.conference_shutdown = scope.get(options::connector.conf_session_shutdown);
  out.codecs.clear();
  for (const auto codec : scope.get(options::media.codecs).items)
    for (const auto& [name, value] : choices(config::Codec{}))
      if (value == codec) out.codecs.emplace_back(name);
  return out;
}

}  // namespace tandem::connector
