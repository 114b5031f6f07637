// A caller gave up, and told a Connector that doesn't have his call: another one took it over meanwhile, or it was
// taken up by this one since (MMC-112).
#include "tserver/features/features.h"

namespace tandem::tserver {
namespace {

void on_stray_cancel(Core& core, CtiLink& by, const link::Happening& happening) {
  const link::StrayCancel& stray = happening.stray_cancel();
  if (stray.call_id().empty()) return;
  for (CtiLink& link : core.state.links) {
    if (!link.up) continue;
    for (const auto& [no, call] : link.conversations) {
      for (const Party& party : call->parties) {
        if (party.call_id != stray.call_id() || call->invites(party)) continue;
        core.log(LogLevel::Interaction, *call, party.name(), "CANCEL came to " + by.application);
        core.order(link, no, party.no, [&](link::Command& command) { *command.mutable_stray_cancel() = stray; });
        return;
      }
    }
  }
}

}  // namespace

void register_stray_cancel(Table& table) {
  table.on(link::Happening::kStrayCancel, on_stray_cancel);
}

}  // namespace tandem::tserver
