// Calls that outlive their Connector: what it says of them is kept, and another one of its pool takes them over when it
// stays away.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// Kinds of records in it, which are not read.
inline constexpr std::uint32_t kConversation = 1;
inline constexpr std::uint32_t kParty = 2;
using CallDataKey = std::pair<std::uint32_t, std::uint64_t>;

void keep_call_data(const Core& core, CtiLink& link, const link::CallData& data);
void forget_call_data(CtiLink& link);
void forget_call_data(CtiLink& link, const CallDataKey& key);
// Orders `to` to take up calls of `from`, its own or another's, in as many commands as it needs.
void order_restore(Core& core, CtiLink& to, const CtiLink& from, const std::vector<const std::string*>& records);
// What comes of that has to come in time.
void await_taker(Core& core, CtiLink& link);
// `by` has calls of another now, whose data is void: for a backup, which takes no part in it.
void note_taken_over(Core& core, CtiLink& by, const link::Happening& happening);
// A Connector was lost: calls that were on their way to it go to another, or stay where they were.
void taker_lost(Core& core, CtiLink& link);
// A Connector is back while its calls are on their way to another: they stay its own, and that one lets them be.
void take_back(Core& core, CtiLink& link);
// A Connector is away: begins to wait.
void await_takeover(Core& core, CtiLink& link);
// We became primary knowing nothing of its calls but what it told before it was lost.
void await_unknown(Core& core, CtiLink& link);
// A Connector is back, or ours to command: calls of one that is away which it has are its own. A primary before us
// ordered that.
void find_moved(Core& core, CtiLink& link, const link::Snapshot& snapshot);
// A primary before us gave its calls to another Connector, which hasn't told us yet whether it has them.
bool takeover_unknown(const CtiLink& link);

}  // namespace tandem::tserver
