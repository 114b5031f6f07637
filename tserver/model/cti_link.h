// One Connector as the model sees it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/base/time.h"
#include "proto/link.pb.h"
#include "tserver/model/call.h"

namespace tandem::tserver {

struct CtiLink {
  LinkNo no = 0;
  std::string name;
  std::string pool;
  bool up = false;
  // We have just become primary and its new snapshot is on its way: its DNs stay in service meanwhile.
  bool coming_up = false;
  bool draining = false;            // takes no new calls, keeps those it has
  bool lost = false;                // was up, and isn't
  std::optional<Instant> returned;  // was lost, and is up since then; no concern of the next primary
  std::optional<Instant> stale;     // came up with what its disk had; no concern of the next primary
  std::uint64_t incarnation = 0;    // of the Connector last heard of
  std::string application;          // its name
  std::uint64_t last_command = 0;
  std::uint64_t first_command = 0;  // ours begin above it: those of former primaries lie below
  std::optional<TimerKey> loss_timer;
  std::uint32_t generation = 0;
  std::unordered_map<ConversationNo, Call*> conversations;
  // Conversations that became part of another: happenings on their way may still name them.
  std::unordered_map<ConversationNo, Call*> merged;
  // Ended here while the Connector was away: not to be taken up again when it returns.
  std::unordered_set<ConversationNo> given_up;
  // What another Connector needs to take its calls over, by kind and number: kept as it was told.
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::string> call_data;
  std::size_t call_data_bytes = 0;
  // Of it what the Connector is given back, and hasn't told since it started anew.
  std::set<std::pair<std::uint32_t, std::uint64_t>> untold;
  // What the Connector had told before it started anew, until then: of a backup, to which it may fall to give it back,
  // since the primary died as well; or as it begins to tell its data before its snapshot has come. And what it was
  // given to take over, and hasn't told yet.
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::string> former_call_data;
  Instant former_until{0};
  Instant lost_at{0};  // when it went away last
  std::optional<TimerKey> takeover_timer;
  std::optional<LinkNo> taken_by;                  // was told to take its calls over, by the command:
  std::uint64_t taken_command = 0;                 // 0: by a primary before us; its snapshot will say what came of that
  std::unordered_set<ConversationNo> handed_over;  // what it had when we gave its calls away; later ones are its own
  std::unordered_set<ConversationNo> moved;        // live on another Connector since
  // Told to forget or to end, without a call of ours: what it still tells of them was on its way.
  std::unordered_set<ConversationNo> let_go;
  // Given back to the Connector, which had lost them, by the command; what came of that it hasn't said yet.
  std::unordered_set<ConversationNo> given_back;
  std::uint64_t given_back_command = 0;
  // Bindings its phones have, by address of record.
  std::unordered_map<std::string, link::Registration> registrations;
};

}  // namespace tandem::tserver
