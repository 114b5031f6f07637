// Parties that leave: by request, by the phone, or because the Connector could not do as told.
#include "tserver/features/attempt.h"
#include "tserver/features/awaited.h"
#include "tserver/features/checks.h"
#include "tserver/features/conference_address.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/leaving.h"
#include "tserver/features/lobby.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {
namespace {

Result<OnCall, Refusal> check_release(Core& core, const Request& request) {
  auto on = check_call(core, request);
  if (!on) return on;
  if (on->party->state == PartyState::Queued) {
    return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "a Routing Point releases calls by RequestRouteCall");
  }
  return on;
}

// Who rings rejects the call.
void refuse_call(Core& core, Call& call, const Request& request) {
  Missed why = missed(603, "");
  why.text = "the destination rejected the call";
  why.withdraw = true;
  why.asker = request.asker();
  why.reasons = &request.message.reasons();
  attempt_missed(core, call, why);
}

// Somebody rings in a call that others are in: the call isn't theirs to clear.
bool rings_beside(const Call& call, const Party& party) {
  return call.invites(party) &&
         (call.attempt->purpose == Attempt::Purpose::Transfer || call.attempt->purpose == Attempt::Purpose::Joining);
}

std::optional<Refusal> release_call(Core& core, Request& request) {
  const auto on = check_release(core, request);
  if (!on) return on.error();
  core.log(LogLevel::Interaction, *on->call, on->party->name(), "releases");
  if (on->party->state == PartyState::Alerting) {
    refuse_call(core, *on->call, request);
  } else {
    leave_call(core, *on->call, *on->party, {.asker = request.asker(), .reasons = &request.message.reasons()});
  }
  return std::nullopt;
}

std::optional<Refusal> clear_call(Core& core, Request& request) {
  const auto on = check_release(core, request);
  if (!on) return on.error();
  core.log(LogLevel::Interaction, *on->call, on->party->name(), "clears the call");
  if (rings_beside(*on->call, *on->party)) {
    refuse_call(core, *on->call, request);
    return std::nullopt;
  }
  end_call(core, *on->call, {.leaver = on->party, .asker = request.asker(), .reasons = &request.message.reasons()});
  return std::nullopt;
}

// The leg is gone on the Connector already, wherever it took part.
void party_left(Core& core, Call& call, Party& party, tlib::TCallState state) {
  if (party.state == PartyState::Alerting || (call.invites(party) && party.leg == LegState::Inviting)) {
    attempt_missed(core, call, missed(480, ""));
    return;
  }
  leg_left(core, call, party, {.state = state, .order = false});
}

void on_left(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  if (call != nullptr && guest_left(core, *call, PartyNo{happening.party()})) return;
  Party* party = call != nullptr ? call->party(PartyNo{happening.party()}) : nullptr;
  if (party == nullptr) return;  // it was removed by us, or is long gone
  core.log(LogLevel::Interaction, *call, party->name(), "left: " + link::Left::Cause_Name(happening.left().cause()));
  const bool lost = happening.left().cause() == link::Left::TRANSPORT_FAILED;
  party_left(core, *call, *party, lost ? tlib::CallStateSystemError : tlib::CallStateOk);
}

Missed command_missed(const link::CommandFailed& failed) {
  switch (failed.code()) {
    case link::CommandFailed::BAD_ADDRESS:
      return {tlib::TERR_INV_DEST_DN, tlib::CallStateSitInvalidnum, 404,
              "the destination is no address: " + failed.text()};
    case link::CommandFailed::NO_RESOURCES:
      return {tlib::TERR_RES_UNAVAIL, tlib::CallStateAllTrunksBusy, 503,
              "the Connector has no resources: " + failed.text()};
    default:
      return {tlib::TERR_CONN_ATTEMPT_FAILED, tlib::CallStateGeneralError, 500,
              "the Connector could not: " + failed.text()};
  }
}

// What was to become part of a conversation that had just ended is there still, and nobody's.
void target_missing(Core& core, CtiLink& link, ConversationNo from, ConversationNo missing) {
  if (!link.conversations.contains(from))
    core.order(link, from, {}, [](link::Command& command) { command.mutable_release(); });
  if (const auto known = link.conversations.find(missing); known != link.conversations.end())
    end_call(core, *known->second, {.state = tlib::CallStateSystemError, .order = false});
}

void on_command_failed(Core& core, CtiLink& link, const link::Happening& happening) {
  if (awaited_failed(core, link, happening)) return;
  if (const ConversationNo missing{happening.command_failed().missing()})
    return target_missing(core, link, ConversationNo{happening.conversation()}, missing);
  Call* call = find_call(link, happening);
  if (call == nullptr) return;
  const link::CommandFailed& failed = happening.command_failed();
  if (failed.code() != link::CommandFailed::NO_SUCH_CONVERSATION && treatment_failed(core, *call, happening)) return;
  if (failed.code() != link::CommandFailed::NO_SUCH_CONVERSATION && conference_address_failed(core, *call, happening))
    return;
  Party* party = call->party(PartyNo{happening.party()});
  core.log(LogLevel::Standard, *call, party != nullptr ? party->name() : "",
           "the Connector failed a command: " + link::CommandFailed::Code_Name(failed.code()) + " " + failed.text());
  if (failed.code() == link::CommandFailed::NO_SUCH_CONVERSATION) {
    if (ConversationNo{happening.conversation()} != call->conversation) {
      // One that has become part of this one meanwhile, and has ended or never began: who was in it has left already.
      if (party != nullptr && call->invites(*party)) attempt_missed(core, *call, command_missed(failed));
      return;
    }
    end_call(core, *call, {.state = tlib::CallStateSystemError, .order = false});
  } else if (party != nullptr && call->invites(*party)) {
    attempt_missed(core, *call, command_missed(failed));
  } else if (party != nullptr && failed.code() == link::CommandFailed::NO_SUCH_PARTY) {
    party_left(core, *call, *party, tlib::CallStateOk);
  }
}

}  // namespace

void register_release(Table& table) {
  table.serve(tlib::RequestReleaseCall, release_call);
  table.serve(tlib::RequestClearCall, clear_call);
  table.makes({tlib::EventReleased});
  table.on(link::Happening::kLeft, on_left);
  table.on(link::Happening::kCommandFailed, on_command_failed);
}

}  // namespace tandem::tserver
