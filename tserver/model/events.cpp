#include "tserver/model/events.h"

#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

// An instruction is asked of, and given to, the Routing Point as such: these two carry no ThisDNRole.
bool role_shown(tlib::MessageType type) {
  return type != tlib::EventRouteRequest && type != tlib::EventRouteUsed;
}

bool call_state_shown(tlib::MessageType type) {
  return type != tlib::EventRouteRequest && type != tlib::EventAttachedDataChanged &&
         type != tlib::EventCallInfoChanged && type != tlib::EventDTMFSent;
}

}  // namespace

Event new_event(Now now, tlib::MessageType type) {
  auto event = std::make_shared<tlib::Message>();
  event->set_type(type);
  event->set_timeinsecs(static_cast<std::int32_t>(now.wall.count() / 1000000));
  event->set_timeinusecs(static_cast<std::int32_t>(now.wall.count() % 1000000));
  return event;
}

Event new_call_event(Now now, tlib::MessageType type, const Call& call, const Details& details) {
  Event event = new_event(now, type);
  event->set_connid(call.id.value);
  event->set_calluuid(call.uuid);
  event->set_callid(call.call_id);
  event->set_calltype(call.type);
  event->set_mediatype(call.media);
  if (!call.ani.empty()) event->set_ani(call.ani);
  if (!call.dialed.empty()) event->set_dnis(call.dialed);
  if (!call.customer_id.empty()) event->set_customerid(call.customer_id);
  if (details.digits != nullptr) event->set_dtmfdigits(*details.digits);
  if (call_state_shown(type)) event->set_callstate(details.state);
  if (call.user_data.pairs_size() > 0 || type == tlib::EventAttachedDataChanged)
    *event->mutable_userdata() = call.user_data;
  kv_add(*event->mutable_extensions(), "Conversation-ID", call.conversation_id);
  if (!call.conference_address.uri.empty())
    kv_add(*event->mutable_extensions(), "ConferenceURI", call.conference_address.uri);
  if (details.extensions != nullptr) kv_attach(*event->mutable_extensions(), *details.extensions);
  if (const ConnId previous = details.previous ? details.previous : call.main)
    event->set_previousconnid(previous.value);
  if (details.third_party != nullptr) {
    event->set_thirdpartydn(*details.third_party);
    if (details.third_role != tlib::RoleUnknown) event->set_thirdpartydnrole(details.third_role);
  }
  if (details.reasons != nullptr && details.reasons->pairs_size() > 0) *event->mutable_reasons() = *details.reasons;
  return event;
}

Event new_party_event(Now now, tlib::MessageType type, const Call& call, const Party& self, const Details& details) {
  Event event = new_call_event(now, type, call, details);
  event->set_thisdn(self.name());
  if (role_shown(type)) event->set_thisdnrole(self.role);
  if (!self.queue.empty()) event->set_thisqueue(self.queue);
  if (details.other != nullptr) {
    event->set_otherdn(*details.other);
    if (details.other_role != tlib::RoleUnknown) event->set_otherdnrole(details.other_role);
  } else if (details.no_other) {
  } else if (const Party* other = call.other(self)) {
    event->set_otherdn(other->name());
    event->set_otherdnrole(other->role);
  } else if (self.role == tlib::RoleOrigination && !call.dialed.empty() && call.others(self) == 0) {
    event->set_otherdn(call.dialed);
    event->set_otherdnrole(tlib::RoleDestination);
  }
  return event;
}

std::int32_t party_bits(const Party& party) {
  switch (party.state) {
    case PartyState::Dialing:
      return tlib::PartyStateConnected | tlib::PartyStateDialing;
    case PartyState::Queued:
      return tlib::PartyStateQueued | tlib::PartyStateRouting;
    case PartyState::Alerting:
      return tlib::PartyStateAlerting;
    case PartyState::Connected:
      return tlib::PartyStateConnected;
    case PartyState::Held:
      return tlib::PartyStateHeld;
  }
  return tlib::PartyStateNull;
}

void add_snapshot(tlib::Message& event, const Device& device) {
  tlib::KVList& extensions = *event.mutable_extensions();
  kv_add(extensions, "status", device.in_service ? 1 : 0);
  int n = 0;
  for (Call* call : device.calls) {
    const std::string suffix = std::to_string(n++);
    kv_add(extensions, "conn-" + suffix, to_string(call->id));
    if (!device.extension()) continue;  // a queue's snapshot counts its calls, no more
    const Party* party = call->party(&device);
    kv_add(extensions, "ps-" + suffix, party_bits(*party));
    kv_add(extensions, "ct-" + suffix, static_cast<std::int32_t>(call->type));
    kv_add(extensions, "mt-" + suffix, static_cast<std::int32_t>(call->media));
  }
  if (!device.extension()) return;
  kv_add(extensions, "AgentStatus", agent_status(device.agent.get()));
  if (device.agent != nullptr) {
    event.set_agentid(device.agent->id);
    event.set_agentworkmode(device.agent->state.mode);
  }
  kv_add(extensions, "dnd", device.dnd ? 1 : 0);
  kv_add(extensions, "fwd", 0);
  kv_add(extensions, "mwl", 0);
  kv_add(extensions, "PresenceType", "local");
}

}  // namespace tandem::tserver
