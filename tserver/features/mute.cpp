// RequestSetMuteOn and RequestSetMuteOff: nobody in the call hears ThisDN (LTB-32).
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

std::optional<Refusal> set_mute(Core& core, Request& request, bool muted) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  Party& party = *on->party;
  if (kv_find(request.message.extensions(), "MonitorMode") != nullptr)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't supervise the call");
  if (!party.up()) return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN isn't connected");
  if (party.muted == muted) return refusal(tlib::TERR_IN_SAME_STATE, muted ? "ThisDN is mute" : "ThisDN isn't mute");
  // It is the leg's, wherever it takes part; told for the call that was asked about.
  for (Call* each : core.state.memberships(*on->call, party)) each->party(party.no)->muted = muted;
  core.order(*on->call, party.no, [&](link::Command& command) { command.mutable_audio()->set_muted(muted); });
  core.tell(*on->call, party, muted ? tlib::EventMuteOn : tlib::EventMuteOff, {.reasons = &request.message.reasons()},
            request.asker());
  return std::nullopt;
}

}  // namespace

void register_mute(Table& table) {
  table.serve(tlib::RequestSetMuteOn, [](Core& core, Request& request) { return set_mute(core, request, true); });
  table.serve(tlib::RequestSetMuteOff, [](Core& core, Request& request) { return set_mute(core, request, false); });
  table.makes({tlib::EventMuteOn, tlib::EventMuteOff});
}

}  // namespace tandem::tserver
