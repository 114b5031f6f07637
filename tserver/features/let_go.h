// What a Connector has, and is another one's call now, or nobody's.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// It forgets the conversation, which another one has, without a word to the phones. What it still tells of it was on
// its way, and is ignored.
void disown(Core& core, CtiLink& link, ConversationNo no);
// It ends the conversation, of which we have no call. The same.
void end_there(Core& core, CtiLink& link, ConversationNo no);

}  // namespace tandem::tserver
