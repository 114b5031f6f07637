// Phones that send a caller elsewhere (SIP 3xx).
#pragma once

#include "proto/link.pb.h"
#include "tserver/features/core.h"

namespace tandem::tserver {

// Tries the next place an unsuccessful destination named: `leg` leaves as Forwarded, the next one rings as Forwarded.
// False if there is none left, or it would go round in a circle; then nothing was changed but what `attempt` remembers.
bool forward(Core& core, Call& call, Attempt& attempt, Party& leg, const link::Failed* redirect);

}  // namespace tandem::tserver
