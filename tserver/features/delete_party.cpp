// RequestDeleteFromConference (MMC-396): one party is taken out, the others stay.
#include "tserver/features/attempt.h"
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/leaving.h"
#include "tserver/features/party_events.h"
#include "tserver/features/topology.h"

namespace tandem::tserver {
namespace {

Party* party_named(Call& call, const std::string& name) {
  const Dn dn(name);
  Party* outside = nullptr;  // it may call itself like one of ours
  for (Party& party : call.parties) {
    if (Dn(party.name()) != dn) continue;
    if (party.device != nullptr) return &party;
    outside = &party;
  }
  return outside;
}

// Who rings, or the Routing Point that looks for somebody, is not wanted any more.
void close_unanswered(Core& core, Call& call, Party& party) {
  const std::string name = party.name();
  if (call.attempt) withdraw_attempt(core, call, {tlib::TERR_NO_CALL, "the call was taken back"});
  const Party* rp = call.routing_point();
  if (rp != nullptr && rp->name() == name) drop_routing_point(core, call);
}

std::optional<Refusal> delete_from_conference(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  Call& call = *on->call;
  const tlib::KVList& reasons = request.message.reasons();
  if (request.message.otherdn().empty()) return refusal(tlib::TERR_INVALID_ATTR, "OtherDN is missing");
  if (!on->party->up()) return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't talk in the call");
  Party* dropped = party_named(call, request.message.otherdn());
  if (dropped == nullptr) return refusal(tlib::TERR_PARTY_NOT_ON_CALL, "OtherDN is not a party of the call");
  if (call.invites(*dropped) && call.attempt->purpose != Attempt::Purpose::Joining)
    return refusal(tlib::TERR_OTHER_TEL_OPER, "another request for the call is being carried out");
  // One's own leaving, and that of the last other one, is a release.
  const bool talks = dropped->no && !call.invites(*dropped);
  const bool goes_on = dropped->no ? goes_on_without(call, *dropped) : call.settled() > 1;
  if (dropped == on->party || !goes_on) {
    leave_call(core, call, *on->party, {.asker = request.asker(), .reasons = &reasons});
    return std::nullopt;
  }
  const std::string name = dropped->name();
  core.log(LogLevel::Interaction, call, name, "taken out by " + on->party->name());
  if (talks) {
    if (call.attempt && call.attempt->purpose == Attempt::Purpose::Transfer && call.attempt->by == dropped->no)
      withdraw_attempt(core, call, {tlib::TERR_DISCON_CALL, "ThisDN was taken out before the transfer was done"});
    core.remove(call, dropped->no);
    tell_released(core, call, *dropped, {.reasons = &reasons});
    core.state.remove_party(call, *dropped);
  } else {
    close_unanswered(core, call, *dropped);
  }
  tell_deleted(core, call, name, on->party->name(), &reasons, on->party, request.asker());
  topology_changed(core, call);
  return std::nullopt;
}

}  // namespace

void register_delete_party(Table& table) {
  table.serve(tlib::RequestDeleteFromConference, delete_from_conference);
  table.makes({tlib::EventPartyDeleted});
}

}  // namespace tandem::tserver
