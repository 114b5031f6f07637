#include "connector/sip/ports.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "connector/sip/library.h"
#include "connector/sip/names.h"
#include "connector/sip/text.h"

namespace tandem::connector {

namespace {

std::string bracketed(const std::string& ip) {
  return ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
}

std::uint16_t port_number(const char* text) {
  std::uint16_t value = 0;
  const auto view = text::view(text);
  std::from_chars(view.data(), view.data() + view.size(), value);
  return value;
}

}  // namespace

const char* to_string(SipTransport transport) {
  switch (transport) {
    case SipTransport::Udp:
      return "udp";
    case SipTransport::Tcp:
      return "tcp";
    case SipTransport::Tls:
      return "tls";
  }
  return "";
}

Result<void, Failure> SipPorts::open(nta_agent_t* agent, const SipSettings& settings, const std::string& tls_folder,
                                     const SipTlsContext::Told* told) {
  for (const auto& wanted : settings.listen) {
    const bool tls = wanted.transport == SipTransport::Tls;
    const std::string url = std::string(tls ? "sips:" : "sip:") + bracketed(wanted.address) + ":" +
                            std::to_string(wanted.port) + ";transport=" + to_string(wanted.transport);
    std::vector<const tport_t*> before;
    for (tport_t* t = tport_primaries(nta_agent_tports(agent)); t != nullptr; t = tport_next(t)) before.push_back(t);
    // The distribution's library knows no addresses in certificates, so it can't verify names.
    unsigned policy = TPTLS_VERIFY_NONE;
    if (wanted.clients == ClientCertificates::Required) policy |= TPTLS_VERIFY_INCOMING;
    if (settings.tls_policy.servers != ServerCertificates::Any) policy |= TPTLS_VERIFY_OUTGOING;
    const int done = nta_agent_add_tport(
        agent, sofia::url(url.c_str()), TPTAG_IDLE(static_cast<usize_t>(settings.idle_timeout.count())),
        TPTAG_TIMEOUT(static_cast<usize_t>(settings.message_timeout.count())),
        TPTAG_UDP_RMEM(settings.udp_receive_buffer), TPTAG_STUN_SERVER(0), TPTAG_PONG2PING(1),
        TAG_IF(tls, TPTAG_CERTIFICATE(tls_folder.empty() ? "/dev/null" : tls_folder.c_str())),
        TAG_IF(tls, TPTAG_TLS_VERIFY_POLICY(policy)), TAG_END());
    if (done < 0)
      return Failure{"SIP port " + bracketed(wanted.address) + ":" + std::to_string(wanted.port) + "/" +
                     to_string(wanted.transport) + " can't be opened: " + std::strerror(errno)};
    for (tport_t* t = tport_primaries(nta_agent_tports(agent)); t != nullptr; t = tport_next(t)) {
      if (std::find(before.begin(), before.end(), t) != before.end()) continue;
      Port port;
      port.listen = wanted;
      port.handle = t;
      port.listen.port = port_number(tport_name(t)->tpn_port);
      port.ipv6 = wanted.address.find(':') != std::string::npos;
      port.wildcard = wanted.address == "0.0.0.0" || wanted.address == "::";
      if (!port.wildcard) port.contact = make_contact(wanted.address, port.listen.port, wanted.transport);
      opened_.push_back(port.listen);
      ports_.push_back(std::move(port));
      break;
    }
  }
  if (!library::patched()) return {};
  const auto done = renew_tls(settings, told);
  return done ? Result<void, Failure>{} : Result<void, Failure>{done.error()};
}

Result<std::string, Failure> SipPorts::renew_tls(const SipSettings& settings, const SipTlsContext::Told* told) {
  std::vector<std::pair<Port*, SipTlsContext>> made;
  for (auto& port : ports_) {
    if (port.listen.transport != SipTransport::Tls) continue;
    for (const auto& now : settings.listen)
      if (now.transport == SipTransport::Tls && now.address == port.listen.address && now.port == port.listen.port)
        port.listen.clients = now.clients;
    auto context = SipTlsContext::make(settings.tls, settings.tls_policy, port.listen.clients, told);
    if (!context) return context.error();
    made.emplace_back(&port, std::move(*context));
  }
  for (auto& [port, context] : made) {
    const library::PeerRules rules{port->listen.clients == ClientCertificates::Required,
                                   settings.tls_policy.servers != ServerCertificates::Any,
                                   settings.tls_policy.servers == ServerCertificates::Named};
    if (!library::use_tls_context(port->handle, context.get(), rules))
      return Failure{"this build of the SIP library can't take another certificate while it runs"};
  }
  return {boost::system::in_place_value, made.empty() ? std::string() : made.front().second.certificate()};
}

const sip_contact_t* SipPorts::make_contact(const std::string& ip, std::uint16_t port, SipTransport transport) {
  std::string text = "<sip:" + bracketed(ip) + ":" + std::to_string(port);
  if (transport != SipTransport::Udp) text.append(";transport=").append(to_string(transport));
  return sip_contact_make(home_.get(), (text + ">").c_str());
}

// The address the system would send from; a connected datagram socket tells it without sending.
const std::string& SipPorts::local_towards(const std::string& ip, bool ipv6) {
  if (const auto it = local_.find(ip); it != local_.end()) return it->second;
  if (local_.size() > 1000) local_.clear();
  std::string found = ipv6 ? "::1" : "127.0.0.1";
  const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    su_sockaddr_t to{};
    to.su_family = static_cast<sa_family_t>(ipv6 ? AF_INET6 : AF_INET);
    to.su_port = htons(9);
    socklen_t size = ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (inet_pton(to.su_family, ip.c_str(), SU_ADDR(&to)) == 1 && connect(fd, &to.su_sa, size) == 0 &&
        getsockname(fd, &to.su_sa, &size) == 0)
      found = text::address(&to);
    ::close(fd);
  }
  return local_.emplace(ip, std::move(found)).first->second;
}

const sip_contact_t* SipPorts::contact_of(const Port& port, const std::string& towards) {
  if (port.contact != nullptr) return port.contact;
  const std::string& ip = local_towards(towards, port.ipv6);
  const std::string key = ip + ":" + std::to_string(port.listen.port) + ";" + to_string(port.listen.transport);
  auto& contact = contacts_[key];
  if (contact == nullptr) contact = make_contact(ip, port.listen.port, port.listen.transport);
  return contact;
}

const sip_contact_t* SipPorts::contact_towards(const std::string& uri) {
  const SipHost to = sip_host(uri);
  const bool ipv6 = to.host.find(':') != std::string::npos;
  const Port* other = nullptr;
  for (const auto& port : ports_) {
    if (!to.name && port.ipv6 != ipv6) continue;
    if (to.transport == to_string(port.listen.transport) ||
        (to.transport.empty() && port.listen.transport == SipTransport::Udp))
      return contact_of(port, to.host);
    if (to.transport.empty() && other == nullptr && port.listen.transport != SipTransport::Tls) other = &port;
  }
  return other == nullptr ? nullptr : contact_of(*other, to.host);
}

Origin SipPorts::origin(nta_agent_t* agent, msg_t* msg) {
  Origin out;
  const su_sockaddr_t* from = msg_addr(msg);
  out.ip = text::address(from);
  out.port = text::port(from);
  tport_t* by = tport_delivered_by(nta_agent_tports(agent), msg);
  if (by == nullptr) return out;
  out.transport = text::view(tport_name(by)->tpn_proto);
  const tport_t* primary = tport_parent(by);
  const auto* name = tport_name(primary == nullptr ? by : primary);
  out.local_port = port_number(name->tpn_port);
  for (const auto& port : ports_) {
    if (port.listen.port != out.local_port || out.transport != to_string(port.listen.transport)) continue;
    if (port.ipv6 != (out.ip.find(':') != std::string::npos)) continue;
    if (!port.wildcard && ports_.size() > 1 && text::view(name->tpn_host) != port.listen.address &&
        text::view(name->tpn_host) != bracketed(port.listen.address))
      continue;
    out.local_ip = port.wildcard ? local_towards(out.ip, port.ipv6) : port.listen.address;
    break;
  }
  if (out.transport == "tls")
    if (const su_strlst_t* subjects = tport_delivered_from_subjects(by, msg);
        subjects != nullptr && tport_is_verified(by))
      for (usize_t i = 0; i < su_strlst_len(subjects); ++i) out.tls_names.emplace_back(su_strlst_item(subjects, i));
  return out;
}

bool SipPorts::ours(const url_t* uri, const std::string& local_ip) const {
  std::string_view host = text::view(uri->url_host);
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  const std::uint16_t given = port_number(uri->url_port == nullptr ? "5060" : uri->url_port);
  return std::any_of(ports_.begin(), ports_.end(), [&](const Port& p) {
    return p.listen.port == given && host == (p.wildcard ? local_ip : p.listen.address);
  });
}

std::string SipPorts::address_of(const tport_t* handle, const std::string& local_ip) const {
  for (const auto& p : ports_)
    if (p.handle == handle)
      return bracketed(p.wildcard ? local_ip : p.listen.address) + ":" + std::to_string(p.listen.port) +
             ";transport=" + to_string(p.listen.transport);
  return {};
}

tport_t* SipPorts::port(const std::string& transport, bool ipv6, std::uint16_t number) const {
  tport_t* other = nullptr;
  for (const auto& port : ports_) {
    if (port.ipv6 != ipv6 || transport != to_string(port.listen.transport)) continue;
    if (port.listen.port == number) return port.handle;
    if (other == nullptr) other = port.handle;
  }
  return other;
}

tport_t* SipPorts::connection(nta_agent_t* agent, const SipHost& to) {
  const std::string host = to.host.find(':') == std::string::npos ? to.host : "[" + to.host + "]";
  const std::string port = std::to_string(to.port);
  tp_name_t name{};
  name.tpn_proto = to.transport.c_str();
  name.tpn_canon = name.tpn_host = host.c_str();
  name.tpn_port = port.c_str();
  for (tport_t* primary = tport_primaries(nta_agent_tports(agent)); primary != nullptr; primary = tport_next(primary)) {
    if (text::view(tport_name(primary)->tpn_proto) != to.transport) continue;
    if (tport_t* const found = tport_by_name(primary, &name); found != nullptr && tport_is_secondary(found))
      return found;
  }
  return nullptr;
}

const sip_contact_t* SipPorts::contact_at(const Origin& origin) {
  for (const auto& port : ports_)
    if (port.listen.port == origin.local_port && origin.transport == to_string(port.listen.transport) &&
        (port.wildcard || port.listen.address == origin.local_ip))
      return contact_of(port, origin.ip);
  return contact_towards("sip:" + bracketed(origin.ip) + ";transport=" + origin.transport);
}

}  // namespace tandem::connector
