#include "tserver/features/giving_back.h"

#include <algorithm>
#include <list>
#include <set>

#include "tserver/features/ending.h"
#include "tserver/features/let_go.h"
#include "tserver/features/recovery.h"
#include "tserver/features/takeover.h"

namespace tandem::tserver {
namespace {

bool kept(const CtiLink& link, ConversationNo no) {
  return link.call_data.contains({kConversation, no.value});
}

// It, and those that became part of it, of which the Connector may not have heard.
std::vector<ConversationNo> conversations_of(const Call& call) {
  std::vector<ConversationNo> all = call.merged;
  all.push_back(call.conversation);
  return all;
}

// Somebody who was in it isn't, or has not answered there yet.
bool outdated(const CtiLink& link, const Call& call, const There& there) {
  const auto all = conversations_of(call);
  const auto find = [&](PartyNo no) -> const link::Party* {
    for (const ConversationNo conversation : all) {
      const auto known = there.find(conversation);
      if (known == there.end()) continue;
      for (const link::Party& party : known->second->parties())
        if (party.party() == no.value) return &party;
    }
    return nullptr;
  };
  return std::any_of(call.parties.begin(), call.parties.end(), [&](const Party& party) {
    if (!party.no || !link.call_data.contains({kParty, party.no.value})) return false;
    const link::Party* const known = find(party.no);
    if (known == nullptr) return true;
    return party.leg == LegState::Up &&
           (known->state() == link::OFFERED || known->state() == link::INVITING || known->state() == link::ALERTING);
  });
}

// Calls that share a leg with them are given back with them: a leg is whole or not at all.
void add_joined(Core& core, CtiLink& link) {
  std::vector<Call*> all;
  for (const ConversationNo no : link.given_back) all.push_back(link.conversations.at(no));
  while (!all.empty()) {
    Call& call = *all.back();
    all.pop_back();
    for (const Party& party : call.parties) {
      for (Call* other : core.state.memberships(call, party))
        if (kept(link, other->conversation) && link.given_back.insert(other->conversation).second) all.push_back(other);
    }
  }
}

// But not if one of them began, or was joined, after what we were told last: the Connector has it, and knows better.
void leave_newer(Core& core, CtiLink& link, const There& there) {
  std::vector<Call*> all;
  const auto joined = [&](Call& call, auto visit) {
    for (const Party& party : call.parties)
      for (Call* other : core.state.memberships(call, party)) visit(other);
  };
  for (const ConversationNo no : link.given_back) {
    Call& call = *link.conversations.at(no);
    bool newer = false;
    joined(call, [&](const Call* other) {
      newer = newer || (!kept(link, other->conversation) && there.contains(other->conversation));
    });
    if (newer) all.push_back(&call);
  }
  for (const Call* call : all) link.given_back.erase(call->conversation);
  while (!all.empty()) {
    Call& call = *all.back();
    all.pop_back();
    joined(call, [&](Call* other) {
      if (link.given_back.erase(other->conversation) != 0) all.push_back(other);
    });
  }
}

// Of the calls that are given back, and of those that ended while it was away and that it lost as well: their phones
// have to be told. Of the latter nobody knows who was in them.
std::vector<const std::string*> records_of(const CtiLink& link, const There& there,
                                           const std::vector<ConversationNo>& over) {
  std::set<CallDataKey> keys;
  for (const ConversationNo no : link.given_back) {
    const Call& call = *link.conversations.at(no);
    for (const Party& party : call.parties) keys.emplace(kParty, party.no.value);
    for (const ConversationNo conversation : conversations_of(call)) {
      keys.emplace(kConversation, conversation.value);
      const auto known = there.find(conversation);
      if (known == there.end()) continue;
      for (const link::Party& party : known->second->parties()) keys.emplace(kParty, party.party());
    }
  }
  for (const ConversationNo no : over) keys.emplace(kConversation, no.value);
  std::unordered_set<std::uint64_t> elsewhere;
  for (const auto& [no, conversation] : there) {
    for (const link::Party& party : conversation->parties()) elsewhere.insert(party.party());
  }
  std::vector<const std::string*> records;
  for (const auto& [key, data] : link.call_data) {
    const bool unknown = !over.empty() && key.first == kParty && !elsewhere.contains(key.second);
    if (unknown || keys.contains(key)) records.push_back(&data);
  }
  return records;
}

// False: it ended. `former` knows better than what has been told since only if the latter is older.
bool bring_back(CtiLink& link, const decltype(CtiLink::former_call_data)& former, const Call& call, bool better) {
  if (!former.contains({kConversation, call.conversation.value})) return false;
  const auto bring = [&](const CallDataKey& key) {
    const auto known = former.find(key);
    const bool told = link.call_data.contains(key);
    if (known == former.end() || (told && !better)) return;
    if (!told) link.untold.insert(key);
    forget_call_data(link, key);
    link.call_data.insert(*known);
    link.call_data_bytes += known->second.size();
  };
  for (const ConversationNo part : conversations_of(call)) bring({kConversation, part.value});
  for (const Party& party : call.parties) bring({kParty, party.no.value});
  return true;
}

// Of what ends before the Connector has told it nobody would hear.
void set_aside_untold(const Core& core, CtiLink& link) {
  for (const CallDataKey& key : std::exchange(link.untold, {})) {
    if (const auto known = link.call_data.find(key); known != link.call_data.end())
      link.former_call_data.insert_or_assign(key, known->second);
    forget_call_data(link, key);
  }
  link.former_until = core.now.steady + core.settings().link_loss_timeout;
}

std::vector<Call*> calls_given_back(const CtiLink& link) {
  std::vector<Call*> calls;
  for (const ConversationNo no : link.given_back) {
    if (const auto known = link.conversations.find(no); known != link.conversations.end())
      calls.push_back(known->second);
  }
  std::sort(calls.begin(), calls.end(), [](const Call* a, const Call* b) { return a->id < b->id; });
  return calls;
}

// With one of them others may end.
std::vector<ConnId> ids_given_back(const CtiLink& link) {
  std::vector<ConnId> ids;
  for (const Call* call : calls_given_back(link)) ids.push_back(call->id);
  return ids;
}

}  // namespace

void set_aside(const Core& core, CtiLink& link) {
  for (const auto& [key, data] : link.call_data) link.former_call_data.insert_or_assign(key, data);
  link.former_until = core.now.steady + core.settings().link_loss_timeout;
}

void note_lacking(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  link.given_back.clear();
  if (core.state.role == Role::Backup) {
    if (!link.call_data.empty()) set_aside(core, link);
    return;
  }
  if (link.taken_by || link.call_data.empty()) return;
  const There there = by_number(snapshot.conversations());
  for (const auto& [no, call] : link.conversations) {
    if (!kept(link, no)) continue;
    if (snapshot.stale() || !there.contains(no) || outdated(link, *call, there)) link.given_back.insert(no);
  }
  add_joined(core, link);
  leave_newer(core, link, there);
}

void note_lacking_since(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  const auto former = std::exchange(link.former_call_data, {});
  std::erase_if(link.given_back, [&](ConversationNo no) { return !link.conversations.contains(no); });
  if (link.taken_by || core.now.steady >= link.former_until) return;
  const There there = by_number(snapshot.conversations());
  for (const auto& [no, call] : link.conversations) {
    if (!snapshot.stale() && there.contains(no)) continue;
    if (bring_back(link, former, *call, snapshot.stale())) link.given_back.insert(no);
  }
  add_joined(core, link);
  leave_newer(core, link, there);
}

void bring_back_untold(const Core& core, CtiLink& link) {
  if (core.now.steady >= link.former_until) return;
  for (const auto& [no, call] : link.conversations) bring_back(link, link.former_call_data, *call, false);
}

link::Snapshot give_back(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  const There there = by_number(snapshot.conversations());
  // What another one has since isn't given back.
  std::erase_if(link.given_back, [&](ConversationNo no) { return !link.conversations.contains(no); });
  std::vector<ConversationNo> over;
  for (const ConversationNo no : link.given_up) {
    if (kept(link, no) && !there.contains(no) && !link.taken_by) over.push_back(no);
  }
  std::sort(over.begin(), over.end());
  if (link.given_back.empty() && over.empty()) return snapshot;
  core.log(LogLevel::Standard, "link " + link.name + ": " + std::to_string(link.given_back.size() + over.size()) +
                                   " calls are given back to " + link.application +
                                   ", which lost what it knew of them");
  order_restore(core, link, link, records_of(link, there, over));
  link.given_back_command = link.last_command;
  for (const ConversationNo no : over) end_there(core, link, no);
  if (!link.given_back.empty()) await_taker(core, link);
  link::Snapshot rest;
  for (const link::Conversation& conversation : snapshot.conversations()) {
    const ConversationNo no{conversation.conversation()};
    if (link.given_back.contains(no)) continue;
    // It became part of one that is given back, and is given back with it as long as the Connector tells it apart. Else
    // whoever is left in it isn't in the call any more.
    if (const auto into = link.merged.find(no);
        into != link.merged.end() && link.given_back.contains(into->second->conversation)) {
      const bool left = !kept(link, no) && std::any_of(conversation.parties().begin(), conversation.parties().end(),
                                                       [&](const link::Party& party) {
                                                         return into->second->party(PartyNo{party.party()}) == nullptr;
                                                       });
      // Else it ends as they are given back, and an order about it would fail, as if the call were gone.
      if (left) end_there(core, link, no);
    } else {
      *rest.add_conversations() = conversation;
    }
  }
  return rest;
}

void keep_on_its_way(CtiLink& link) {
  std::set<CallDataKey> keys;
  for (const Call* call : calls_given_back(link)) {
    for (const ConversationNo no : conversations_of(*call)) keys.emplace(kConversation, no.value);
    for (const Party& party : call->parties) keys.emplace(kParty, party.no.value);
  }
  std::erase_if(link.call_data, [&](const auto& one) { return !keys.contains(one.first); });
  link.untold = std::move(keys);
  link.call_data_bytes = 0;
  for (const auto& [key, data] : link.call_data) link.call_data_bytes += data.size();
}

void given_back(Core& core, CtiLink& link, const link::TakenOver& over) {
  core.cancel_timer(link.takeover_timer);
  There there = by_number(over.conversations());
  const std::vector<Call*> calls = calls_given_back(link);
  // What it didn't take it has no more to tell of.
  std::unordered_set<std::uint64_t> taken;
  for (const auto& [no, conversation] : there) {
    for (const link::Party& party : conversation->parties()) taken.insert(party.party());
  }
  for (const Call* call : calls) {
    for (const ConversationNo no : conversations_of(*call)) {
      if (!there.contains(no)) forget_call_data(link, {kConversation, no.value});
    }
    for (const Party& party : call->parties) {
      if (!taken.contains(party.no.value)) forget_call_data(link, {kParty, party.no.value});
    }
  }
  set_aside_untold(core, link);
  const std::vector<ConnId> ids = ids_given_back(link);
  link.given_back.clear();
  std::list<link::Conversation> completed;
  for (const link::Conversation& c : over.conversations()) complete_merge(core, link, c, there, completed);
  for (const ConnId id : ids) {
    Call* call = core.state.call(id);
    if (call == nullptr) continue;
    if (const auto known = there.find(call->conversation); known != there.end()) {
      reconcile(core, *call, *known->second, tlib::CallStateSystemError);
    } else {
      end_call(core, *call, {.state = tlib::CallStateSystemError, .order = false});
    }
  }
}

void not_given_back(Core& core, CtiLink& link) {
  core.log(LogLevel::Standard, "link " + link.name + ": calls given back were not taken in time, they end");
  const std::vector<ConnId> ids = ids_given_back(link);
  link.given_back.clear();
  set_aside_untold(core, link);
  for (const ConnId id : ids) {
    if (Call* call = core.state.call(id)) end_call(core, *call, {.state = tlib::CallStateSystemError});
  }
}

void giver_lost(Core& core, CtiLink& link) {
  if (link.given_back.empty()) return;
  core.cancel_timer(link.takeover_timer);
  link.given_back.clear();
}

}  // namespace tandem::tserver
