// What came of a set of records, while it is being taken up.
#pragma once

#include "connector/core/core.h"
#include "proto/ha.pb.h"

namespace tandem::connector {

struct Core::TakenUp {
  std::string former;  // the Connector that had them; empty: ours
  std::unordered_map<ConversationNo, const ha::Conversation*> conversations;
  std::vector<ConversationNo> order;
  std::unordered_map<PartyNo, const ha::Party*> parties;
  std::unordered_set<PartyNo> stayed;  // of them, as they were
  std::size_t refused = 0;
};

}  // namespace tandem::connector
