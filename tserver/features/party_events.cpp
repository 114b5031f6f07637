#include "tserver/features/party_events.h"

#include <algorithm>

#include "tserver/features/agent.h"
#include "tserver/features/awaited.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {

namespace {

// It was established, here or in one of the calls that it leaves at the same time.
bool ends_talk(const Call& call, const Party& party) {
  if (party.up() || !party.leaving) return party.up();
  const auto& calls = party.device->calls;
  return std::any_of(calls.begin(), calls.end(), [&](const Call* other) {
    const Party* there = other != &call ? other->party(party.device) : nullptr;
    return there != nullptr && there->leaving && there->up();
  });
}

}  // namespace

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
  if (party.device != nullptr && ends_talk(call, party)) agent_call_ends(core, *party.device, call);
  core.tell(call, party, tlib::EventReleased, details, asker);
}

}  // namespace tandem::tserver
