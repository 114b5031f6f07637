// What the front end needs to know of the environment: plain values, resolved from the environment file by the program.
// Option names are in the comments: section `front-end`, or `limits` where it says so. Changed settings are handed in
// whole (FrontEnd::configure).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "connector/core/conference_names.h"

namespace tandem::connector {

enum class FrontEndMode {
  Embedded,  // registrar, location, trunks and digest are here
  External   // a proxy and registrar in front of us does all that; everything goes to it and comes from it
};

// A device of the switch that calls can be sent to. Only Extensions with a password can register and call as
// themselves.
struct LocalDn {
  bool extension =
      false;  // a phone; else a service of the T-Server's (Routing Point and the like): callable, not registered
  std::string password;     // DN section sip, option password; empty: nobody can register or call as this DN
  std::string association;  // number by which it is called as well (External Routing Point)
};

// Where numbers outside the switch go. `sources`: further addresses it may call from ("ip" or "ip:port").
// `certificate_names`: it is known by a TLS certificate with one of them, and by nothing else.
struct Trunk {
  std::string name;
  std::string contact;  // "sip:ip:port[;transport=tcp]"
  std::string prefix;   // numbers it serves; the longest matching prefix wins; empty matches every number
  std::vector<std::string> sources;
  std::vector<std::string> certificate_names;
};

enum class DigestAlgorithm { Md5, Sha256 };

struct FrontEndSettings {
  std::string application;                     // our application name: who holds the registrations we report
  FrontEndMode mode = FrontEndMode::Embedded;  // mode
  std::vector<std::string> domains;            // domains; the first is what short names are completed with
  std::string realm;                           // realm; empty: the first domain
  std::vector<std::string> own_addresses;      // "ip:port" of our SIP listeners: names of ours beside the domains

  // Where other Connectors reach us for phones whose connection we hold: "ip:port;transport=tcp"; empty: nowhere.
  std::string reached_at;

  // External mode.
  std::string server_address;                  // server-address
  std::uint16_t server_port = 5060;            // server-port
  std::string server_transport = "udp";        // server-transport: udp | tcp | tls
  std::vector<std::string> trusted_addresses;  // trusted-addresses: further "ip" or "ip:port" of that proxy

  std::unordered_map<Dn, LocalDn> dns;
  std::vector<Trunk> trunks;
  ConferenceNames conferences;  // addresses that are called like DNs; section conference-services

  // accept-strangers: callers who prove nothing may call DNs of ours, never anything else.
  bool accept_strangers = true;
  // foreign-domains: phones and applications of ours may call addresses of other domains.
  bool foreign_domains = false;
  // trust-registered-flow: a TCP or TLS connection that registered by digest isn't asked again.
  bool trust_registered_flow = false;

  // Registrar.
  std::chrono::seconds expires_min{60};        // min-expires; shorter: 423
  std::chrono::seconds expires_max{3600};      // max-expires; longer is shortened
  std::chrono::seconds expires_default{3600};  // given to who asks for none
  std::size_t contacts_per_aor = 10;           // limits contacts-per-aor; a further one replaces the oldest
  std::size_t registrations_max = 20000;       // limits registrations; contacts altogether, ours and learned

  // Digest.
  std::vector<DigestAlgorithm> algorithms{DigestAlgorithm::Md5};  // digest-algorithms, in the order they are offered
  std::chrono::seconds nonce_lifetime{300};                       // nonce-lifetime
  std::size_t nonces_tracked = 50000;                             // bounds the replay memory

  // Protection, each for one source address (IPv6: its /64). Trunks and the trusted proxy are exempt.
  std::uint32_t calls_per_second = 200;  // limits calls-per-second-per-source; 0: off
  std::uint32_t calls_burst = 400;
  std::uint32_t failed_auths = 20;      // limits failed-authentications: so many within a minute ban the source; 0: off
  std::chrono::seconds ban{60};         // limits ban-time
  std::size_t sources_tracked = 20000;  // bounds the memory
};

}  // namespace tandem::connector
