#include "tserver/features/make_call.h"

#include <algorithm>

#include "tserver/features/attempt.h"
#include "tserver/features/calling.h"
#include "tserver/features/checks.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/user_data.h"
#include "tserver/model/kv.h"
#include "tserver/model/placement.h"

namespace tandem::tserver {
namespace {

// A leg of ThisDN that only holds can take part in the new call: its phone need not ring a second time.
struct Idle {
  Call* call = nullptr;
  Party* party = nullptr;
};

Idle idle_leg(Core& core, Device& device) {
  for (Call* call : device.calls) {
    Party* party = call->party(&device);
    const auto at_phone = [&](Call* each) { return each->party(party->no)->held_by_phone; };
    if (party->state != PartyState::Held || !core.state.link_of(*call).up) continue;
    const auto calls = core.state.memberships(*call, *party);
    if (std::none_of(calls.begin(), calls.end(), at_phone)) return {call, party};
  }
  return {};
}

// Something of its own that isn't decided yet.
bool pending(const Device& device) {
  return std::any_of(device.calls.begin(), device.calls.end(), [&](Call* call) {
    return call->attempt && call->attempt->asker && call->attempt->by && call->party(&device) != nullptr &&
           call->attempt->by == call->party(&device)->no;
  });
}

std::optional<Refusal> make_call(Core& core, Request& request) {
  const auto device = check_device(core, request);
  if (!device) return device.error();
  Device& dn = **device;
  tlib::Message& message = request.message;
  if (!dn.extension()) return refusal(tlib::TERR_INV_CALL_DN, "ThisDN makes no calls");
  if (!message.location().empty()) return refusal(tlib::TERR_UNSUP_OPER, "other locations are not served");
  if (message.makecalltype() != tlib::MakeCallRegular)
    return refusal(tlib::TERR_UNSUP_OPER, "only regular calls are made");
  if (kv_flag(message.extensions(), "chat").value_or(false))
    return refusal(tlib::TERR_UNSUP_OPER, "message calls are not served");
  if (std::any_of(dn.calls.begin(), dn.calls.end(),
                  [&](Call* call) { return call->party(&dn)->state != PartyState::Held; }))
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN has an active call");
  if (pending(dn)) return refusal(tlib::TERR_OTHER_TEL_OPER, "another request of ThisDN is being carried out");
  if (core.state.calls.size() >= core.settings().max_calls)
    return refusal(tlib::TERR_TOO_MANY_REQ, "too many calls are active");
  const auto destination = find_destination(core, dn.settings.pool, message.otherdn(), tlib::TERR_INV_CALD_DN);
  if (!destination) return destination.error();
  if (destination->device == &dn) return refusal(tlib::TERR_INV_CALD_DN, "ThisDN can't call itself");
  if (kv_bytes(message.userdata()) > core.settings().user_data_limit) {
    return refusal(tlib::TERR_INVALID_ATTR, "user data exceeds user-data-limit");
  }
  Attempt attempt;
  if (auto why = read_calling(message, attempt)) return why;
  const auto link = place(core.state, dn, core.now.steady);
  if (!link) return refusal(tlib::TERR_OUT_OF_SERVICE, "no Connector serves ThisDN");

  const Idle idle = idle_leg(core, dn);
  Call& call = new_outgoing_call(core, idle.call != nullptr ? idle.call->link : *link, dn, *destination, idle.party);
  call.user_data.Swap(message.mutable_userdata());
  Party& originator = call.parties.front();
  core.log(LogLevel::Interaction, call, dn.dn.str(), "calls " + call.dialed);
  core.tell(call, originator, tlib::EventDialing, {.reasons = &message.reasons()}, request.asker());
  if (idle.call != nullptr) {
    order_join(core, *idle.call, call, originator.no);
    order_tag(core, call);
    attempt.target = destination->name();
    call_target(core, call, attempt);
    return std::nullopt;
  }
  attempt.target = destination->name();
  start_originator(core, call, originator, std::move(attempt));
  order_tag(core, call);
  return std::nullopt;
}

}  // namespace

Call& new_outgoing_call(Core& core, LinkNo link, Device& device, const Destination& destination, const Party* leg) {
  const ConversationNo conversation{core.state.identity.next_link_id()};
  Call& call = core.state.create_call(link, conversation);
  call.conversation_id = to_string(conversation) + "-Genesys";
  call.type = destination.device != nullptr ? tlib::CallTypeInternal : tlib::CallTypeOutbound;
  call.dialed = destination.name();
  Party party;
  party.no = leg != nullptr ? leg->no : PartyNo{core.state.identity.next_link_id()};
  party.device = &device;
  party.role = tlib::RoleOrigination;
  party.state = PartyState::Dialing;
  party.leg = leg != nullptr ? LegState::Up : LegState::Inviting;
  if (leg != nullptr) {
    party.call_id = leg->call_id;
    party.muted = leg->muted;  // the leg's, wherever it takes part
  }
  core.state.add_party(call, std::move(party));
  return call;
}

void order_join(Core& core, const Call& from, const Call& call, PartyNo leg) {
  core.order(from, leg, [&](link::Command& command) { command.mutable_join()->set_to(call.conversation.value); });
}

void order_tag(Core& core, const Call& call) {
  core.order(call, {}, [&](link::Command& command) {
    command.mutable_tag()->set_conn_id(call.id.value);
    command.mutable_tag()->set_call_uuid(call.uuid);
  });
}

void call_target(Core& core, Call& call, const Attempt& asked) {
  const auto destination = find_destination(core, core.pool_of(call), asked.target, tlib::TERR_INV_CALD_DN);
  if (!destination) {  // it went away since the request
    fail_call(core, call, nullptr, missed(404, ""));
  } else if (destination->routes()) {
    queue_at(core, call, *destination->device);
  } else {
    Attempt attempt;
    attempt.asked_back_to_back = asked.asked_back_to_back;
    attempt.cpn = asked.cpn;
    start_attempt(core, call, std::move(attempt), *destination);
  }
}

void register_make_call(Table& table) {
  table.serve(tlib::RequestMakeCall, make_call);
  table.makes({tlib::EventDialing});
}

}  // namespace tandem::tserver
