#include "tserver/features/alternate_routing.h"

#include "tserver/features/attempt.h"
#include "tserver/features/features.h"
#include "tserver/features/pass_through.h"
#include "tserver/features/routing_point.h"

namespace tandem::tserver {
namespace {

void on_router_timer(Core& core, const TimerKey& key) {
  Call* call = core.state.call(ConnId{key.subject});
  if (call == nullptr || call->router_timer != key) return;
  call->router_timer.reset();
  core.log(LogLevel::Interaction, *call, call->routing_point()->name(), "router-timeout, no instruction came");
  // While the Connector is away nobody can be invited; the call waits on.
  if (!core.state.link_of(*call).up || !default_route(core, *call)) wait_for_instruction(core, *call);
}

void on_no_answer_timer(Core& core, const TimerKey& key) {
  Call* call = core.state.call(ConnId{key.subject});
  if (call == nullptr || !call->attempt || call->attempt->no_answer_timer != key) return;
  if (outcome_unknown(core, *call, key)) return;
  call->attempt->no_answer_timer.reset();
  attempt_missed(
      core, *call,
      {tlib::TERR_DN_NO_ANSWER, tlib::CallStateNoAnswer, 480, "the destination did not answer in time", true, {}});
}

}  // namespace

const std::string& default_dn(const Core& core, const Device& routing_point) {
  const auto& own = routing_point.settings.default_dn;
  return own ? *own : core.settings().default_dn;
}

bool default_routing_possible(const Core& core, Call& call) {
  const Party* rp = call.routing_point();
  return rp != nullptr && call.redirections < core.settings().default_redirection_limit &&
         !default_dn(core, *rp->device).empty();
}

bool default_route(Core& core, Call& call) {
  Party* rp = call.routing_point();
  if (!default_routing_possible(core, call)) {
    if (call.redirections > 0)
      core.log(LogLevel::Standard, call, rp->name(), "default-redirection-limit reached, call stays");
    return false;
  }
  const auto destination =
      find_destination(core, core.pool_of(call), default_dn(core, *rp->device), tlib::TERR_INV_DEST_DN);
  if (!destination || destination->device == rp->device || call.party(destination->device) != nullptr) {
    core.log(LogLevel::Standard, call, rp->name(), "default-dn can't be reached, call stays");
    return false;
  }
  if (pass_through_refused(core, call, *rp->device, rp, &*destination, tlib::TERR_PROHIBITED_ROUTE_EXTERNAL)) {
    core.log(LogLevel::Standard, call, rp->name(), "default-dn is external and pass-through not allowed, call stays");
    return false;
  }
  ++call.redirections;
  core.log(LogLevel::Interaction, call, rp->name(), "sent on to default-dn " + destination->name());
  Attempt attempt;
  attempt.by_default = true;
  route(core, call, *destination, std::move(attempt));
  return true;
}

std::chrono::seconds no_answer_timeout(const Core& core, const Attempt& attempt, const Party& leg) {
  if (attempt.no_answer) return *attempt.no_answer;
  if (leg.device != nullptr && leg.device->settings.no_answer_timeout) return *leg.device->settings.no_answer_timeout;
  return core.settings().no_answer_timeout;
}

void routers_gone(Core& core, Device& routing_point) {
  if (!routing_point.routes() || routing_point.calls.empty() || routing_point.has_router()) return;
  const std::vector<Call*> waiting = routing_point.calls;  // routing takes calls off the list; it ends none
  for (Call* call : waiting) {
    if (call->attempt || !core.state.link_of(*call).up) continue;
    default_route(core, *call);
  }
}

void review_waiting(Core& core, Device& routing_point) {
  if (!routing_point.routes()) return;
  routers_gone(core, routing_point);
  for (Call* call : routing_point.calls) {
    if (!call->attempt && !call->router_timer) wait_for_instruction(core, *call);
  }
}

void register_alternate_routing(Table& table) {
  table.on(TimerKind::Router, on_router_timer);
  table.on(TimerKind::NoAnswer, on_no_answer_timer);
}

}  // namespace tandem::tserver
