#include "tserver/features/takeover.h"

#include <algorithm>

#include "tserver/features/features.h"
#include "tserver/features/recovery.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxCallData = std::size_t{512} << 20;  // bytes kept of one Connector
constexpr std::size_t kMaxRestore = std::size_t{256} << 10;   // bytes of one command
constexpr std::uint32_t kConversation = 1;                    // kind of a record
constexpr std::chrono::seconds kAgain{1};

// Of its pool, up and to stay, the one with the fewest calls.
CtiLink* find_other(Core& core, const CtiLink& lost) {
  CtiLink* best = nullptr;
  for (CtiLink& link : core.state.links) {
    if (link.no == lost.no || !link.up || link.draining || link.pool != lost.pool) continue;
    if (best == nullptr || link.conversations.size() < best->conversations.size()) best = &link;
  }
  return best;
}

void set_timer(Core& core, CtiLink& link, Instant delay) {
  core.cancel_timer(link.takeover_timer);
  link.takeover_timer = core.set_timer(TimerKind::Takeover, link.no, ++link.generation, delay);
}

// What was released meanwhile is taken over, too, so that its phones are told; then it is released there.
void hand_over(Core& core, CtiLink& from, CtiLink& to) {
  core.log(LogLevel::Standard, "link " + from.name + ": away for too long, " + to.application + " takes over " +
                                   std::to_string(from.conversations.size()) + " calls");
  for (const auto& [key, data] : from.call_data) {
    if (key.first == kConversation) from.moved.insert(ConversationNo{key.second});
  }
  for (auto one = from.call_data.begin(); one != from.call_data.end();) {
    core.order(to, {}, {}, [&](link::Command& command) {
      auto& restore = *command.mutable_restore();
      for (std::size_t size = 0; one != from.call_data.end() && size < kMaxRestore; ++one) {
        restore.add_records(one->second);
        size += one->second.size();
      }
      restore.set_more(one != from.call_data.end());
    });
  }
  from.taken_by = to.no;
  from.taken_command = to.last_command;
  set_timer(core, from, core.settings().request_timeout);
}

void on_takeover(Core& core, const TimerKey& key) {
  if (key.subject >= core.state.links.size()) return;
  CtiLink& link = core.state.links[static_cast<std::size_t>(key.subject)];
  if (link.takeover_timer != key) return;
  link.takeover_timer.reset();
  if (link.taken_by) {
    core.log(LogLevel::Standard, "link " + link.name + ": its calls were not taken over in time, they are given up");
    link.taken_by.reset();
    return give_up_calls(core, link);
  }
  if (link.call_data.empty()) return;
  if (CtiLink* other = find_other(core, link)) return hand_over(core, link, *other);
  set_timer(core, link, kAgain);
}

void on_taken_over(Core& core, CtiLink& link, const link::Happening& happening) {
  const auto from = std::find_if(core.state.links.begin(), core.state.links.end(), [&](const CtiLink& other) {
    return other.taken_by == link.no && other.taken_command == happening.command();
  });
  if (from == core.state.links.end()) return;
  core.cancel_timer(from->takeover_timer);
  from->taken_by.reset();
  from->call_data.clear();
  from->call_data_bytes = 0;
  from->moved.clear();
  std::vector<std::pair<ConnId, const link::Conversation*>> moved;
  for (const link::Conversation& conversation : happening.taken_over().conversations()) {
    const ConversationNo no{conversation.conversation()};
    if (!from->up) from->moved.insert(no);
    from->given_up.erase(no);
    const auto known = from->conversations.find(no);
    if (known == from->conversations.end()) {
      core.order(link, no, {}, [](link::Command& command) { command.mutable_release(); });
      continue;
    }
    Call& call = *known->second;
    core.state.move_call(call, link.no);
    if (call.treatment) call.treatment->command = 0;
    call.conference_address.order = 0;
    core.log(LogLevel::Standard, call, call.dialed, "taken over by " + link.application);
    moved.emplace_back(call.id, &conversation);
  }
  give_up_calls(core, *from);
  if (!from->up) core.cancel_timer(from->loss_timer);
  for (const auto& [id, conversation] : moved) {
    if (Call* call = core.state.call(id)) reconcile(core, *call, *conversation, tlib::CallStateSystemError);
  }
}

}  // namespace

void keep_call_data(CtiLink& link, const link::CallData& data) {
  if (data.first()) {
    link.call_data.clear();
    link.call_data_bytes = 0;
  }
  for (const auto& put : data.put()) {
    const auto key = std::pair(put.kind(), put.number());
    if (const auto known = link.call_data.find(key); known != link.call_data.end()) {
      link.call_data_bytes -= known->second.size();
      if (put.data().empty()) link.call_data.erase(known);
    }
    if (put.data().empty() || link.call_data_bytes + put.data().size() > kMaxCallData) continue;
    link.call_data[key] = put.data();
    link.call_data_bytes += put.data().size();
  }
}

void await_takeover(Core& core, CtiLink& link) {
  for (CtiLink& other : core.state.links) {
    if (other.taken_by != link.no) continue;
    other.taken_by.reset();
    core.cancel_timer(other.takeover_timer);
    give_up_calls(core, other);
  }
  const bool alone = std::none_of(core.state.links.begin(), core.state.links.end(),
                                  [&](const CtiLink& other) { return other.no != link.no && other.pool == link.pool; });
  if (alone || core.settings().takeover_timeout.count() == 0 || link.call_data.empty() ||
      core.state.role == Role::Backup)
    return;
  set_timer(core, link, core.settings().takeover_timeout);
}

link::Snapshot disown_moved(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  if (!link.taken_by) core.cancel_timer(link.takeover_timer);
  link::Snapshot rest;
  for (const link::Conversation& conversation : snapshot.conversations()) {
    const ConversationNo no{conversation.conversation()};
    if (link.moved.contains(no)) {
      core.order(link, no, {}, [](link::Command& command) { command.mutable_disown(); });
    } else {
      *rest.add_conversations() = conversation;
    }
  }
  link.moved.clear();
  return rest;
}

void register_takeover(Table& table) {
  table.on(link::Happening::kTakenOver, on_taken_over);
  table.on(TimerKind::Takeover, on_takeover);
}

}  // namespace tandem::tserver
