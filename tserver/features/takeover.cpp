#include "tserver/features/takeover.h"

#include <algorithm>

#include "tserver/features/adoption.h"
#include "tserver/features/contested.h"
#include "tserver/features/features.h"
#include "tserver/features/giving_back.h"
#include "tserver/features/let_go.h"
#include "tserver/features/postponed.h"
#include "tserver/features/recovery.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxCallData = std::size_t{512} << 20;  // bytes kept of one Connector
constexpr std::size_t kMaxRestore = std::size_t{256} << 10;   // bytes of one command
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

bool is_conversation(const CallDataKey& key) {
  return key.first == kConversation;
}

// What was released meanwhile is taken over, too, so that its phones are told; then it is released there.
void hand_over(Core& core, CtiLink& from, CtiLink& to) {
  const auto calls = std::count_if(from.call_data.begin(), from.call_data.end(),
                                   [](const auto& one) { return is_conversation(one.first); });
  core.log(LogLevel::Standard, "link " + from.name + ": away for too long, " + to.application + " takes over " +
                                   std::to_string(calls) + " calls");
  for (const auto& [key, data] : from.call_data) {
    if (is_conversation(key)) from.moved.insert(ConversationNo{key.second});
  }
  std::vector<const std::string*> records;
  for (const auto& [key, data] : from.call_data) records.push_back(&data);
  order_restore(core, to, from, records);
  from.handed_over.clear();
  for (const auto& [no, call] : from.conversations) from.handed_over.insert(no);
  from.taken_by = to.no;
  from.taken_command = to.last_command;
  core.state.touched.links();
  await_taker(core, from);
}

// `to` has it now. What the call waits for is known to no Connector any more.
void move(Core& core, Call& call, CtiLink& to) {
  core.state.move_call(call, to.no);
  if (call.treatment) call.treatment->command = 0;
  call.conference_address.order = 0;
  core.log(LogLevel::Standard, call, call.dialed, "taken over by " + to.application);
}

// What the taker tells of them takes its place; should it die before, it is given back what it was given.
void pass_call_data(const Core& core, CtiLink& from, CtiLink& to, const link::TakenOver& taken) {
  const auto pass = [&](const CallDataKey& key) {
    if (to.call_data.contains(key)) return;
    if (auto known = from.call_data.extract(key)) to.former_call_data.insert(std::move(known));
  };
  for (const link::Conversation& conversation : taken.conversations()) {
    pass({kConversation, conversation.conversation()});
    for (const link::Party& party : conversation.parties()) pass({kParty, party.party()});
  }
  to.former_until = core.now.steady + core.settings().link_loss_timeout;
  forget_call_data(from);
}

// Its calls are its own again.
void not_taken_over(Core& core, CtiLink& link) {
  link.taken_by.reset();
  core.state.touched.links();
  if (link.up) {
    link.moved.clear();
    reclaim_contested(core, link);
    core.order(link, {}, {}, [](link::Command& command) { command.mutable_resume(); });
  } else if (!link.coming_up) {
    await_takeover(core, link);
  }
}

void on_takeover(Core& core, const TimerKey& key) {
  if (key.subject >= core.state.links.size()) return;
  CtiLink& link = core.state.links[static_cast<std::size_t>(key.subject)];
  if (link.takeover_timer != key) return;
  link.takeover_timer.reset();
  if (!link.given_back.empty()) return not_given_back(core, link);
  if (link.taken_by && core.state.links[*link.taken_by].up) {
    core.log(LogLevel::Standard, "link " + link.name + ": its calls were not taken over in time, they are given up");
    link.taken_by.reset();
    return give_up_handed_over(core, link);
  }
  if (link.taken_by) {
    contest(core, link);
    not_taken_over(core, link);
    return serve_postponed(core);
  }
  if (link.call_data.empty()) return;
  if (CtiLink* other = find_other(core, link)) return hand_over(core, link, *other);
  if (link.conversations.empty() && core.now.steady - link.lost_at > core.settings().link_loss_timeout)
    return forget_call_data(link);
  set_timer(core, link, kAgain);
}

// It took over what isn't its any more: the one that had them came back meanwhile, or they are over.
void let_go_taken(Core& core, CtiLink& link, const link::TakenOver& taken) {
  for (const link::Conversation& conversation : taken.conversations()) {
    const ConversationNo no{conversation.conversation()};
    if (link.conversations.contains(no) || link.merged.contains(no)) continue;
    if (contest_elsewhere(core, link, no)) {
      disown(core, link, no);
    } else {
      end_there(core, link, no);
    }
  }
  for (const CtiLink& other : core.state.links)
    if (other.up && other.no != link.no) reclaim_contested(core, other);
}

void on_taken_over(Core& core, CtiLink& link, const link::Happening& happening) {
  if (!link.given_back.empty() && link.given_back_command == happening.command())
    return given_back(core, link, happening.taken_over());
  const auto from = std::find_if(core.state.links.begin(), core.state.links.end(), [&](const CtiLink& other) {
    return other.taken_by == link.no && other.taken_command == happening.command();
  });
  if (from == core.state.links.end()) {
    if (happening.command() > link.first_command) let_go_taken(core, link, happening.taken_over());
    return;
  }
  core.cancel_timer(from->takeover_timer);
  from->taken_by.reset();
  pass_call_data(core, *from, link, happening.taken_over());
  from->moved.clear();
  core.state.touched.links();
  There there;
  std::vector<ConnId> moved;
  std::vector<const link::Conversation*> parts, strangers;
  for (const link::Conversation& conversation : happening.taken_over().conversations()) {
    const ConversationNo no{conversation.conversation()};
    there.emplace(no, &conversation);
    link.let_go.erase(no);
    from->moved.insert(no);
    if (from->merged.contains(no) || link.merged.contains(no)) {
      parts.push_back(&conversation);
      continue;
    }
    if (const auto known = from->conversations.find(no); known != from->conversations.end()) {
      Call& call = *known->second;
      move(core, call, link);
      moved.push_back(call.id);
    } else if (from->given_up.erase(no) != 0) {
      end_there(core, link, no);
    } else if (!not_heard_of(conversation)) {
      strangers.push_back(&conversation);
    }
  }
  give_up_handed_over(core, *from);
  core.cancel_timer(from->loss_timer);
  std::list<link::Conversation> completed;
  for (const link::Conversation* part : parts) {
    const ConversationNo no{part->conversation()};
    if (link.merged.contains(no)) {
      complete_merge(core, link, *part, there, completed);
    } else {
      end_there(core, link, no);
    }
  }
  for (const ConnId id : moved) {
    if (Call* call = core.state.call(id))
      reconcile(core, *call, *there.at(call->conversation), tlib::CallStateSystemError);
  }
  reclaim_contested(core, link);
  // We became primary without knowing of them.
  adopt(core, link, strangers);
  serve_postponed(core);
}

// What it came up with just now was on its disk; here, it lives. No T-Server knew that it had been taken over.
bool older(const Core& core, const CtiLink& from, const link::Snapshot& snapshot) {
  return from.stale && core.now.steady - *from.stale < core.settings().link_loss_timeout && !snapshot.stale();
}

}  // namespace

void order_restore(Core& core, CtiLink& to, const CtiLink& from, const std::vector<const std::string*>& records) {
  for (auto one = records.begin(); one != records.end();) {
    core.order(to, {}, {}, [&](link::Command& command) {
      auto& restore = *command.mutable_restore();
      for (std::size_t size = 0; one != records.end() && size < kMaxRestore; ++one) {
        restore.add_records(**one);
        size += (*one)->size();
      }
      restore.set_own(&from == &to);
      if (!restore.own()) restore.set_connector(from.application);
      restore.set_more(one != records.end());
    });
  }
}

void await_taker(Core& core, CtiLink& link) {
  set_timer(core, link, core.settings().request_timeout);
}

void keep_call_data(const Core& core, CtiLink& link, const link::CallData& data) {
  if (core.now.steady >= link.former_until) link.former_call_data.clear();
  if (data.first() && !link.up && !link.call_data.empty()) set_aside(core, link);
  if (data.first() && link.given_back.empty()) forget_call_data(link);
  if (data.first() && !link.given_back.empty()) keep_on_its_way(link);
  for (const auto& put : data.put()) {
    const auto key = std::pair(put.kind(), put.number());
    link.former_call_data.erase(key);  // it knows better
    link.untold.erase(key);
    if (const auto known = link.call_data.find(key); known != link.call_data.end()) {
      link.call_data_bytes -= known->second.size();
      if (put.data().empty()) link.call_data.erase(known);
    }
    if (put.data().empty() || link.call_data_bytes + put.data().size() > kMaxCallData) continue;
    link.call_data[key] = put.data();
    link.call_data_bytes += put.data().size();
  }
}

void note_taken_over(Core& core, CtiLink& by, const link::Happening& happening) {
  for (const link::Conversation& conversation : happening.taken_over().conversations()) {
    for (CtiLink& link : core.state.links) {
      if (link.no != by.no && !link.up && link.call_data.contains({kConversation, conversation.conversation()}))
        pass_call_data(core, link, by, happening.taken_over());
    }
  }
}

void forget_call_data(CtiLink& link) {
  link.call_data.clear();
  link.untold.clear();
  link.call_data_bytes = 0;
}

void forget_call_data(CtiLink& link, const CallDataKey& key) {
  const auto known = link.call_data.find(key);
  if (known == link.call_data.end()) return;
  link.call_data_bytes -= known->second.size();
  link.call_data.erase(known);
}

void take_back(Core& core, CtiLink& link) {
  if (!link.taken_by || takeover_unknown(link)) return;
  core.cancel_timer(link.takeover_timer);
  link.taken_by.reset();
  contest(core, link);
}

void taker_lost(Core& core, CtiLink& link) {
  for (CtiLink& other : core.state.links) {
    if (other.taken_by != link.no) continue;
    core.cancel_timer(other.takeover_timer);
    contest(core, other);
    not_taken_over(core, other);
  }
}

void await_takeover(Core& core, CtiLink& link) {
  const bool alone = std::none_of(core.state.links.begin(), core.state.links.end(),
                                  [&](const CtiLink& other) { return other.no != link.no && other.pool == link.pool; });
  if (alone || core.settings().takeover_timeout.count() == 0 || core.state.role == Role::Backup) return;
  bring_back_untold(core, link);
  if (link.call_data.empty()) return;
  const Instant away = core.now.steady - link.lost_at;
  set_timer(core, link, std::max<Instant>(core.settings().takeover_timeout - away, Instant{0}));
}

bool takeover_unknown(const CtiLink& link) {
  return link.taken_by && link.taken_command == 0;
}

void await_unknown(Core& core, CtiLink& link) {
  if (core.now.steady - link.lost_at > core.settings().link_loss_timeout) forget_call_data(link);
  await_takeover(core, link);
}

void find_moved(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  for (CtiLink& from : core.state.links) {
    const bool told = takeover_unknown(from) && from.taken_by == link.no;
    if (from.no == link.no || (from.up && !told && !older(core, from, snapshot))) continue;
    for (const link::Conversation& conversation : snapshot.conversations()) {
      const ConversationNo no{conversation.conversation()};
      const auto known = from.conversations.find(no);
      if (known == from.conversations.end() || link.moved.contains(no)) continue;
      move(core, *known->second, link);
      forget_call_data(from, {kConversation, no.value});  // the rest of it is void without
      if (from.up) {
        disown(core, from, no);
        reclaim(core, *link.conversations.at(no));
      } else {
        from.moved.insert(no);
      }
    }
    if (!told) continue;
    // What it hasn't it never heard of.
    if (from.conversations.empty()) forget_call_data(from);
    core.cancel_timer(from.takeover_timer);
    not_taken_over(core, from);
  }
}

void register_takeover(Table& table) {
  table.on(link::Happening::kTakenOver, on_taken_over);
  table.on(TimerKind::Takeover, on_takeover);
}

}  // namespace tandem::tserver
