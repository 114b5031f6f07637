#include "connector/sip/library.h"
#include "connector/sip/sofia.h"

// After the headers that it needs.
#include <sofia-sip/sofia_features.h>

namespace tandem::connector::library {

bool patched() {
  return false;
}

std::string name() {
  return std::string("sofia-sip ") + SOFIA_SIP_VERSION + " of the distribution";
}

bool use_tls_context(tport_s*, ssl_ctx_st*, PeerRules) {
  return false;
}

void ClosedConnections::watch(tport_s*, Told) {}

}  // namespace tandem::connector::library
