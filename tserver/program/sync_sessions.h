// Client sessions that outlive their connection, between the clients room and the synchronisation of a pair.
#pragma once

#include <functional>

#include "tserver/clients/kept_sessions.h"
#include "tserver/sync/sync.h"

namespace tandem::tserver {

// `kept` must outlive them.
Sync::Handlers sync_handlers(KeptSessions& kept, std::function<void(const PairReport&)> report,
                             std::function<std::uint32_t()> links, std::function<bool()> remembers,
                             std::function<void()> other_knows);

}  // namespace tandem::tserver
