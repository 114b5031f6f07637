// Requests that wait for what a Connector says of a command: answered by its happening, by CommandFailed, by the end of
// the party, or when the deadline has passed.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// The last command ordered for this call is what `asker` waits for.
void await(Core& core, const Call& call, const Party& party, Awaited::Kind kind, Asker asker, Instant deadline,
           std::string digits = {});
// Has the party something under way of this kind?
bool is_awaited(const Core& core, const Call& call, const Party& party, Awaited::Kind kind);
// Takes what the happening answers, if it was waited for.
std::optional<Awaited> take_awaited(Core& core, const CtiLink& link, const link::Happening& happening);
// CommandFailed of such a command is answered here; true: that was all there is to it.
bool awaited_failed(Core& core, const CtiLink& link, const link::Happening& happening);

// The party answered: who asked for it gets EventEstablished with the ReferenceID.
Asker settle_pickup(Core& core, const Call& call, const Party& party);
// The party is gone: nothing will come of what was asked.
void give_up_awaited(Core& core, const Call& call, const Party& party);

}  // namespace tandem::tserver
