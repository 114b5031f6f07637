#include "tserver/features/ending.h"

#include "tserver/features/awaited.h"
#include "tserver/features/lobby.h"
#include "tserver/features/party_events.h"
#include "tserver/features/postponed.h"
#include "tserver/features/treatment.h"
#include "tserver/features/virtual_queue.h"

namespace tandem::tserver {
namespace {

void stop_waiting(Core& core, Call& call) {
  core.cancel_timer(call.router_timer);
  if (!call.attempt) return;
  core.cancel_timer(call.attempt->no_answer_timer);
  core.cancel_timer(call.attempt->joining_timer);
}

void close_party(Core& core, Call& call, const Party& party, const Ending& ending) {
  const bool leaves = &party == ending.leaver;
  const bool waits = party.state == PartyState::Queued || party.state == PartyState::Alerting;
  const Details details{.state = ending.state, .reasons = ending.reasons};
  const Asker asker = leaves ? ending.asker : Asker{};
  if (waits && !leaves) {
    give_up_awaited(core, call, party);
    core.tell(call, party, tlib::EventAbandoned, details, asker);
  } else {
    tell_released(core, call, party, details, asker);
  }
}

void order_end(Core& core, const Call& call, const Ending& ending) {
  const Party* caller = call.dialing();
  if (ending.reject_status != 0 && caller != nullptr && caller->leg == LegState::Offered && !call.attempt) {
    core.reject(call, *caller, ending.reject_status);
  } else {
    core.order(call, {}, [](link::Command& command) { command.mutable_release(); });
  }
}

// A Connector that is away must not bring the call back when it returns.
void forget(Core& core, Call& call) {
  refuse_postponed(core, call);
  leave_virtual_queues(core, call);
  close_lobby(core, call);
  CtiLink& link = core.state.link_of(call);
  if (!link.up) {
    link.given_up.insert(call.conversation);
    core.state.touched.links();
  }
  core.state.remove_call(call);
  if (!link.up && link.conversations.empty()) core.cancel_timer(link.loss_timer);
}

}  // namespace

void end_call(Core& core, Call& call, const Ending& ending) {
  drop_treatment(core, call);
  stop_waiting(core, call);
  if (ending.leaver != nullptr) close_party(core, call, *ending.leaver, ending);
  for (const Party& party : call.parties) {
    if (&party != ending.leaver && party.state != PartyState::Queued) close_party(core, call, party, ending);
  }
  for (const Party& party : call.parties) {
    if (&party != ending.leaver && party.state == PartyState::Queued) close_party(core, call, party, ending);
  }
  if (call.attempt && call.attempt->asker) {
    const Asker asker = call.attempt->asker;
    const Party* of = call.routing_point();
    if (of == nullptr) of = call.party(call.attempt->by);
    core.settle(asker);
    core.refuse(asker, {tlib::TERR_NO_CALL, "the call ended before it was answered"}, of ? of->name() : "", &call);
  }
  if (ending.order) order_end(core, call, ending);
  core.log(LogLevel::Trace, call, ending.leaver ? ending.leaver->name() : "", "call ended");
  forget(core, call);
}

void fail_call(Core& core, Call& call, const Party* invited, const Missed& why) {
  if (invited != nullptr && invited->device != nullptr)
    tell_released(core, call, *invited, {.state = why.state, .reasons = why.reasons}, why.asker);
  Party* caller = call.dialing();
  if (caller != nullptr) {
    const bool known = why.state != tlib::CallStateOk;
    core.tell(call, *caller, tlib::EventDestinationBusy, {.state = known ? why.state : tlib::CallStateBusy});
    tell_released(core, call, *caller);
  }
  if (caller != nullptr && caller->leg == LegState::Offered) {
    core.reject(call, *caller, why.status);
  } else {
    core.order(call, {}, [](link::Command& command) { command.mutable_release(); });
  }
  stop_waiting(core, call);
  core.log(LogLevel::Trace, call, invited ? invited->name() : call.dialed, "destination can't be had, call ended");
  forget(core, call);
}

}  // namespace tandem::tserver
