// Connectors lost and found again.
#pragma once

#include <list>
#include <unordered_map>

#include "tserver/features/core.h"

namespace tandem::tserver {

// Every call of a Connector ends.
void give_up_calls(Core& core, CtiLink& link);
// Those that another one was to have and hasn't. What began on it since it returned is its own.
void give_up_handed_over(Core& core, CtiLink& link);
// A call goes on with what its Connector has of it; parties that aren't there any more leave with state `lost`.
void reconcile(Core& core, Call& call, const link::Conversation& conversation, tlib::TCallState lost);

// What a Connector has. A conversation that is part of another one since, of which it hasn't heard, is told again, and
// looked at as if it had; `completed` holds what `there` points to then.
using There = std::unordered_map<ConversationNo, const link::Conversation*>;
There by_number(const google::protobuf::RepeatedPtrField<link::Conversation>& conversations);
void complete_merge(Core& core, CtiLink& link, const link::Conversation& conversation, There& there,
                    std::list<link::Conversation>& completed);

void link_up(Core& core, const LinkUp& input);
void link_down(Core& core, LinkNo no, const std::string& why);

}  // namespace tandem::tserver
