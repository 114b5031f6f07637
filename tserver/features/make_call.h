// RequestMakeCall: the originator is called first, then its destination.
#pragma once

#include <string>

#include "tserver/features/destination.h"

namespace tandem::tserver {

// A call that a DN of ours makes, with its party Dialing: on `leg`, which is up in another call, or on a new one.
Call& new_outgoing_call(Core& core, LinkNo link, Device& device, const Destination& destination, const Party* leg);

// The leg takes part in `call`, too, and is held in every other; `from`: a call it is in.
void order_join(Core& core, const Call& from, const Call& call, PartyNo leg);

void order_tag(Core& core, const Call& call);

// The originator has answered: now its destination, as `asked` says.
void call_target(Core& core, Call& call, const Attempt& asked);

}  // namespace tandem::tserver
