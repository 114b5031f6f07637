#include "tserver/features/routing_point.h"

#include <algorithm>

#include "tserver/features/alternate_routing.h"
#include "tserver/features/attempt.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {

void let_wait(Core& core, Call& call) {
  Party* waits = call.dialing();
  if (waits == nullptr && call.settled() == 1) {
    const auto it = std::find_if(call.parties.begin(), call.parties.end(), [&](const Party& party) {
      return party.no && party.state == PartyState::Connected && !call.invites(party);
    });
    if (it != call.parties.end()) waits = &*it;
  }
  const bool there = waits != nullptr && (waits->leg == LegState::Offered || waits->leg == LegState::Up);
  if (!there || waits->waiting) return;
  core.admit(call, *waits, link::Admit::WAITING);
  waits->waiting = true;
}

void queue_at(Core& core, Call& call, Device& routing_point, tlib::TCallState state) {
  Party party;
  party.device = &routing_point;
  party.role = tlib::RoleDestination;
  party.state = PartyState::Queued;
  party.queue = routing_point.dn.str();
  party.queued_at = core.now.steady;
  const Party& rp = core.state.add_party(call, std::move(party));
  if (const auto type = routing_point.settings.call_type) call.type = static_cast<tlib::TCallType>(*type);
  let_wait(core, call);
  core.tell(call, rp, tlib::EventQueued, {.state = state});
  core.tell(call, rp, tlib::EventRouteRequest);
  core.log(LogLevel::Interaction, call, rp.name(), "queued");
  if (routing_point.has_router() || !default_route(core, call)) wait_for_instruction(core, call);
}

void route(Core& core, Call& call, const Destination& destination, Attempt attempt) {
  core.cancel_timer(call.router_timer);
  routing_stops_treatment(core, call, destination.routes());
  if (destination.routes()) {
    change_routing_point(core, call, *destination.device, attempt);
    return;
  }
  attempt.purpose = Attempt::Purpose::Routed;
  if (attempt.asker) core.hold(attempt.asker);
  start_attempt(core, call, std::move(attempt), destination);
}

void change_routing_point(Core& core, Call& call, Device& next, const Attempt& attempt, tlib::TCallState state) {
  routing_stops_treatment(core, call, true);
  Party& rp = *call.routing_point();
  const std::string& name = next.dn.str();
  core.tell(call, rp, tlib::EventRouteUsed,
            {.third_party = &name, .third_role = tlib::RoleDestination, .reasons = &attempt.reasons}, attempt.asker);
  core.tell(call, rp, tlib::EventDiverted, {.third_party = &name, .third_role = tlib::RoleDestination});
  core.state.remove_party(call, rp);
  queue_at(core, call, next, state);
}

void wait_for_instruction(Core& core, Call& call) {
  core.cancel_timer(call.router_timer);
  const Device& rp = *call.routing_point()->device;
  if (call.treatment) return;  // which is an instruction
  const auto timeout = rp.settings.router_timeout.value_or(core.settings().router_timeout);
  if (timeout.count() <= 0 || !default_routing_possible(core, call)) return;
  call.router_timer = core.set_timer(TimerKind::Router, call.id.value, ++call.generation, timeout);
}

Call* find_call(CtiLink& link, const link::Happening& happening) {
  const auto it = link.conversations.find(ConversationNo{happening.conversation()});
  if (it != link.conversations.end()) return it->second;
  const auto merged = link.merged.find(ConversationNo{happening.conversation()});
  return merged == link.merged.end() ? nullptr : merged->second;
}

}  // namespace tandem::tserver
