#include "tserver/features/service.h"

#include <algorithm>
#include <array>

#include "tserver/features/agent.h"
#include "tserver/features/alternate_routing.h"
#include "tserver/features/attempt.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/leaving.h"
#include "tserver/features/virtual_queue.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

// DNs that change together for one reason: beyond these few their number is told, each one in level trace only.
constexpr std::size_t kNamed = 10;

void tell_service(Core& core, Device& device, bool in_service, const std::string& cause, LogLevel level) {
  device.in_service = in_service;
  core.log(level, device.dn.str() + (in_service ? ": in service" : ": out of service, " + cause));
  if (device.registrations.empty()) return;
  Event event = new_event(core.now, in_service ? tlib::EventDNBackInService : tlib::EventDNOutOfService);
  event->set_thisdn(device.dn.str());
  event->set_addresstype(address_type(device.settings.type));
  if (!in_service) kv_add(*event->mutable_extensions(), "cause", cause);
  kv_add(*event->mutable_extensions(), "PresenceType", "local");
  core.tell(device, std::move(event));
}

void review(Core& core, Device& device, const std::string& cause, LogLevel level = LogLevel::Standard) {
  const bool now = core.state.serviceable(device);
  if (device.in_service && !now) agent_out_of_service(core, device, !core.settings().dns.contains(device.dn));
  if (now != device.in_service) tell_service(core, device, now, cause, level);
}

// Their number, if they are too many to be named: [now in service, now out of it].
LogLevel tell_number(Core& core, const std::string& cause) {
  std::array<std::size_t, 2> changed{};
  for (const auto& [dn, device] : core.state.devices) {
    const bool now = core.state.serviceable(*device);
    if (now != device->in_service) ++changed[now ? 0 : 1];
  }
  if (changed[0] + changed[1] <= kNamed) return LogLevel::Standard;
  if (changed[0] > 0) core.log(LogLevel::Standard, std::to_string(changed[0]) + " DNs: in service");
  if (changed[1] > 0) core.log(LogLevel::Standard, std::to_string(changed[1]) + " DNs: out of service, " + cause);
  return LogLevel::Trace;
}

std::vector<Device*> in_order(Core& core) {
  std::vector<Device*> devices;
  devices.reserve(core.state.devices.size());
  for (const auto& [dn, device] : core.state.devices) devices.push_back(device.get());
  std::sort(devices.begin(), devices.end(), [](const Device* a, const Device* b) { return a->dn < b->dn; });
  return devices;
}

void on_dn_status(Core& core, CtiLink& link, const link::Happening& happening) {
  const link::DnStatus& status = happening.dn_status();
  Device* device = core.state.device(Dn(status.dn()));
  if (device == nullptr) return;
  std::erase(device->refused_by, link.no);
  if (!status.in_service()) device->refused_by.push_back(link.no);
  review(core, *device, status.cause().empty() ? "no Connector serves it" : status.cause());
}

void on_draining(Core& core, CtiLink& link, const link::Happening&) {
  if (link.draining) return;
  link.draining = true;
  core.log(LogLevel::Standard, "link " + link.name + ": the Connector drains, " +
                                   std::to_string(link.conversations.size()) + " calls on it");
  review_service(core, "its Connector drains");
}

// The calls of a DN that is taken away end by their own events; who only rang there is withdrawn.
void end_calls_of(Core& core, Device& device) {
  while (!device.calls.empty()) {
    Call& call = *device.calls.front();
    Party& party = *call.party(&device);
    if (call.attempt && call.attempt->leg == party.no && call.attempt->purpose != Attempt::Purpose::Originator) {
      attempt_missed(
          core, call,
          {tlib::TERR_DEST_INV_STATE, tlib::CallStateOk, 480, "the destination went out of service", true, {}});
    } else if (party.state != PartyState::Queued) {
      leave_call(core, call, party, {});
    } else if (call.settled() > 1 && !call.attempt) {
      drop_routing_point(core, call);
      tell_deleted(core, call, device.dn.str(), device.dn.str());
    } else {
      end_call(core, call, {});
    }
  }
}

void delete_device(Core& core, Device& device) {
  agent_out_of_service(core, device, true);
  for (const Registration& r : std::vector<Registration>(device.registrations)) {
    Event event = new_event(core.now, tlib::EventUnregistered);
    event->set_thisdn(device.dn.str());
    event->set_errorcode(tlib::TERR_NOT_CONFIGURED);
    event->set_errormessage("the DN was deleted from the configuration");
    core.answer({r.client->session, 0}, std::move(event));
    core.state.remove_registration(*r.client, device);
  }
  drop_virtual_queue(core, device);
  core.state.devices.erase(Dn(device.dn));
}

}  // namespace

void review_service(Core& core, const std::string& cause) {
  const LogLevel level = tell_number(core, cause);
  for (Device* device : in_order(core)) review(core, *device, cause, level);
}

void review_draining(Core& core) {
  const auto stale = [&](const auto& entry) {
    return core.state.serviceable(*entry.second) != entry.second->in_service;
  };
  if (std::any_of(core.state.devices.begin(), core.state.devices.end(), stale))
    review_service(core, "its Connector drains");
}

void settings_changed(Core& core, const std::shared_ptr<const Settings>& settings) {
  State& state = core.state;
  state.touched.everything();
  state.settings = settings;
  state.identity.set_server_id(settings->server_id);
  state.resize_links();
  for (const auto& [dn, dn_settings] : settings->dns) {
    auto& device = state.devices[dn];
    if (device == nullptr) {
      device = std::make_unique<Device>();
      device->dn = dn;
    }
    device->settings = dn_settings;
  }
  const std::vector<Device*> devices = in_order(core);
  std::vector<Device*> deleted, taken_away;
  for (Device* device : devices) {
    if (settings->dns.contains(device->dn)) continue;
    device->settings.registered = false;
    deleted.push_back(device);
  }
  const LogLevel level = tell_number(core, "by the configuration");
  for (Device* device : devices) {
    const bool configured = settings->dns.contains(device->dn);
    if (!device->settings.registered) taken_away.push_back(device);
    review(core, *device,
           configured ? (device->settings.registered ? "no Connector serves its pool" : "disabled in the configuration")
                      : "deleted from the configuration",
           level);
  }
  for (Device* device : taken_away) end_calls_of(core, *device);
  for (Device* device : devices) review_waiting(core, *device);  // default-dn and timeouts may be others now
  for (Device* device : deleted) delete_device(core, *device);
  review_agents(core);
  core.log(LogLevel::Standard, "configuration applied: " + std::to_string(state.devices.size()) + " DNs, " +
                                   std::to_string(settings->links.size()) + " links");
}

void register_service(Table& table) {
  table.makes({tlib::EventDNOutOfService, tlib::EventDNBackInService});
  table.on(link::Happening::kDnStatus, on_dn_status);
  table.on(link::Happening::kDraining, on_draining);
}

}  // namespace tandem::tserver
