// The events with which a party joins and leaves a call for good. Whoever establishes or releases a party tells it
// here, so that what else belongs to it (after-call work comes before EventReleased, MMC-248; WrapUpTime stands in
// EventEstablished, MMC-247) happens in every flow.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

void tell_established(Core& core, Call& call, const Party& party, Details details = {}, Asker asker = {});
void tell_released(Core& core, Call& call, const Party& party, Details details = {}, Asker asker = {});

}  // namespace tandem::tserver
