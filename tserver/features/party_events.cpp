#include "tserver/features/party_events.h"

#include "tserver/features/agent.h"
#include "tserver/features/awaited.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {

void tell_established(Core& core, Call& call, const Party& party, Details details, Asker asker) {
  if (!asker) asker = settle_pickup(core, call, party);
  std::optional<tlib::KVList> wrap_up;
  if (party.device != nullptr) wrap_up = expected_wrap_up(core, *party.device);
  if (wrap_up) {
    if (details.extensions != nullptr) kv_attach(*wrap_up, *details.extensions);
    details.extensions = &*wrap_up;
  }
  core.tell(call, party, tlib::EventEstablished, details, asker);
}

void tell_released(Core& core, Call& call, const Party& party, Details details, Asker asker) {
  give_up_awaited(core, call, party);
  const bool established = party.state == PartyState::Connected || party.state == PartyState::Held;
  if (party.device != nullptr && established)
    agent_call_ends(core, *party.device, call, details.state == tlib::CallStateTransferred);
  core.tell(call, party, tlib::EventReleased, details, asker);
}

}  // namespace tandem::tserver
