// Primary and backup.
#pragma once

#include "tserver/features/table.h"

namespace tandem::tserver {

// Becoming primary: clients hear EventLinkDisconnected, and EventLinkConnected once the first Connector's snapshot has
// come. Becoming backup: every request under way is answered with EventError, calls are forgotten without an event.
void role_changed(Core& core, const RoleChanged& input);
// RequestSwitchover: the primary gives its role up, for the other T-Server to take. Refused while that knows too
// little, unless Extensions `force` says otherwise; answered when the role is given up, or kept after all.
std::optional<Refusal> switch_over(Core& core, Request& request);
void switchover_failed(Core& core, const SwitchoverFailed& input);

}  // namespace tandem::tserver
