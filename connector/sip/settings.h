// What the sip room can be told: plain values with safe defaults. Durations and sizes carry their unit in the name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tandem::connector {

enum class SipTransport { Udp, Tcp, Tls };

// Of who connects to a TLS port.
enum class ClientCertificates {
  None,      // none is asked for
  Optional,  // asked for; who has no good one comes in and proves nothing
  Required   // who has none signed by the CA is turned away
};
// Of whom we connect to.
enum class ServerCertificates {
  Any,      // nothing is verified
  Trusted,  // signed by the CA
  Named     // and made out to the host of the URI, be it a name or an address (RFC 5922)
};

struct SipListen {
  std::string address = "127.0.0.1";  // IPv4 or IPv6 address, 0.0.0.0 or :: for every one
  std::uint16_t port = 5060;          // 0: any free one
  SipTransport transport = SipTransport::Udp;
  ClientCertificates clients = ClientCertificates::None;
};

struct SipTlsPolicy {
  ServerCertificates servers = ServerCertificates::Named;
  bool require_1_3 = false;                                              // else TLS 1.2 is the lowest
  std::string ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL";  // of TLS 1.2, as OpenSSL writes them
  std::string ciphersuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";  // of 1.3
};

struct SipTlsFiles {
  std::string certificate, key, ca;  // PEM files
  std::string directory;  // private folder for the copy that the distribution's library needs; empty: a temporary one
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
  std::chrono::milliseconds idle_timeout{180000};    // of a connection over which nothing comes
  std::chrono::milliseconds message_timeout{10000};  // of a message that isn't whole
  std::chrono::milliseconds next_address{4000};      // of silence before another address of a name is tried
  // After the ports were opened: a T-Server may still give back a dialog that nobody knows.
  std::chrono::milliseconds unsure_for{0};
  std::chrono::milliseconds t1{500}, t2{4000}, t4{5000};  // RFC 3261 section 17
  std::chrono::milliseconds t1x64{32000};

  std::vector<std::string> report_headers;  // further headers of an INVITE that the T-Server wants to see
};

}  // namespace tandem::connector
