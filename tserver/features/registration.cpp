// Registering on DNs (MMC-389).
#include <algorithm>

#include "tserver/features/agent.h"
#include "tserver/features/alternate_routing.h"
#include "tserver/features/checks.h"
#include "tserver/features/direct_calls.h"
#include "tserver/features/features.h"
#include "tserver/features/virtual_queue.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

Result<Device*, Refusal> configured_dn(Core& core, const Request& request) {
  if (request.message.thisdn().empty()) return refusal(tlib::TERR_INVALID_ATTR, "ThisDN is missing");
  Device* device = core.state.device(Dn(request.message.thisdn()));
  if (device == nullptr) return refusal(tlib::TERR_NOT_CONFIGURED, "ThisDN is not configured");
  return device;
}

bool has_private_registration(const Device& device) {
  return std::any_of(device.registrations.begin(), device.registrations.end(),
                     [](const Registration& r) { return r.mode == tlib::RegisterModePrivate; });
}

std::optional<Refusal> register_address(Core& core, Request& request) {
  const auto found = configured_dn(core, request);
  if (!found) return found.error();
  Device& device = **found;
  const tlib::TRegisterMode mode = request.message.registermode();
  if (!tlib::TRegisterMode_IsValid(mode)) return refusal(tlib::TERR_INVALID_ATTR, "RegisterMode is unknown");
  if (device.registration(request.client) != nullptr)
    return refusal(tlib::TERR_IN_SAME_STATE, "registered on ThisDN already");
  if (has_private_registration(device) || (mode == tlib::RegisterModePrivate && !device.registrations.empty())) {
    return refusal(tlib::TERR_RESOURCE_SEIZED, "ThisDN is registered by another client");
  }
  core.state.add_registration(request.client, device, mode).logout_on_disconnect =
      kv_flag(request.message.extensions(), "LogoutOnDisconnect");
  override_direct_calls(core, request.client, device, request.message.extensions());
  Event event = new_event(core.now, tlib::EventRegistered);
  event->set_thisdn(device.dn.str());
  event->set_addresstype(address_type(device.settings.type));
  event->set_registermode(mode);
  event->set_infotype(tlib::AddressInfoAddressType);
  event->set_infostatus(static_cast<std::int32_t>(device.calls.size()));
  add_snapshot(*event, device);
  if (device.virtual_queue()) add_virtual_snapshot(core, *event, device);
  add_direct_calls(*event->mutable_extensions(), device);
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

std::optional<Refusal> unregister_address(Core& core, Request& request) {
  const auto found = configured_dn(core, request);
  if (!found) return found.error();
  Device& device = **found;
  const Registration* registration = device.registration(request.client);
  if (registration == nullptr) return refusal(tlib::TERR_NOT_REGISTERED, "not registered on ThisDN");
  agent_client_gone(core, device, request.client.session, registration->logout_on_disconnect);
  core.state.remove_registration(request.client, device);
  Event event = new_event(core.now, tlib::EventUnregistered);
  event->set_thisdn(device.dn.str());
  core.answer(request.asker(), std::move(event));
  routers_gone(core, device);
  return std::nullopt;
}

}  // namespace

void register_registration(Table& table) {
  table.serve(tlib::RequestRegisterAddress, register_address);
  table.serve(tlib::RequestUnregisterAddress, unregister_address);
  table.makes({tlib::EventRegistered, tlib::EventUnregistered});
}

}  // namespace tandem::tserver
