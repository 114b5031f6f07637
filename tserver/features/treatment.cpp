// RequestApplyTreatment: a treatment is asked of the Connector, begins (EventTreatmentApplied) or doesn't
// (EventTreatmentNotApplied), and one that has an end ends (EventTreatmentEnd).
#include "tserver/features/treatment.h"

#include <algorithm>

#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/hold.h"
#include "tserver/features/party_events.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/treatment_parameters.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

// Who hears it: the caller, or who else waits where the caller left.
Party* listener(Call& call) {
  if (Party* caller = call.originator(); caller != nullptr && caller->leg != LegState::None) return caller;
  const auto it = std::find_if(call.parties.begin(), call.parties.end(), [](const Party& party) {
    return party.leg == LegState::Up || party.leg == LegState::Offered;
  });
  return it == call.parties.end() ? nullptr : &*it;
}

Event treatment_event(Core& core, const Call& call, const Party& rp, tlib::MessageType type, tlib::TTreatmentType what,
                      const tlib::KVList* extensions = nullptr) {
  Event event = new_party_event(core.now, type, call, rp, {.extensions = extensions});
  event->set_treatmenttype(what);
  return event;
}

void tell_applied(Core& core, Call& call) {
  Treatment& treatment = *call.treatment;
  core.cancel_timer(treatment.deadline);
  treatment.applied = true;
  const Asker asker = std::exchange(treatment.asker, {});
  core.settle(asker);
  const Party& rp = *call.routing_point();
  core.tell(*rp.device, treatment_event(core, call, rp, tlib::EventTreatmentApplied, treatment.type), asker);
  core.log(LogLevel::Interaction, call, rp.name(), "treatment applied: " + tlib::TTreatmentType_Name(treatment.type));
  // Media has started: a caller of ours who was answered for it is connected.
  Party* caller = call.party(treatment.listener);
  if (!treatment.answers || caller == nullptr || caller->state != PartyState::Dialing) return;
  caller->state = PartyState::Connected;
  tell_established(core, call, *caller);
  tell_early_hold(core, call, *caller);
}

void tell_not_applied(Core& core, Call& call, tlib::TTreatmentType type, Asker asker, const Refusal& why) {
  const Party& rp = *call.routing_point();
  Event event = treatment_event(core, call, rp, tlib::EventTreatmentNotApplied, type);
  event->set_errorcode(why.code);
  event->set_errormessage(why.text);
  core.tell(*rp.device, std::move(event), asker);
  core.log(LogLevel::Interaction, call, rp.name(), "treatment not applied: " + why.text);
}

const char* completion(link::Played::Completion how) {
  if (how == link::Played::NORMAL) return "NORMAL";
  return how == link::Played::TIMEOUT ? "TIMEOUT" : "CANCELLED";
}

const char* interruption(link::Played::Interrupted how) {
  if (how == link::Played::KEYPAD) return "KEYPAD";
  return how == link::Played::VOICE ? "VOICE" : "NO";
}

void tell_end(Core& core, Call& call, const Treatment& treatment, const link::Played& played) {
  tlib::KVList results;
  kv_add(results, "COMPLETION_STATUS", completion(played.completion()));
  if (treatment.prompts) kv_add(results, "INTERRUPTED", interruption(played.interrupted()));
  if (treatment.verifies) kv_add(results, "VERIFICATION_STATUS", played.verified() ? "1" : "0");
  if (!played.recording().empty()) kv_add(results, "USER_ANN_ID", played.recording());
  const Party& rp = *call.routing_point();
  Event event = treatment_event(core, call, rp, tlib::EventTreatmentEnd, treatment.type, &results);
  if (treatment.collects) event->set_collecteddigits(played.digits());
  if (!played.last_digit().empty()) event->set_lastcollecteddigit(played.last_digit());
  if (played.completion() == link::Played::FAILED) {
    event->set_errorcode(tlib::TERR_INV_TONE_TREATMENT);
    event->set_errormessage(played.text().empty() ? "the treatment could not be played" : played.text());
  }
  core.tell(*rp.device, std::move(event));
  core.log(LogLevel::Interaction, call, rp.name(),
           "treatment ended: " + tlib::TTreatmentType_Name(treatment.type) + " " + completion(played.completion()));
}

link::Played cancelled() {
  link::Played played;
  played.set_completion(link::Played::CANCELLED);
  return played;
}

// It runs and is to end now.
void end_cancelled(Core& core, Call& call) {
  const Treatment treatment = std::move(*call.treatment);
  call.treatment.reset();
  if (treatment.ends) tell_end(core, call, treatment, cancelled());
}

std::optional<Refusal> check_apply(Core& core, const Request& request, const OnCall& on) {
  const tlib::Message& message = request.message;
  if (on.party->state != PartyState::Queued)
    return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "ThisDN is not a Routing Point");
  if (!message.has_treatmenttype()) return refusal(tlib::TERR_INVALID_ATTR, "TreatmentType is missing");
  if (!treatment_served(message.treatmenttype()))
    return refusal(tlib::TERR_UNSUP_OPER, "the treatment type is not served");
  if (on.call->attempt) return refusal(tlib::TERR_OTHER_TEL_OPER, "the call is being routed");
  if (on.call->treatment && !on.call->treatment->applied)
    return refusal(tlib::TERR_OTHER_TEL_OPER, "another treatment is being applied");
  if (const auto why = too_many_outstanding(core, request)) return *why;
  return std::nullopt;
}

// Voice applications are those of other servers; a router is told what the switch is configured to say.
std::optional<Refusal> play_application(Core& core, Request& request, Call& call) {
  const tlib::TTreatmentType type = tlib::TreatmentPlayApplication;
  if (!core.settings().accept_applications) {
    tell_not_applied(core, call, type, request.asker(),
                     refusal(tlib::TERR_UNSUP_OPER, "voice applications are not served"));
    return std::nullopt;
  }
  const Party& rp = *call.routing_point();
  core.tell(*rp.device, treatment_event(core, call, rp, tlib::EventTreatmentApplied, type), request.asker());
  link::Played played;
  tell_end(core, call, {.type = type}, played);
  return std::nullopt;
}

void order_play(Core& core, const Call& call, Treatment& treatment) {
  core.order(call, treatment.listener, [&](link::Command& command) { *command.mutable_play() = *treatment.play; });
  treatment.command = core.state.link_of(call).last_command;
}

std::optional<Refusal> apply_treatment(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  if (const auto why = check_apply(core, request, *on)) return why;
  Call& call = *on->call;
  const tlib::TTreatmentType type = request.message.treatmenttype();
  if (type == tlib::TreatmentPlayApplication) return play_application(core, request, call);
  auto play = play_of(type, request.message.treatmentparms());
  if (!play) return play.error();
  Party* caller = listener(call);
  if (caller == nullptr) return refusal(tlib::TERR_NO_CALL, "nobody waits in the call");

  if (call.treatment) end_cancelled(core, call);
  core.cancel_timer(call.router_timer);  // an instruction has come
  const bool answers = core.settings().treatment_answers(type);
  if (answers && caller->leg == LegState::Offered) {
    core.admit(call, *caller, link::Admit::ANSWER);
    caller->leg = LegState::Up;
  }
  core.hold(request.asker());
  Treatment treatment;
  treatment.type = type;
  treatment.listener = caller->no;
  treatment.ends = treatment_ends(*play);
  treatment.answers = answers;
  treatment.prompts = play->prompts_size() > 0;
  treatment.collects = play->has_collect();
  treatment.verifies = !play->collect().verify().empty();
  treatment.asker = request.asker();
  treatment.play = std::make_shared<const link::Play>(std::move(*play));
  order_play(core, call, treatment);
  treatment.deadline =
      core.set_timer(TimerKind::Treatment, call.id.value, ++call.generation, core.settings().request_timeout);
  call.treatment = std::move(treatment);
  core.log(LogLevel::Trace, call, on->device->dn.str(), "treatment " + tlib::TTreatmentType_Name(type));
  return std::nullopt;
}

void stop(Core& core, Call& call) {
  core.order(call, call.treatment->listener, [](link::Command& command) { command.mutable_stop(); });
}

// It never began: the asker is told.
void give_up(Core& core, Call& call, const Refusal& why, bool as_error) {
  const Treatment treatment = std::move(*call.treatment);
  call.treatment.reset();
  std::optional<TimerKey> deadline = treatment.deadline;
  core.cancel_timer(deadline);
  core.settle(treatment.asker);
  if (as_error) {
    core.refuse(treatment.asker, why, call.routing_point()->name(), &call);
  } else {
    tell_not_applied(core, call, treatment.type, treatment.asker, why);
  }
}

Refusal failure(const link::CommandFailed& failed) {
  const std::string text = "the Connector could not play it: " + failed.text();
  switch (failed.code()) {
    case link::CommandFailed::BAD_ADDRESS:
      return {tlib::TERR_BAD_PARAM, text};
    case link::CommandFailed::NO_RESOURCES:
      return {tlib::TERR_RES_UNAVAIL, text};
    case link::CommandFailed::NOT_SUPPORTED:
      return {tlib::TERR_UNSUP_OPER, text};
    case link::CommandFailed::WRONG_STATE:
      return {tlib::TERR_INV_CALL_STATE, text};
    default:
      return {tlib::TERR_INV_TONE_TREATMENT, text};
  }
}

Call* find_treated(CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  if (call == nullptr || !call->treatment) return nullptr;
  // A Connector that lost its link, or was taken over, doesn't know the command's number any more.
  const bool by_party = happening.command() == 0 && call->treatment->listener == PartyNo{happening.party()};
  return by_party || call->treatment->command == happening.command() ? call : nullptr;
}

void on_playing(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_treated(link, happening);
  if (call != nullptr && !call->treatment->applied) tell_applied(core, *call);
}

void on_played(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_treated(link, happening);
  if (call == nullptr) return;
  if (!call->treatment->applied) tell_applied(core, *call);
  const Treatment treatment = std::move(*call->treatment);
  call->treatment.reset();
  tell_end(core, *call, treatment, happening.played());
  if (!call->attempt) wait_for_instruction(core, *call);
}

void on_deadline(Core& core, const TimerKey& key) {
  Call* call = core.state.call(ConnId{key.subject});
  if (call == nullptr || !call->treatment || call->treatment->deadline != key) return;
  call->treatment->deadline.reset();
  stop(core, *call);
  give_up(core, *call, {tlib::TERR_TIMEOUT_PRF_OP, "the Connector gave no answer in time"}, true);
  wait_for_instruction(core, *call);
}

}  // namespace

void routing_stops_treatment(Core& core, Call& call, bool answered) {
  if (!call.treatment) return;
  if (!answered && call.treatment->applied && call.routing_point()->device->settings.treatments_continuous) return;
  stop(core, call);
  drop_treatment(core, call);
}

void drop_treatment(Core& core, Call& call) {
  if (!call.treatment) return;
  if (call.treatment->applied) {
    end_cancelled(core, call);
  } else {
    give_up(core, call, {tlib::TERR_NO_CALL, "the call left before the treatment began"}, true);
  }
}

bool treatment_failed(Core& core, Call& call, const link::Happening& happening) {
  if (!call.treatment || call.treatment->command != happening.command()) return false;
  if (call.treatment->applied) {
    end_cancelled(core, call);
  } else {
    give_up(core, call, failure(happening.command_failed()), false);
  }
  if (!call.attempt) wait_for_instruction(core, call);
  return true;
}

void treatment_lost(Core& core, Call& call) {
  if (!call.treatment) return;
  if (call.treatment->applied) {
    end_cancelled(core, call);
  } else {
    give_up(core, call, {tlib::TERR_INV_TONE_TREATMENT, "the treatment was lost with the Connector's link"}, false);
  }
  if (!call.attempt) wait_for_instruction(core, call);
}

void move_treatment(Core& core, Call& from, Call& to) {
  if (!from.treatment) return;
  to.treatment = std::move(from.treatment);
  from.treatment.reset();
  if (!to.treatment->deadline) return;
  core.cancel_timer(to.treatment->deadline);
  to.treatment->deadline =
      core.set_timer(TimerKind::Treatment, to.id.value, ++to.generation, core.settings().request_timeout);
}

void hand_over_treatment(Core& core, Call& call) {
  if (!call.treatment || call.party(call.treatment->listener) != nullptr) return;
  Party* next = call.routing_point() != nullptr ? listener(call) : nullptr;
  if (next == nullptr) {
    drop_treatment(core, call);
    return;
  }
  call.treatment->listener = next->no;
  order_play(core, call, *call.treatment);
  core.log(LogLevel::Trace, call, next->name(), "hears the treatment from now on");
}

void register_treatment(Table& table) {
  table.serve(tlib::RequestApplyTreatment, apply_treatment);
  table.makes({tlib::EventTreatmentApplied, tlib::EventTreatmentNotApplied, tlib::EventTreatmentEnd});
  table.on(link::Happening::kPlaying, on_playing);
  table.on(link::Happening::kPlayed, on_played);
  table.on(TimerKind::Treatment, on_deadline);
}

}  // namespace tandem::tserver
