// Which build of the SIP library is linked: ours (deploy/sofia-sip) or the distribution's, and what only ours can do.
// One of library_patched.cpp and library_distribution.cpp is built.
#pragma once

#include <functional>
#include <string>

struct ssl_ctx_st;
struct tport_s;

namespace tandem::connector::library {

// What follows works as it says; else it does nothing.
bool patched();
// For the log and `--version`.
std::string name();

// How the peers of a port's connections are verified, beside what the context says.
struct PeerRules {
  bool clients = false;       // who connects must show a certificate that the context takes
  bool servers = false;       // whom we connect to must
  bool server_names = false;  // and it must hold the host of the URI
};
// Connections that `port` accepts or makes from now on use `context` (an OpenSSL SSL_CTX; a reference is taken), older
// ones keep theirs. False: this build can't, or it is no port for TLS.
bool use_tls_context(tport_s* port, ssl_ctx_st* context, PeerRules rules);

// `told` is called for each TCP or TLS connection that closes: the other side's address and port as text, "tcp" or
// "tls". One of `agent`'s ports is enough. Must not call the library. An empty function ends it.
class ClosedConnections {
 public:
  using Told = std::function<void(const char* ip, const char* port, const char* transport)>;
  void watch(tport_s* any, Told told);

 private:
  Told told_;
};

}  // namespace tandem::connector::library
