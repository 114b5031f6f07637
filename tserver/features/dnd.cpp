// RequestSetDNDOn and RequestSetDNDOff: a DN that takes no calls (4.18). Who calls it is refused as busy, a router gets
// an error.
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

std::optional<Refusal> set_dnd(Core& core, Request& request, bool on) {
  const auto found = check_device(core, request);
  if (!found) return found.error();
  Device& device = **found;
  if (!device.extension()) return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "ThisDN is not an Extension");
  if (device.dnd == on) return refusal(tlib::TERR_IN_SAME_STATE, on ? "do not disturb is on" : "do not disturb is off");
  device.dnd = on;
  core.log(LogLevel::Interaction, device.dn.str() + (on ? ": do not disturb on" : ": do not disturb off"));
  Event event = new_event(core.now, on ? tlib::EventDNDOn : tlib::EventDNDOff);
  event->set_thisdn(device.dn.str());
  if (device.agent != nullptr) event->set_agentid(device.agent->id);
  if (request.message.reasons().pairs_size() > 0) *event->mutable_reasons() = request.message.reasons();
  kv_add(*event->mutable_extensions(), "PresenceType", "local");
  core.tell(device, std::move(event), request.asker());
  return std::nullopt;
}

}  // namespace

void register_dnd(Table& table) {
  table.serve(tlib::RequestSetDNDOn, [](Core& core, Request& request) { return set_dnd(core, request, true); });
  table.serve(tlib::RequestSetDNDOff, [](Core& core, Request& request) { return set_dnd(core, request, false); });
  table.makes({tlib::EventDNDOn, tlib::EventDNDOff});
}

}  // namespace tandem::tserver
