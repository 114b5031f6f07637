#include "tserver/features/single_step.h"

#include "tserver/features/calling.h"
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/leaving.h"
#include "tserver/features/party_events.h"
#include "tserver/features/pass_through.h"
#include "tserver/features/referral.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/topology.h"
#include "tserver/features/user_data.h"

namespace tandem::tserver {
namespace {

// Each of both requests names a call ThisDN talks in, and somebody who isn't in it.
Result<Destination, Refusal> check_single_step(Core& core, const Request& request, const OnCall& on, bool while_held) {
  const tlib::Message& message = request.message;
  const PartyState state = on.party->state;
  if (state == PartyState::Queued) return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "ThisDN is a Routing Point");
  if (state != PartyState::Connected && !(while_held && state == PartyState::Held))
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't talk in the call");
  if (on.call->attempt || on.call->routing_point() != nullptr)
    return refusal(tlib::TERR_OTHER_TEL_OPER, "somebody is being called into the call already");
  if (const auto why = too_many_outstanding(core, request)) return *why;
  if (!message.location().empty()) return refusal(tlib::TERR_UNSUP_OPER, "other locations are not served");
  auto destination = find_destination(core, core.pool_of(*on.call), message.otherdn(), tlib::TERR_INV_CALD_DN);
  if (!destination) return destination;
  if (destination->device == on.device) return refusal(tlib::TERR_INV_CALD_DN, "ThisDN can't call itself");
  if (on.call->party(destination->device) != nullptr)
    return refusal(tlib::TERR_DEST_INV_STATE, "the destination is a party of the call");
  if (auto why = user_data_refused(core, *on.call, message.userdata())) return *why;
  return destination;
}

std::optional<Refusal> single_step_transfer(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  const auto destination = check_single_step(core, request, *on, true);
  if (!destination) return destination.error();
  if (auto why =
          pass_through_refused(core, *on->call, *on->device, on->party, &*destination, tlib::TERR_CSTA_PRIV_CALLED_DEV))
    return why;
  Attempt attempt;
  if (auto why = read_calling(request.message, attempt)) return why;
  add_user_data(core, *on->call, request.message.userdata(), on->device->dn.str());
  attempt.asker = request.asker();
  attempt.reasons.Swap(request.message.mutable_reasons());
  core.hold(attempt.asker);
  start_transfer(core, *on->call, *on->party, std::move(attempt), *destination);
  return std::nullopt;
}

// Who is up is told of the newcomer when it starts to ring, not when it answers (4.9).
void tell_added(Core& core, const Call& call, const std::string& name, const Party& by, const Request& request) {
  for (const Party& party : call.parties) {
    if (call.invites(party) || party.state == PartyState::Queued) continue;
    core.tell(call, party, tlib::EventPartyAdded,
              {.state = tlib::CallStateConferenced,
               .third_party = &by.name(),
               .third_role = tlib::RoleAddedBy,
               .reasons = &request.message.reasons(),
               .other = &name,
               .other_role = tlib::RoleNewParty},
              &party == &by ? request.asker() : Asker{});
  }
}

std::optional<Refusal> single_step_conference(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  const auto destination = check_single_step(core, request, *on, false);
  if (!destination) return destination.error();
  Attempt attempt;
  if (auto why = read_calling(request.message, attempt)) return why;
  Call& call = *on->call;
  add_user_data(core, call, request.message.userdata(), on->device->dn.str());
  core.log(LogLevel::Interaction, call, on->device->dn.str(), "adds " + destination->name());
  make_conference(call);
  if (destination->routes()) {
    tell_added(core, call, destination->name(), *on->party, request);
    queue_at(core, call, *destination->device);
    return std::nullopt;
  }
  attempt.purpose = Attempt::Purpose::Joining;
  attempt.by = on->party->no;
  // EventRinging answers a requester who hears that DN; its own EventPartyAdded answers it in any case.
  const bool hears = destination->device != nullptr && destination->device->registration(request.client) != nullptr;
  start_attempt(core, call, std::move(attempt), *destination, tlib::CallStateOk, hears ? request.asker() : Asker{});
  tell_added(core, call, destination->name(), *on->party, request);
  return std::nullopt;
}

}  // namespace

void hand_over(Core& core, Call& call, Party& by, const std::string& name, tlib::TDNRole role, const Attempt& attempt,
               bool leg_there) {
  const std::string before = by.name();
  if (attempt.asker) core.settle(attempt.asker);
  if (attempt.referred && leg_there) tell_phone(core, call, by, 200);
  tell_released(
      core, call, by,
      {.state = tlib::CallStateTransferred, .third_party = &name, .third_role = role, .reasons = &attempt.reasons},
      attempt.asker);
  if (leg_there) core.remove(call, by.no);
  core.state.remove_party(call, by);
  tell_replaced(core, call, name, role, before, tlib::CallStateTransferred);
}

void make_conference(Call& call) {
  for (Party& party : call.parties) {
    if (party.role != tlib::RoleObserver && party.state != PartyState::Queued) party.role = tlib::RoleConferenceMember;
  }
}

void start_transfer(Core& core, Call& call, Party& by, Attempt attempt, const Destination& destination) {
  core.log(LogLevel::Interaction, call, by.name(), "transfers to " + destination.name());
  attempt.by = by.no;
  if (destination.routes()) {
    transfer_to_routing_point(core, call, attempt, *destination.device);
    return;
  }
  attempt.purpose = Attempt::Purpose::Transfer;
  start_attempt(core, call, std::move(attempt), destination, tlib::CallStateTransferred);
}

void transfer_answered(Core& core, Call& call, const Attempt& attempt, Party& leg) {
  leg.state = PartyState::Connected;
  const bool member = leg.role == tlib::RoleConferenceMember;
  core.log(LogLevel::Interaction, call, leg.name(), "answered, transferred");
  tell_established(core, call, leg, {.state = member ? tlib::CallStateConferenced : tlib::CallStateOk});
  hand_over(core, call, *call.party(attempt.by), leg.name(), leg.role, attempt, true);
  leg.in_place_of = {};
  topology_changed(core, call);
}

void transfer_missed(Core& core, Call& call, const Attempt& attempt, Party& leg, const Missed& why) {
  const Party& by = *call.party(attempt.by);
  if (attempt.asker) {
    const auto code = why.code == tlib::TERR_INV_DEST_DN ? tlib::TERR_INV_CALD_DN : why.code;
    core.settle(attempt.asker);
    core.refuse(attempt.asker, {code, why.text}, by.name(), &call);
  }
  if (attempt.referred) tell_phone(core, call, by, why.status);
  tell_released(core, call, leg, {.state = why.state, .reasons = why.reasons}, why.asker);
  core.log(LogLevel::Interaction, call, leg.name(), "not reached, the transfer failed: " + why.text);
  core.state.remove_party(call, leg);
}

void transfer_to_routing_point(Core& core, Call& call, const Attempt& attempt, Device& routing_point) {
  hand_over(core, call, *call.party(attempt.by), routing_point.dn.str(), tlib::RoleDestination, attempt, true);
  queue_at(core, call, routing_point);
  topology_changed(core, call);
}

bool transferor_left(Core& core, Call& call, Party& party, const Ending& ending) {
  if (ending.asker || call.settled() < 2) {
    withdraw_attempt(core, call, {tlib::TERR_DISCON_CALL, "ThisDN left the call before the transfer was done"});
    return false;
  }
  Attempt attempt = *call.attempt;  // its timers go on
  call.attempt->purpose = Attempt::Purpose::Joining;
  call.attempt->asker = {};
  call.attempt->by = {};
  call.attempt->referred = false;
  Party& leg = *call.party(attempt.leg);
  hand_over(core, call, party, leg.name(), leg.role, attempt, ending.order);
  leg.in_place_of = {};
  topology_changed(core, call);
  return true;
}

void register_single_step(Table& table) {
  table.serve(tlib::RequestSingleStepTransfer, single_step_transfer);
  table.serve(tlib::RequestSingleStepConference, single_step_conference);
  table.makes({tlib::EventPartyChanged, tlib::EventPartyAdded});
}

}  // namespace tandem::tserver
