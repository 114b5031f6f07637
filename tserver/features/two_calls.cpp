// Changing between two calls: RequestAlternateCall (MMC-398) and RequestReconnectCall (MMC-397). What counts is which
// of them is held now, not which came first.
#include "tserver/features/features.h"
#include "tserver/features/hold.h"
#include "tserver/features/leaving.h"
#include "tserver/features/merging.h"

namespace tandem::tserver {
namespace {

struct HeldAndCurrent {
  Call* held;
  Call* current;
  Party* in_held;
  Party* in_current;
};

Result<HeldAndCurrent, Refusal> held_and_current(Core& core, const Request& request, bool while_dialing) {
  const auto calls = check_two_calls(core, request);
  if (!calls) return calls.error();
  HeldAndCurrent both{calls->main, calls->consult, calls->in_main, calls->in_consult};
  if (both.in_held->state != PartyState::Held) {
    std::swap(both.held, both.current);
    std::swap(both.in_held, both.in_current);
  }
  const PartyState current = both.in_current->state;
  const bool active = current == PartyState::Connected || (while_dialing && current == PartyState::Dialing);
  if (both.in_held->state != PartyState::Held || !active)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't hold one of the calls and talk in the other");
  if (active_call(*calls->device, both.current) != nullptr)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN is active in a third call");
  return both;
}

std::optional<Refusal> alternate_call(Core& core, Request& request) {
  const auto both = held_and_current(core, request, false);
  if (!both) return both.error();
  if (auto why = retrieval_refused(core, *both->held, *both->in_held, tlib::TERR_INV_CALL_STATE)) return why;
  // Back in one conversation a leg is held in the other by that.
  const bool two_legs = both->in_held->no != both->in_current->no;
  put_on_hold(core, *both->current, *both->in_current, &request.message.reasons(), request.asker(), two_legs);
  take_back(core, *both->held, *both->in_held, &request.message.reasons(), {});
  return std::nullopt;
}

std::optional<Refusal> reconnect_call(Core& core, Request& request) {
  const auto both = held_and_current(core, request, true);
  if (!both) return both.error();
  if (auto why = retrieval_refused(core, *both->held, *both->in_held, tlib::TERR_CANT_RETRIEVE_ORIG)) return why;
  const ConnId held = both->held->id;
  leave_call(core, *both->current, *both->in_current, {.reasons = &request.message.reasons()});
  Call* call = core.state.call(held);  // leaving one doesn't end the other; but what follows it might
  Party* party = call != nullptr ? call->party(both->in_held->no) : nullptr;
  if (party == nullptr) return refusal(tlib::TERR_CANT_RETRIEVE_ORIG, "the held call is over");
  take_back(core, *call, *party, &request.message.reasons(), request.asker());
  return std::nullopt;
}

}  // namespace

void register_two_calls(Table& table) {
  table.serve(tlib::RequestAlternateCall, alternate_call);
  table.serve(tlib::RequestReconnectCall, reconnect_call);
}

}  // namespace tandem::tserver
