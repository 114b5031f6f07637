#include "connector/sip/library.h"
#include "connector/sip/sofia.h"

// After the headers that it needs.
#include <sofia-sip/sofia_features.h>

namespace tandem::connector::library {

bool patched() {
  return true;
}

std::string name() {
  return std::string("sofia-sip ") + SOFIA_SIP_VERSION + " with patches " + TANDEM_SOFIA_KEY;
}

bool use_tls_context(tport_s* port, ssl_ctx_st* context, PeerRules rules) {
  unsigned policy = TPTLS_VERIFY_NONE;
  if (rules.clients) policy |= TPTLS_VERIFY_INCOMING;
  if (rules.servers) policy |= TPTLS_VERIFY_OUTGOING;
  if (rules.servers && rules.server_names) policy |= TPTLS_VERIFY_SUBJECTS_OUT;
  return tport_tls_use_context(port, context, policy) == 0;
}

void ClosedConnections::watch(tport_s* any, Told told) {
  told_ = std::move(told);
  if (!told_) {
    tport_set_closed_hook(any, nullptr, nullptr);
    return;
  }
  tport_set_closed_hook(
      any,
      [](void* self, const tport_t* closed) {
        const tp_name_t* const name = tport_name(closed);
        static_cast<ClosedConnections*>(self)->told_(name->tpn_host, name->tpn_port, name->tpn_proto);
      },
      this);
}

}  // namespace tandem::connector::library
