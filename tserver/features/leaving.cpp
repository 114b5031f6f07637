#include "tserver/features/leaving.h"

#include <algorithm>

#include "tserver/features/party_events.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"
#include "tserver/features/topology.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {
namespace {

std::size_t real_parties(const Call& call) {
  return static_cast<std::size_t>(
      std::count_if(call.parties.begin(), call.parties.end(), [](const Party& p) { return p.no; }));
}

}  // namespace

bool goes_on_without(const Call& call, const Party& party) {
  const std::size_t settled = call.settled() - (party.no && !call.invites(party) ? 1 : 0);
  if (settled != 1) return settled > 1;
  const Party* rp = call.routing_point();
  if (rp != nullptr && rp != &party) return true;
  // Who rings for a party that wants to go is no reason to stay with it.
  return call.attempt && !call.invites(party) && call.attempt->purpose != Attempt::Purpose::Transfer;
}

void tell_deleted(Core& core, const Call& call, const std::string& name, const std::string& by,
                  const tlib::KVList* reasons, const Party* asking, Asker asker) {
  const auto state = real_parties(call) > 2 ? tlib::CallStateConferenced : tlib::CallStateOk;
  for (const Party& party : call.parties) {
    if (party.state == PartyState::Queued || call.invites(party)) continue;
    core.tell(call, party, tlib::EventPartyDeleted,
              {.state = state,
               .third_party = &by,
               .third_role = tlib::RoleDeletedBy,
               .reasons = reasons,
               .other = &name,
               .other_role = tlib::RoleDeletedParty},
              &party == asking ? asker : Asker{});
  }
}

void tell_replaced(Core& core, const Call& call, const std::string& name, tlib::TDNRole role, const std::string& before,
                   tlib::TCallState state) {
  for (const Party& party : call.parties) {
    if (!party.up()) continue;
    if (party.in_place_of) continue;  // the new one itself
    core.tell(call, party, tlib::EventPartyChanged,
              {.state = state,
               .third_party = &before,
               .third_role = tlib::RoleTransferredBy,
               .previous = call.id,
               .other = &name,
               .other_role = role});
  }
}

void leave_call(Core& core, Call& call, Party& party, Ending ending) {
  if (call.attempt && call.attempt->purpose == Attempt::Purpose::Transfer && call.attempt->by == party.no) {
    if (transferor_left(core, call, party, ending)) return;
  }
  ending.leaver = &party;
  if (!goes_on_without(call, party)) {
    for (const Party& other : call.parties) ending.order = ending.order || (&other != &party && other.no);
    end_call(core, call, ending);
    return;
  }
  if (ending.order) core.remove(call, party.no);
  tell_released(core, call, party, {.state = ending.state, .reasons = ending.reasons}, ending.asker);
  core.log(LogLevel::Interaction, call, party.name(), "left, the call goes on");
  const std::string name = party.name();
  const bool listened = call.treatment && call.treatment->listener == party.no;
  if (listened) drop_treatment(core, call);
  core.state.remove_party(call, party);
  tell_deleted(core, call, name, name, ending.reasons);
  if (listened && call.routing_point() != nullptr && !call.attempt) wait_for_instruction(core, call);
  topology_changed(core, call);
}

void drop_routing_point(Core& core, Call& call) {
  Party& rp = *call.routing_point();
  core.cancel_timer(call.router_timer);
  routing_stops_treatment(core, call, true);
  core.tell(call, rp, tlib::EventAbandoned);
  core.state.remove_party(call, rp);
}

void leg_left(Core& core, Call& call, Party& party, const Ending& ending) {
  const PartyNo no = party.no;
  std::vector<Call*> calls = core.state.memberships(call, party);
  // Consultations end before what they were about.
  std::stable_sort(calls.begin(), calls.end(), [](const Call* a, const Call* b) { return a->id > b->id; });
  for (Call* each : calls) each->party(no)->leaving = true;
  std::vector<ConnId> ids;
  for (const Call* each : calls) ids.push_back(each->id);
  for (const ConnId id : ids) {
    Call* each = core.state.call(id);
    Party* there = each != nullptr ? each->party(no) : nullptr;
    if (there != nullptr) leave_call(core, *each, *there, ending);
  }
}

}  // namespace tandem::tserver
