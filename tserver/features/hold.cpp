// RequestHoldCall and RequestRetrieveCall (MMC-392), and the same from the phone (MMC-355). Only the DN itself is told.
#include "tserver/features/hold.h"

#include <utility>

#include "tserver/features/features.h"
#include "tserver/features/routing_point.h"

namespace tandem::tserver {
namespace {

std::optional<Refusal> hold_call(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  if (on->party->state == PartyState::Held) return refusal(tlib::TERR_IN_SAME_STATE, "ThisDN holds the call already");
  if (on->party->state != PartyState::Connected)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't talk in the call");
  put_on_hold(core, *on->call, *on->party, &request.message.reasons(), request.asker(), true);
  return std::nullopt;
}

std::optional<Refusal> retrieve_call(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  if (auto why = retrieval_refused(core, *on->call, *on->party, tlib::TERR_INV_CALL_STATE)) return why;
  if (active_call(*on->device, on->call) != nullptr)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN is active in another call");
  take_back(core, *on->call, *on->party, &request.message.reasons(), request.asker());
  return std::nullopt;
}

// The phone's hold is its leg's: it concerns the call in which the leg is active, or was when the phone held it.
void on_hold_changed(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* named = find_call(link, happening);
  Party* party = named != nullptr ? named->party(PartyNo{happening.party()}) : nullptr;
  if (party == nullptr) return;
  const bool held = happening.hold_changed().held();
  const PartyNo no = party->no;
  for (Call* call : core.state.memberships(*named, *party)) {
    Party& self = *call->party(no);
    const bool active = self.state == PartyState::Connected || self.state == PartyState::Dialing;
    if (held ? active : self.held_by_phone) {
      phone_held(core, *call, self, held);
      return;
    }
  }
  // Held by order already: then its phone alone can end it.
  if (held && party->state == PartyState::Held) phone_held(core, *named, *party, true);
}

}  // namespace

void phone_held(Core& core, Call& call, Party& party, bool held) {
  if (party.state == PartyState::Dialing) {  // told once somebody has answered
    party.held_by_phone = held;
    return;
  }
  const bool was = party.state == PartyState::Held;
  party.held_by_phone = held;
  party.state = held || party.on_hold ? PartyState::Held : PartyState::Connected;
  const bool is = party.state == PartyState::Held;
  if (is == was) return;
  core.log(LogLevel::Interaction, call, party.name(), is ? "held by the phone" : "retrieved by the phone");
  core.tell(call, party, is ? tlib::EventHeld : tlib::EventRetrieved);
}

void tell_early_hold(Core& core, Call& call, Party& party) {
  if (std::exchange(party.held_by_phone, false)) phone_held(core, call, party, true);
}

void put_on_hold(Core& core, Call& call, Party& party, const tlib::KVList* reasons, Asker asker, bool order) {
  party.on_hold = true;
  party.state = PartyState::Held;
  core.log(LogLevel::Interaction, call, party.name(), "held");
  core.tell(call, party, tlib::EventHeld, {.reasons = reasons}, asker);
  if (order) core.order(call, party.no, [](link::Command& command) { command.mutable_hold()->set_on(true); });
}

void take_back(Core& core, Call& call, Party& party, const tlib::KVList* reasons, Asker asker) {
  party.on_hold = false;
  party.state = PartyState::Connected;
  core.log(LogLevel::Interaction, call, party.name(), "retrieved");
  core.tell(call, party, tlib::EventRetrieved, {.reasons = reasons}, asker);
  core.order(call, party.no, [](link::Command& command) { command.mutable_hold()->set_on(false); });
}

Check retrieval_refused(Core& core, Call& call, const Party& party, tlib::TErrorCode at_phone) {
  if (party.state != PartyState::Held) return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't hold the call");
  for (Call* each : core.state.memberships(call, party)) {
    if (each->party(party.no)->held_by_phone) return refusal(at_phone, "held at the phone, which has to retrieve it");
  }
  return std::nullopt;
}

Call* active_call(const Device& device, const Call* but) {
  for (Call* call : device.calls) {
    const PartyState state = call->party(&device)->state;
    if (call != but && (state == PartyState::Connected || state == PartyState::Dialing)) return call;
  }
  return nullptr;
}

void register_hold(Table& table) {
  table.serve(tlib::RequestHoldCall, hold_call);
  table.serve(tlib::RequestRetrieveCall, retrieve_call);
  table.makes({tlib::EventHeld, tlib::EventRetrieved});
  table.on(link::Happening::kHoldChanged, on_hold_changed);
}

}  // namespace tandem::tserver
