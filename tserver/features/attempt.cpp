#include "tserver/features/attempt.h"

#include <algorithm>

#include "tserver/features/agent.h"
#include "tserver/features/alternate_routing.h"
#include "tserver/features/awaited.h"
#include "tserver/features/calling.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/forwarding.h"
#include "tserver/features/hold.h"
#include "tserver/features/leaving.h"
#include "tserver/features/make_call.h"
#include "tserver/features/party_events.h"
#include "tserver/features/pass_through.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"
#include "tserver/features/topology.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {
namespace {

constexpr std::chrono::seconds kJoiningDefault{60};  // a wait always has a deadline
constexpr std::chrono::milliseconds kLookAgain{500};

void start_timers(Core& core, Call& call, const Party& leg) {
  Attempt& attempt = *call.attempt;
  const auto joining = core.settings().av_joining_timeout;
  const std::uint32_t generation = ++call.generation;
  attempt.joining_timer =
      core.set_timer(TimerKind::Joining, call.id.value, generation, joining.count() > 0 ? joining : kJoiningDefault);
  if (attempt.purpose != Attempt::Purpose::Routed) return;
  const auto no_answer = no_answer_timeout(core, attempt, leg);
  if (no_answer.count() <= 0) return;
  attempt.no_answer_timer = core.set_timer(TimerKind::NoAnswer, call.id.value, generation, no_answer);
}

// Whom the invited party sees as caller: who waits for the answer; in a call that is up who wants it there, or who it
// shall talk to.
const Party* shown_caller(const Call& call, const Party& leg) {
  if (const Party* dialing = call.dialing()) return dialing;
  if (call.attempt->purpose == Attempt::Purpose::Joining) {
    if (const Party* by = call.party(call.attempt->by)) return by;
  }
  for (const Party& party : call.parties) {
    if (&party == &leg || !party.no) continue;
    if (call.attempt->purpose != Attempt::Purpose::Transfer || party.no != call.attempt->by) return &party;
  }
  return nullptr;
}

void order_invite(Core& core, const Call& call, const Party& leg, const Calling& how) {
  const Party* caller = shown_caller(call, leg);
  core.order(call, leg.no, [&](link::Command& command) {
    link::Invite& invite = *command.mutable_invite();
    invite.set_to(leg.name());
    if (!how.from.empty()) {  // somebody else's name is none of it
      invite.set_from(how.from);
      return;
    }
    if (caller != nullptr) invite.set_from(as_uri(core.settings(), caller->name()));
    if (!call.from_display.empty() && caller != nullptr && caller->role == tlib::RoleOrigination)
      invite.set_from_display(call.from_display);
  });
}

void order_originator(Core& core, const Call& call, const Party& originator) {
  core.order(call, originator.no, [&](link::Command& command) {
    link::Invite& invite = *command.mutable_invite();
    invite.set_to(originator.name());
    invite.set_from(as_uri(core.settings(), call.dialed));
    invite.set_auto_answer(true);
    invite.set_originator(true);
  });
}

// Somebody else than the DN that rings may have picked up: a colleague's phone, or one of our DNs behind a number
// dialed.
void settle_who_answered(Core& core, Call& call, const Attempt& attempt, Party& leg, const std::string& answerer) {
  if (answerer.empty() || call.unreported) return;
  Device* device = core.state.device(Dn(answerer));
  const std::string before = leg.name();
  if (device == nullptr) {
    if (leg.device != nullptr || before == answerer) return;
    leg.address = answerer;
    if (attempt.purpose == Attempt::Purpose::Joining)
      tell_replaced(core, call, answerer, leg.role, before, tlib::CallStateForwarded);
    return;
  }
  if (device == leg.device || !device->extension() || !device->in_service || call.party(device) != nullptr) return;
  if (leg.device != nullptr) {
    tell_released(
        core, call, leg,
        {.state = tlib::CallStateForwarded, .third_party = &device->dn.str(), .third_role = tlib::RoleDeletedBy});
  }
  core.state.move_party(call, leg, device);
  const tlib::KVList extensions = ringing_extensions(attempt);
  core.tell(call, leg, tlib::EventRinging, {.state = tlib::CallStateForwarded, .extensions = &extensions});
  if (attempt.purpose == Attempt::Purpose::Joining)
    tell_replaced(core, call, leg.name(), leg.role, before, tlib::CallStateForwarded);
}

// Its phone rings, or might as well (MMC-252).
void announce(Core& core, Call& call, const Attempt& attempt, Party& leg, Asker asker = {}) {
  leg.unannounced = false;
  const tlib::KVList extensions = ringing_extensions(attempt);
  core.tell(call, leg, tlib::EventRinging, {.state = attempt.ringing, .extensions = &extensions}, asker);
}

// Only an accepted call counts as routed (MMC-163).
void leave_routing_point(Core& core, Call& call, const Attempt& attempt, const Party& leg) {
  routing_stops_treatment(core, call, true);
  Party* rp = call.routing_point();
  if (attempt.asker) core.settle(attempt.asker);
  core.tell(call, *rp, tlib::EventRouteUsed,
            {.third_party = &leg.name(), .third_role = tlib::RoleDestination, .reasons = &attempt.reasons},
            attempt.asker);
  core.tell(call, *rp, tlib::EventDiverted,
            {.third_party = &leg.name(), .third_role = call.conference() ? leg.role : tlib::RoleDestination});
  tell_replaced(core, call, leg.name(), leg.role, rp->name(), tlib::CallStateRedirected);
  core.state.remove_party(call, *rp);
}

void connect(Core& core, Call& call, Party& leg, bool destination_first) {
  leg.state = PartyState::Connected;
  Party* caller = call.dialing();
  if (caller == nullptr) {
    const bool member = leg.role == tlib::RoleConferenceMember;
    tell_established(core, call, leg, {.state = member ? tlib::CallStateConferenced : tlib::CallStateOk});
    return;
  }
  if (caller->leg == LegState::Offered) core.admit(call, *caller, link::Admit::ANSWER);
  caller->leg = LegState::Up;
  caller->state = PartyState::Connected;
  tell_established(core, call, destination_first ? leg : *caller);
  tell_established(core, call, destination_first ? *caller : leg);
  tell_early_hold(core, call, *caller);
}

void back_to_routing_point(Core& core, Call& call, const Attempt& attempt, Party& leg, const Missed& why) {
  if (attempt.asker) {
    core.settle(attempt.asker);
    core.refuse(attempt.asker, {why.code, why.text}, call.routing_point()->name(), &call);
  }
  tell_released(core, call, leg, {.state = why.state, .reasons = why.reasons}, why.asker);
  core.log(LogLevel::Interaction, call, leg.name(), "not reached, call waits for another instruction: " + why.text);
  Device* const silent = why.withdraw && why.code == tlib::TERR_DN_NO_ANSWER ? leg.device : nullptr;
  core.state.remove_party(call, leg);
  if (silent != nullptr) agent_no_answer(core, *silent, attempt.no_answer_action);
  wait_for_instruction(core, call);
}

// A further party of a call that is up did not come.
void not_joined(Core& core, Call& call, Party& leg, const Missed& why) {
  if (!goes_on_without(call, leg)) {
    end_call(core, call, {.leaver = &leg, .asker = why.asker, .reasons = why.reasons, .state = why.state});
    return;
  }
  tell_released(core, call, leg, {.state = why.state, .reasons = why.reasons}, why.asker);
  core.log(LogLevel::Interaction, call, leg.name(), "not reached: " + why.text);
  const std::string name = leg.name();
  core.state.remove_party(call, leg);
  tell_deleted(core, call, name, name, why.reasons);
  topology_changed(core, call);
}

void on_alerting(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  if (call == nullptr || !call->attempt || call->attempt->leg.value != happening.party()) return;
  Attempt& attempt = *call->attempt;
  const bool first = !attempt.heard;
  attempt.heard = true;
  if (attempt.no_answer_timer) core.cancel_timer(attempt.joining_timer);  // it rings: the time to accept decides
  const Party* caller = call->dialing();
  Party* leg = call->party(attempt.leg);
  leg->can_answer = leg->can_answer.value_or(false) || happening.alerting().talk();
  if (leg->unannounced) announce(core, *call, attempt, *leg);
  // A caller whom a DN of ours rings was told so when the invitation left.
  if (first && attempt.purpose == Attempt::Purpose::Direct && leg->device == nullptr && caller != nullptr &&
      caller->leg == LegState::Offered) {
    core.admit(*call, *caller, link::Admit::RINGING);
  }
}

void on_answered(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  if (call == nullptr || !call->attempt || call->attempt->leg.value != happening.party()) return;
  attempt_answered(core, *call, happening.answered());
}

void on_failed(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  if (call == nullptr || !call->attempt || call->attempt->leg.value != happening.party()) return;
  const link::Failed& failed = happening.failed();
  attempt_missed(core, *call, missed(failed.status(), failed.reason()), &failed);
}

// An invited party that has not joined in time: 232 if it was at least heard of, 236 if the Connector said nothing at
// all.
void on_joining_timer(Core& core, const TimerKey& key) {
  Call* call = core.state.call(ConnId{key.subject});
  if (call == nullptr || !call->attempt || call->attempt->joining_timer != key) return;
  if (outcome_unknown(core, *call, key)) return;
  call->attempt->joining_timer.reset();
  const bool heard = call->attempt->heard;
  attempt_missed(core, *call, missed_in_time(heard));
}

}  // namespace

bool outcome_unknown(Core& core, const Call& call, const TimerKey& timer) {
  if (core.state.link_of(call).up) return false;
  core.restore_timer(timer, core.now.steady + kLookAgain);
  return true;
}

void start_attempt(Core& core, Call& call, Attempt attempt, const Destination& destination, tlib::TCallState ringing,
                   Asker asker) {
  Party party;
  party.no = PartyNo{core.state.identity.next_link_id()};
  party.device = destination.device;
  party.address = destination.address;
  party.role = call.conference() ? tlib::RoleConferenceMember : tlib::RoleDestination;
  party.state = PartyState::Alerting;
  party.leg = LegState::Inviting;
  if (const Party* rp = call.routing_point()) party.queue = rp->name();
  if (attempt.purpose == Attempt::Purpose::Transfer) {  // it takes over what the other one is in the call
    const Party* by = call.party(attempt.by);
    party.role = by->role;
    party.queue = by->queue;
    party.in_place_of = attempt.by;
  }
  Party& leg = core.state.add_party(call, std::move(party));
  attempt.leg = leg.no;
  attempt.heard = false;
  attempt.ringing = ringing;
  attempt.tried.push_back(leg.name());
  call.attempt = std::move(attempt);
  const Calling how = calling(core, call, *call.attempt, leg.name());
  call.attempt->back_to_back = how.back_to_back;
  order_invite(core, call, leg, how);
  start_timers(core, call, leg);
  leg.unannounced = leg.device != nullptr && core.settings().ringing_when_alerting;
  if (leg.device != nullptr) {
    if (!leg.unannounced) announce(core, call, *call.attempt, leg, asker);
  } else if (const Party* caller = call.dialing();
             caller != nullptr && call.attempt->purpose == Attempt::Purpose::Direct) {
    core.tell(call, *caller, tlib::EventNetworkReached);
  }
  core.log(LogLevel::Trace, call, leg.name(), "invited");
}

void start_originator(Core& core, Call& call, Party& originator, Attempt attempt) {
  attempt.purpose = Attempt::Purpose::Originator;
  attempt.leg = originator.no;
  attempt.tried.push_back(originator.name());
  call.attempt = std::move(attempt);
  order_originator(core, call, originator);
  start_timers(core, call, originator);
}

void repeat_attempt(Core& core, Call& call) {
  const Party& leg = *call.party(call.attempt->leg);
  if (call.attempt->purpose == Attempt::Purpose::Originator) return order_originator(core, call, leg);
  order_invite(core, call, leg, calling(core, call, *call.attempt, leg.name()));
}

void resume_attempt(Core& core, Call& call, const Party& leg, Attempt::Purpose purpose) {
  Attempt attempt;
  attempt.purpose = purpose;
  attempt.leg = leg.no;
  attempt.heard = true;
  attempt.tried.push_back(leg.name());
  call.attempt = std::move(attempt);
  start_timers(core, call, leg);
}

Attempt end_attempt(Core& core, Call& call) {
  core.cancel_timer(call.attempt->no_answer_timer);
  core.cancel_timer(call.attempt->joining_timer);
  Attempt attempt = std::move(*call.attempt);
  call.attempt.reset();
  return attempt;
}

void move_attempt(Core& core, Attempt attempt, Call& into) {
  into.attempt = std::move(attempt);
  if (into.attempt->purpose == Attempt::Purpose::Direct) into.attempt->purpose = Attempt::Purpose::Joining;
  start_timers(core, into, *into.party(into.attempt->leg));
}

void withdraw_attempt(Core& core, Call& call, const Refusal& why) {
  const Attempt attempt = end_attempt(core, call);
  Party& leg = *call.party(attempt.leg);
  core.remove(call, leg.no, 480);
  give_up_awaited(core, call, leg);
  core.tell(call, leg, tlib::EventAbandoned);
  const Party* by = attempt.purpose == Attempt::Purpose::Routed ? call.routing_point() : call.party(attempt.by);
  core.state.remove_party(call, leg);
  if (!attempt.asker) return;
  core.settle(attempt.asker);
  core.refuse(attempt.asker, why, by != nullptr ? by->name() : "", &call);
}

void attempt_answered(Core& core, Call& call, const link::Answered& answered) {
  const Attempt attempt = end_attempt(core, call);
  Party& leg = *call.party(attempt.leg);
  leg.leg = LegState::Up;
  leg.call_id = answered.call_id();
  if (attempt.purpose == Attempt::Purpose::Originator) {
    core.log(LogLevel::Trace, call, leg.name(), "originator answered");
    call_target(core, call, attempt);
    return;
  }
  if (leg.unannounced) announce(core, call, attempt, leg);
  settle_who_answered(core, call, attempt, leg, answered.dn());
  if (attempt.purpose == Attempt::Purpose::Transfer) {
    transfer_answered(core, call, attempt, leg);
    return;
  }
  const bool routed = attempt.purpose == Attempt::Purpose::Routed;
  if (routed) leave_routing_point(core, call, attempt, leg);
  core.log(LogLevel::Interaction, call, leg.name(), "answered");
  const bool was_up = call.dialing() == nullptr;
  connect(core, call, leg, routed);
  if (was_up) {
    topology_changed(core, call);
  } else {
    release_pass_through(core, call);
  }
}

void attempt_missed(Core& core, Call& call, const Missed& why, const link::Failed* redirect) {
  Attempt attempt = end_attempt(core, call);
  Party& leg = *call.party(attempt.leg);
  if (why.withdraw) core.remove(call, leg.no, why.status);
  if (attempt.purpose == Attempt::Purpose::Originator) {
    end_call(core, call, {.leaver = &leg, .state = why.state, .order = false});
    return;
  }
  if (!why.withdraw && forward(core, call, attempt, leg, redirect)) return;
  if (attempt.purpose == Attempt::Purpose::Routed) {
    back_to_routing_point(core, call, attempt, leg, why);
  } else if (attempt.purpose == Attempt::Purpose::Transfer) {
    transfer_missed(core, call, attempt, leg, why);
  } else if (attempt.purpose == Attempt::Purpose::Joining) {
    not_joined(core, call, leg, why);
  } else {
    fail_call(core, call, &leg, why);
  }
}

void register_attempts(Table& table) {
  table.makes({tlib::EventRinging, tlib::EventEstablished, tlib::EventNetworkReached, tlib::EventDestinationBusy});
  table.on(link::Happening::kAlerting, on_alerting);
  table.on(link::Happening::kAnswered, on_answered);
  table.on(link::Happening::kFailed, on_failed);
  table.on(TimerKind::Joining, on_joining_timer);
}

}  // namespace tandem::tserver
