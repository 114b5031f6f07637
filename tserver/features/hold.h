// Hold and retrieve.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// A talking party is put on hold: EventHeld. `order`: the Connector is to be told; a party that joins another
// conversation is held here by that.
void put_on_hold(Core& core, Call& call, Party& party, const tlib::KVList* reasons, Asker asker, bool order);

// A party held by command talks again: EventRetrieved. Wherever else its leg takes part it must be held.
void take_back(Core& core, Call& call, Party& party, const tlib::KVList* reasons, Asker asker);

// May it be taken back? Held (496), and not by its phone, which alone can end that (`at_phone`).
Check retrieval_refused(Core& core, Call& call, const Party& party, tlib::TErrorCode at_phone);

// The phone holds the call by itself, or no longer.
void phone_held(Core& core, Call& call, Party& party, bool held);

// A caller is Connected now: what its phone did while it dialed.
void tell_early_hold(Core& core, Call& call, Party& party);

// Another call of this DN in which it talks, dials, or is about to; null if there is none.
Call* active_call(const Device& device, const Call* but = nullptr);

}  // namespace tandem::tserver
