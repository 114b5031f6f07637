// What the sip room can be told: plain values with safe defaults. Durations and sizes carry their unit in the name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem::connector {

enum class SipTransport { Udp, Tcp, Tls };

struct SipListen {
  std::string address = "127.0.0.1";  // IPv4 or IPv6 address, 0.0.0.0 or :: for every one
  std::uint16_t port = 5060;          // 0: any free one
  SipTransport transport = SipTransport::Udp;
};

// Whose certificate must be good on SIP over TLS. Phones seldom have one of their own.
struct SipTlsPolicy {
  bool verify_clients = false;  // who connects to us must show a certificate signed by the CA
  bool verify_servers = true;   // whom we connect to must
  bool verify_names = false;  // and its name must be the host of the URI; addresses in certificates are not understood
  bool require_1_3 = false;   // else TLS 1.2 is the lowest
};

struct SipTlsFiles {
  std::string certificate, key, ca;  // PEM files
  std::string directory;  // private folder for the library's copy; empty: one is made in the temporary folder
};

struct SipSettings {
  std::vector<SipListen> listen{SipListen{}};
  SipTlsFiles tls;
  SipTlsPolicy tls_policy;

  std::string user_agent = "Tandem";  // User-Agent and Server

  // Protection.
  std::size_t unacknowledged_max = 2000;        // INVITEs answered and not yet acknowledged; above it new ones get 503
  std::size_t unanswered_max = 5000;            // INVITEs not answered yet; above it new ones get 503
  std::size_t source_unacknowledged_max = 500;  // the same for one source address
  std::size_t source_unanswered_max = 500;      // unanswered INVITEs of one source address that proved nothing
  std::uint32_t source_invites_per_second = 2000;  // of one source address; 0: no limit
  std::size_t sources_tracked = 20000;             // bounds the memory of the two above
  std::size_t legs_max = 50000;                    // dialogs and attempts at once
  std::size_t subscriptions_max = 5000;            // to conferences; above it new ones get 503
  std::size_t source_subscriptions_max = 200;      // the same for one source address
  std::chrono::seconds retry_after{5};             // told with 503

  std::size_t message_bytes_max = 65536;
  std::uint32_t udp_mtu = 65535;  // larger requests try TCP first; a phone on UDP may not speak it
  std::uint32_t udp_receive_buffer = 4 << 20;
  std::chrono::milliseconds idle_timeout{180000};         // of a connection over which nothing comes
  std::chrono::milliseconds message_timeout{10000};       // of a message that isn't whole
  std::chrono::milliseconds t1{500}, t2{4000}, t4{5000};  // RFC 3261 section 17
  std::chrono::milliseconds t1x64{32000};

  std::vector<std::string> report_headers;  // further headers of an INVITE that the T-Server wants to see
};

}  // namespace tandem::connector
