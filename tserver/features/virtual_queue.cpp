#include "tserver/features/virtual_queue.h"

#include <algorithm>

#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxPlaces = 100;  // of one call

auto place_in(std::vector<VirtualPlace>& places, const Dn& queue) {
  return std::find_if(places.begin(), places.end(), [&](const VirtualPlace& place) { return place.queue == queue; });
}

bool ends_stay(std::int32_t type) {
  return type == tlib::EventDiverted || type == tlib::EventAbandoned;
}

void leave(Core& core, ConnId call, const Dn& queue) {
  core.state.touched.call(call);
  auto& queues = core.state.virtual_queues;
  const auto it = queues.find(call);
  if (it == queues.end()) return;
  std::erase_if(it->second, [&](const VirtualPlace& place) { return place.queue == queue; });
  if (it->second.empty()) queues.erase(it);
}

void tell(Core& core, const Call& call, const Dn& queue, tlib::MessageType type, const Details& details) {
  const Device* device = core.state.device(queue);
  if (device == nullptr) return;
  Event event = new_call_event(core.now, type, call, details);
  event->set_thisdn(queue.str());
  event->set_thisdnrole(tlib::RoleDestination);
  event->set_thisqueue(queue.str());
  if (const Party* caller = call.originator()) {
    event->set_otherdn(caller->name());
    event->set_otherdnrole(caller->role);
  }
  core.tell(*device, std::move(event));
}

// What every event of the call tells, unless the application told it.
void fill_in(tlib::Message& event, const Call& call) {
  if (!event.has_calluuid()) event.set_calluuid(call.uuid);
  if (!event.has_callid()) event.set_callid(call.call_id);
  if (!event.has_calltype()) event.set_calltype(call.type);
  if (!event.has_mediatype()) event.set_mediatype(call.media);
  if (!event.has_ani() && !call.ani.empty()) event.set_ani(call.ani);
  if (!event.has_dnis() && !call.dialed.empty()) event.set_dnis(call.dialed);
  if (event.userdata().pairs_size() == 0 && call.user_data.pairs_size() > 0) *event.mutable_userdata() = call.user_data;
  if (kv_find(event.extensions(), "Conversation-ID") == nullptr)
    kv_add(*event.mutable_extensions(), "Conversation-ID", call.conversation_id);
  if (!event.has_previousconnid() && call.main) event.set_previousconnid(call.main.value);
  if (!event.has_thisqueue()) event.set_thisqueue(event.thisdn());
  if (!event.has_thisdnrole()) event.set_thisdnrole(tlib::RoleDestination);
  if (!event.has_otherdn()) {
    if (const Party* caller = call.originator()) {
      event.set_otherdn(caller->name());
      event.set_otherdnrole(caller->role);
    }
  }
}

}  // namespace

Result<bool, Refusal> virtual_queue_event(Core& core, const Device& queue, SessionId by, tlib::Message& event) {
  const ConnId id{event.connid()};
  const Call* call = id ? core.state.call(id) : nullptr;
  if (call == nullptr) return !(core.state.is_over(id) && ends_stay(event.type()));  // or a call of another site
  auto& queues = core.state.virtual_queues;
  if (event.type() == tlib::EventQueued) {
    std::vector<VirtualPlace>& places = queues[id];
    if (place_in(places, queue.dn) != places.end())
      return refusal(tlib::TERR_IN_SAME_STATE, "the call is in the queue already");
    if (places.size() >= kMaxPlaces) return refusal(tlib::TERR_TOO_MANY_REQ, "the call is in too many queues");
    places.push_back({queue.dn, by});
  } else if (ends_stay(event.type())) {
    const auto it = queues.find(id);
    if (it == queues.end() || place_in(it->second, queue.dn) == it->second.end())
      return refusal(tlib::TERR_INV_CALL_STATE, "the call is not in the queue");
    leave(core, id, queue.dn);
  }
  if (event.type() == tlib::EventPartyChanged) return false;  // when calls merge the server tells it
  fill_in(event, *call);
  core.log(LogLevel::Trace, *call, queue.dn.str(), tlib::MessageType_Name(event.type()) + " by an application");
  return true;
}

void leave_virtual_queues(Core& core, const Call& call) {
  auto& queues = core.state.virtual_queues;
  const auto it = queues.find(call.id);
  if (it == queues.end()) return;
  const std::vector<VirtualPlace> places = std::move(it->second);
  queues.erase(it);
  for (const VirtualPlace& place : places) tell(core, call, place.queue, tlib::EventAbandoned, {});
}

void move_virtual_queues(Core& core, const Call& from, const Call& into) {
  auto& queues = core.state.virtual_queues;
  const auto it = queues.find(from.id);
  if (it == queues.end()) return;
  const std::vector<VirtualPlace> places = std::move(it->second);
  queues.erase(it);
  core.state.touch(into);
  std::vector<VirtualPlace>& there = queues[into.id];
  std::vector<VirtualPlace> moved;
  for (const VirtualPlace& place : places) {
    if (place_in(there, place.queue) == there.end()) {
      moved.push_back(place);
    } else {  // both calls waited in it: one of them goes on
      tell(core, from, place.queue, tlib::EventDiverted, {.state = tlib::CallStateRedirected});
    }
  }
  for (const VirtualPlace& place : moved) {
    there.push_back(place);
    tell(core, into, place.queue, tlib::EventPartyChanged, {.previous = from.id});
  }
}

void virtual_queue_client_gone(Core& core, SessionId session) {
  std::vector<std::pair<ConnId, Dn>> left;
  for (const auto& [id, places] : core.state.virtual_queues) {
    for (const VirtualPlace& place : places) {
      if (place.by == session) left.emplace_back(id, place.queue);
    }
  }
  for (const auto& [id, queue] : left) {
    leave(core, id, queue);
    if (const Call* call = core.state.call(id))
      tell(core, *call, queue, tlib::EventDiverted, {.state = tlib::CallStateRedirected});
  }
}

void drop_virtual_queue(Core& core, const Device& queue) {
  std::vector<ConnId> calls;
  for (const auto& [id, places] : core.state.virtual_queues) calls.push_back(id);
  for (const ConnId id : calls) leave(core, id, queue.dn);
}

void add_virtual_snapshot(const Core& core, tlib::Message& event, const Device& queue) {
  int n = 0;
  for (const auto& [id, places] : core.state.virtual_queues) {
    const bool here =
        std::any_of(places.begin(), places.end(), [&](const VirtualPlace& place) { return place.queue == queue.dn; });
    if (here) kv_add(*event.mutable_extensions(), "conn-" + std::to_string(n++), to_string(id));
  }
  event.set_infostatus(n);
}

}  // namespace tandem::tserver
