// Calls that a Connector lost with its former run, or has as they were long before its end, since its disk was full or
// can't be read: what it told of them is given back to it.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// The Connector started anew: notes which of its calls it has to be given back. They don't end for not being there.
void note_lacking(Core& core, CtiLink& link, const link::Snapshot& snapshot);
// The Connector started anew, and begins to tell what it has: what it had told before is kept for a while.
void set_aside(const Core& core, CtiLink& link);
// A new primary, or one that heard the Connector's data before its snapshot: calls that are in what was set aside only.
void note_lacking_since(Core& core, CtiLink& link, const link::Snapshot& snapshot);
// It is away: what it was given, and died with before it told it, is its own as well.
void bring_back_untold(const Core& core, CtiLink& link);
// It is up: they are given back. The rest of its snapshot.
link::Snapshot give_back(Core& core, CtiLink& link, const link::Snapshot& snapshot);
// The Connector tells its call data anew: what is on its way to it it can't tell yet.
void keep_on_its_way(CtiLink& link);
void given_back(Core& core, CtiLink& link, const link::TakenOver& over);
// It said nothing in time: they end.
void not_given_back(Core& core, CtiLink& link);
// Lost before it said anything: they wait for it again, or for another.
void giver_lost(Core& core, CtiLink& link);

}  // namespace tandem::tserver
