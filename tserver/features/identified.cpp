// Somebody else is at a party's phone now, as the far side says: a response group that found its member, a system that
// put the call through (MMC-226).
#include "tserver/features/features.h"
#include "tserver/features/party_events.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"
#include "tserver/features/topology.h"

namespace tandem::tserver {
namespace {

void tell_others(Core& core, const Call& call, const Party& member, tlib::MessageType type, const Details& details) {
  for (const Party& party : call.parties) {
    if (&party == &member || party.state == PartyState::Queued || call.invites(party)) continue;
    core.tell(call, party, type, details);
  }
}

// The member joins in a conference with the group and the others, and the group leaves it.
void member_takes_over(Core& core, Call& call, Party& party, Device& device) {
  make_conference(call);
  Party group = party;
  core.state.move_party(call, party, &device);
  const std::string before = group.name(), member = party.name();
  core.log(LogLevel::Interaction, call, member, "is at the phone of " + before);
  core.tell(call, party, tlib::EventRinging, {.no_other = true});
  const Details added{.state = tlib::CallStateConferenced,
                      .third_party = &before,
                      .third_role = tlib::RoleAddedBy,
                      .other = &member,
                      .other_role = tlib::RoleNewParty};
  tell_others(core, call, party, tlib::EventPartyAdded, added);
  core.tell(call, group, tlib::EventPartyAdded, added);
  party.state = PartyState::Connected;
  tell_established(core, call, party, {.state = tlib::CallStateConferenced, .no_other = true});
  tell_released(core, call, group, {.no_other = true});
  const Details deleted{.third_party = &before,
                        .third_role = tlib::RoleDeletedBy,
                        .other = &before,
                        .other_role = tlib::RoleDeletedParty};
  tell_others(core, call, party, tlib::EventPartyDeleted, deleted);
  core.tell(call, party, tlib::EventPartyDeleted, deleted);
  topology_changed(core, call);
}

void on_identified(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  Party* party = call != nullptr ? call->party(PartyNo{happening.party()}) : nullptr;
  if (party == nullptr || party->state != PartyState::Connected || call->unreported) return;
  const std::string& dn = happening.identified().dn();
  Device* device = core.state.device(Dn(dn));
  if (device == party->device && device != nullptr) return;
  const bool usable = device != nullptr && device->extension() && device->in_service && call->party(device) == nullptr;
  if (usable) {
    member_takes_over(core, *call, *party, *device);
  } else if (device == nullptr && party->device == nullptr && !dn.empty()) {
    party->address = dn;
    core.log(LogLevel::Trace, *call, dn, "is who an outside party is now");
  }
}

}  // namespace

void register_identified(Table& table) {
  table.on(link::Happening::kIdentified, on_identified);
}

}  // namespace tandem::tserver
