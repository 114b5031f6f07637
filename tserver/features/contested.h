// Whose calls they are if two Connectors may have them: one that was given up is back, or who was to take them over is
// gone. The other one is told to forget them; the phones it may have called are called again.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// Whoever has its calls next calls the phones again: another one was to have them, and may have called the phones.
void contest(Core& core, CtiLink& link);
// The same for a conversation that another Connector than `link` has; false: none has it.
bool contest_elsewhere(Core& core, const CtiLink& link, ConversationNo no);
// The Connector that has it calls its phones again.
void reclaim(Core& core, Call& call);
// The same for those of its calls that others may have had meanwhile.
void reclaim_contested(Core& core, const CtiLink& link);
// A Connector is back: what lives elsewhere now it is told to forget, and if it has `called` the phones again, those
// are called once more by whoever has them. The rest of its snapshot.
link::Snapshot disown_moved(Core& core, CtiLink& link, const link::Snapshot& snapshot, bool called);

}  // namespace tandem::tserver
