// Calls dialed straight to a DN, neither through a Routing Point nor by a request: whether they are taken over and
// reported (MMC-168 to MMC-171, MMC-254 to MMC-264).
//
// handle-direct-calls decides: true, false, or while an agent is logged in. A desktop that is registered on the DN can
// override it, by the extension handle-direct-calls of its RequestRegisterAddress, as long as it is registered. A call
// that isn't taken over is connected all the same; its parties are no DNs in it and have no events.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// Is an audio or video call straight to this DN reported?
bool takes_over(const Device& device);

// What a client asks for when it registers; null if it doesn't.
void override_direct_calls(Core& core, const Client& client, Device& device, const tlib::KVList& extensions);

// What a client is told when it registers (MMC-261).
void add_direct_calls(tlib::KVList& extensions, const Device& device);

}  // namespace tandem::tserver
