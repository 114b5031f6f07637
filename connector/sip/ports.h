// The ports the room listens on, and the Contact that leads to each.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "connector/core/admission.h"
#include "connector/sip/names.h"
#include "connector/sip/settings.h"
#include "connector/sip/sofia.h"
#include "connector/sip/tls_context.h"

namespace tandem::connector {

class SipPorts {
 public:
  // Adds every port of the settings to the agent. `tls_folder`: as the distribution's library wants it, empty without.
  // `told`: of failed handshakes; outlives the agent.
  Result<void, Failure> open(nta_agent_t* agent, const SipSettings& settings, const std::string& tls_folder,
                             const SipTlsContext::Told* told);
  // Reads certificates and rules of TLS anew for the connections to come: all ports or, with a Failure, none. The value
  // describes the certificate; empty: there is no TLS port.
  Result<std::string, Failure> renew_tls(const SipSettings& settings, const SipTlsContext::Told* told);
  const std::vector<SipListen>& opened() const { return opened_; }

  // How `msg` came.
  Origin origin(nta_agent_t* agent, msg_t* msg);
  // The URI leads to one of our ports. `local_ip`: which address of ours ports on every address have.
  bool ours(const url_t* uri, const std::string& local_ip) const;
  // "ip:port;transport=tls" of the port with this handle; empty: none.
  std::string address_of(const tport_t* handle, const std::string& local_ip) const;

  // A connection to there, or being made; null: there is none.
  static tport_t* connection(nta_agent_t* agent, const SipHost& to);
  // Our port of this number, or else any for that transport and family; null: there is none.
  tport_t* port(const std::string& transport, bool ipv6, std::uint16_t number) const;
  // Ours at the port a request came by; towards where a URI leads. Null: no port speaks that transport and family.
  const sip_contact_t* contact_at(const Origin& origin);
  const sip_contact_t* contact_towards(const std::string& uri);

 private:
  struct Port {
    SipListen listen;
    tport_t* handle = nullptr;
    bool ipv6 = false;
    bool wildcard = false;
    const sip_contact_t* contact = nullptr;  // null for a wildcard
  };
  const sip_contact_t* contact_of(const Port& port, const std::string& towards);
  const sip_contact_t* make_contact(const std::string& ip, std::uint16_t port, SipTransport transport);
  const std::string& local_towards(const std::string& ip, bool ipv6);

  sofia::Home home_;
  std::vector<Port> ports_;
  std::vector<SipListen> opened_;
  std::unordered_map<std::string, const sip_contact_t*> contacts_;  // of wildcard ports, by "ip:port;transport"
  std::unordered_map<std::string, std::string> local_;              // which address of ours faces theirs
};

const char* to_string(SipTransport transport);

}  // namespace tandem::connector
