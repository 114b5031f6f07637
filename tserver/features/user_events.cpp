// What clients tell each other through the T-Server: user events (MMC-13, MMC-413), and events that routing
// applications make for DNs of their own, such as virtual queues (MMC-412).
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/virtual_queue.h"

namespace tandem::tserver {
namespace {

// To whoever is registered on the DN it is for; the sender needs no registration there.
std::optional<Refusal> distribute_user_event(Core& core, Request& request) {
  tlib::Message& message = request.message;
  const std::string& to = message.communicationdn().empty() ? message.thisdn() : message.communicationdn();
  if (to.empty()) return refusal(tlib::TERR_INVALID_ATTR, "neither CommunicationDN nor ThisDN is given");
  const Device* device = core.state.device(Dn(to));
  if (device == nullptr) return refusal(tlib::TERR_TARG_DN_INV, "the event's DN is not configured");
  core.answer(request.asker(), new_event(core.now, tlib::EventACK));
  Event event = new_event(core.now, tlib::EventUserEvent);
  event->set_thisdn(device->dn.str());
  if (message.has_userevent()) event->set_userevent(message.userevent());
  if (message.userdata().pairs_size() > 0) event->mutable_userdata()->Swap(message.mutable_userdata());
  if (message.extensions().pairs_size() > 0) event->mutable_extensions()->Swap(message.mutable_extensions());
  if (message.reasons().pairs_size() > 0) event->mutable_reasons()->Swap(message.mutable_reasons());
  core.tell(*device, std::move(event));
  return std::nullopt;
}

// Events about calls, agents and DNs. Answers, and what a server says of itself, can't be made up.
bool can_be_made(std::int32_t type) {
  switch (type) {
    case tlib::EventQueued:
    case tlib::EventDiverted:
    case tlib::EventAbandoned:
    case tlib::EventRinging:
    case tlib::EventDialing:
    case tlib::EventNetworkReached:
    case tlib::EventDestinationBusy:
    case tlib::EventEstablished:
    case tlib::EventReleased:
    case tlib::EventHeld:
    case tlib::EventRetrieved:
    case tlib::EventPartyChanged:
    case tlib::EventPartyAdded:
    case tlib::EventPartyDeleted:
    case tlib::EventRouteRequest:
    case tlib::EventRouteUsed:
    case tlib::EventAgentLogin:
    case tlib::EventAgentLogout:
    case tlib::EventAgentReady:
    case tlib::EventAgentNotReady:
    case tlib::EventAttachedDataChanged:
    case tlib::EventUserEvent:
    case tlib::EventPrivateInfo:
      return true;
    default:
      return false;
  }
}

std::optional<Refusal> distribute_event(Core& core, Request& request) {
  const auto device = check_device(core, request);
  if (!device) return device.error();
  tlib::Message& message = request.message;
  if (!message.has_userevent() || !can_be_made(message.userevent()))
    return refusal(tlib::TERR_INVALID_ATTR, "UserEvent names no event that can be distributed");
  tlib::Message made = message;
  made.clear_referenceid();
  made.clear_requestid();
  made.clear_streamnumber();
  made.clear_eventsequencenumber();
  made.clear_userevent();
  made.clear_password();
  made.clear_type();
  made.clear_timeinsecs();
  made.clear_timeinusecs();
  Event event = new_event(core.now, static_cast<tlib::MessageType>(message.userevent()));
  event->MergeFrom(made);
  event->set_thisdn((*device)->dn.str());
  bool needed = true;
  if ((*device)->virtual_queue()) {
    const auto goes = virtual_queue_event(core, **device, request.client.session, *event);
    if (!goes) return goes.error();
    needed = *goes;
  }
  core.answer(request.asker(), new_event(core.now, tlib::EventACK));
  if (needed) core.tell(**device, std::move(event));
  return std::nullopt;
}

}  // namespace

void register_user_events(Table& table) {
  table.serve(tlib::RequestDistributeUserEvent, distribute_user_event);
  table.serve(tlib::RequestDistributeEvent, distribute_event);
  table.makes({tlib::EventUserEvent});
}

}  // namespace tandem::tserver
