#include "tserver/features/contested.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "tserver/features/let_go.h"
#include "tserver/features/takeover.h"

namespace tandem::tserver {
namespace {

// The call that it is, or is a part of, on another Connector that is up, or has `moved` to.
Call* call_elsewhere(const State& state, const CtiLink& link, ConversationNo no, bool moved) {
  for (const CtiLink& other : state.links) {
    if (other.no == link.no || !(other.up || moved)) continue;
    if (const auto found = other.conversations.find(no); found != other.conversations.end()) return found->second;
    if (const auto found = other.merged.find(no); found != other.merged.end()) return found->second;
  }
  return nullptr;
}

// Who is in calls on other Connectors that are up.
std::unordered_map<PartyNo, Call*> parties_elsewhere(const State& state, const CtiLink& link) {
  std::unordered_map<PartyNo, Call*> out;
  for (const CtiLink& other : state.links) {
    if (other.no == link.no || !other.up) continue;
    for (const auto& [no, call] : other.conversations)
      for (const Party& party : call->parties)
        if (party.no) out.emplace(party.no, call);
  }
  return out;
}

}  // namespace

void reclaim(Core& core, Call& call) {
  call.contested = false;
  core.state.touched.call(call.id);
  core.order(call, {}, [](link::Command& command) { command.mutable_resume(); });
}

void contest(Core& core, CtiLink& link) {
  link.moved.clear();
  for (auto& [no, call] : link.conversations) {
    call->contested = true;
    core.state.touched.call(call->id);
  }
}

bool contest_elsewhere(Core& core, const CtiLink& link, ConversationNo no) {
  Call* call = call_elsewhere(core.state, link, no, true);
  if (call == nullptr) return false;
  call->contested = true;
  core.state.touched.call(call->id);
  return true;
}

void reclaim_contested(Core& core, const CtiLink& link) {
  std::vector<Call*> all;
  for (const auto& [no, call] : link.conversations) {
    if (call->contested) all.push_back(call);
  }
  std::sort(all.begin(), all.end(), [](const Call* a, const Call* b) { return a->id < b->id; });
  for (Call* call : all) reclaim(core, *call);
}

link::Snapshot disown_moved(Core& core, CtiLink& link, const link::Snapshot& snapshot, bool called) {
  if (takeover_unknown(link)) return snapshot;
  core.cancel_timer(link.takeover_timer);
  link::Snapshot rest;
  std::set<LinkNo> by;
  std::optional<std::unordered_map<PartyNo, Call*>> parties;
  const auto elsewhere = [&](ConversationNo no, bool moved, const link::Conversation* there = nullptr) {
    Call* call = call_elsewhere(core.state, link, no, moved);
    if (call == nullptr && there != nullptr && !link.conversations.contains(no) && !link.merged.contains(no)) {
      // Merged into another one there, by a T-Server before us.
      if (!parties) parties = parties_elsewhere(core.state, link);
      for (const link::Party& party : there->parties())
        if (const auto known = parties->find(PartyNo{party.party()}); known != parties->end()) call = known->second;
    }
    if (call == nullptr) return false;
    call->contested = call->contested || called;
    by.insert(call->link);
    return true;
  };
  for (const ConversationNo no : link.moved) elsewhere(no, true);
  for (const link::Conversation& conversation : snapshot.conversations()) {
    const ConversationNo no{conversation.conversation()};
    if (link.moved.contains(no) || elsewhere(no, false, &conversation)) {
      disown(core, link, no);
    } else {
      *rest.add_conversations() = conversation;
    }
  }
  link.moved.clear();
  for (const LinkNo one : by) {
    if (core.state.links[one].up) reclaim_contested(core, core.state.links[one]);
  }
  return rest;
}

}  // namespace tandem::tserver
