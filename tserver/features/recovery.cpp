#include "tserver/features/recovery.h"

#include <algorithm>
#include <list>
#include <utility>

#include "tserver/features/adoption.h"
#include "tserver/features/attempt.h"
#include "tserver/features/conference_address.h"
#include "tserver/features/contested.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/giving_back.h"
#include "tserver/features/hold.h"
#include "tserver/features/leaving.h"
#include "tserver/features/let_go.h"
#include "tserver/features/lobby.h"
#include "tserver/features/locations.h"
#include "tserver/features/make_call.h"
#include "tserver/features/postponed.h"
#include "tserver/features/service.h"
#include "tserver/features/session.h"
#include "tserver/features/takeover.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {
namespace {

std::vector<Call*> calls_on(const CtiLink& link) {
  std::vector<Call*> calls;
  for (const auto& [conversation, call] : link.conversations) calls.push_back(call);
  std::sort(calls.begin(), calls.end(), [](const Call* a, const Call* b) { return a->id < b->id; });
  return calls;
}

const link::Party* find(const link::Conversation& conversation, PartyNo no) {
  for (const link::Party& party : conversation.parties()) {
    if (party.party() == no.value) return &party;
  }
  return nullptr;
}

bool connected(link::PartyState state) {
  return state == link::CONNECTED || state == link::HELD || state == link::HELD_BY_PHONE;
}

// What happened to the party being invited while the Connector was away. The call may be gone after it.
void reconcile_attempt(Core& core, Call& call, const link::Conversation& conversation) {
  const link::Party* leg = find(conversation, call.attempt->leg);
  if (leg == nullptr && !call.attempt->heard) return repeat_attempt(core, call);
  if (leg == nullptr) {
    attempt_missed(core, call,
                   {tlib::TERR_CONN_ATTEMPT_FAILED,
                    tlib::CallStateGeneralError,
                    500,
                    "the destination was lost with the Connector's link",
                    false,
                    {}});
    return;
  }
  if (connected(leg->state())) {
    link::Answered answered;
    answered.set_call_id(leg->call_id());
    return attempt_answered(core, call, answered);
  }
  call.attempt->heard = call.attempt->heard || leg->state() == link::ALERTING;
}

// Who should be held is, and who shouldn't isn't; what the phone did by itself meanwhile is told.
void repeat_holds(Core& core, Call& call, const link::Conversation& conversation) {
  for (Party& party : call.parties) {
    const link::Party* known = party.no ? find(conversation, party.no) : nullptr;
    if (known == nullptr || party.leg != LegState::Up) continue;
    const bool at_phone = known->state() == link::HELD_BY_PHONE;
    if (connected(known->state()) && known->state() != link::HELD && at_phone != party.held_by_phone)
      phone_held(core, call, party, at_phone);
    const bool held = known->state() == link::HELD;
    const bool there = connected(known->state()) || known->state() == link::OFFERED;  // that one is being answered
    if (party.state == PartyState::Dialing || !there || held == party.on_hold) continue;
    core.order(call, party.no, [&](link::Command& command) { command.mutable_hold()->set_on(party.on_hold); });
  }
}

// Commands given in the last moment of a link may never have arrived.
void repeat_lost_commands(Core& core, Call& call, const link::Conversation& conversation) {
  for (const Party& party : call.parties) {
    const link::Party* known = party.no ? find(conversation, party.no) : nullptr;
    if (known != nullptr && known->state() == link::OFFERED && party.leg == LegState::Up) {
      core.admit(call, party, link::Admit::ANSWER);
    }
    if (known != nullptr && known->audio().muted() != party.muted)
      core.order(call, party.no, [&](link::Command& command) { command.mutable_audio()->set_muted(party.muted); });
    if (known != nullptr && call.treatment && call.treatment->listener == party.no && !known->playing())
      treatment_lost(core, call);
  }
  for (const link::Party& known : conversation.parties()) {
    const PartyNo no{known.party()};
    if (call.party(no) != nullptr || waits_in_lobby(call, no)) continue;
    core.remove(call, no, 480);
  }
}

}  // namespace

void give_up_calls(Core& core, CtiLink& link) {
  for (Call* call : calls_on(link)) end_call(core, *call, {.state = tlib::CallStateSystemError, .order = false});
}

void give_up_handed_over(Core& core, CtiLink& link) {
  const auto handed_over = std::exchange(link.handed_over, {});
  for (Call* call : calls_on(link)) {
    if (handed_over.contains(call->conversation))
      end_call(core, *call, {.state = tlib::CallStateSystemError, .order = false});
  }
}

void reconcile(Core& core, Call& call, const link::Conversation& conversation, tlib::TCallState lost) {
  const ConnId id = call.id;
  CtiLink& link = core.state.link_of(call);
  const ConversationNo no = call.conversation;
  const bool others =
      std::any_of(conversation.parties().begin(), conversation.parties().end(),
                  [&](const link::Party& party) { return call.party(PartyNo{party.party()}) == nullptr; });
  const auto gone = [&] {
    return std::find_if(call.parties.begin(), call.parties.end(), [&](const Party& party) {
      return party.no && !call.invites(party) && find(conversation, party.no) == nullptr;
    });
  };
  for (auto party = gone(); party != call.parties.end(); party = gone()) {
    leave_call(core, call, *party, {.state = lost, .order = false});
    if (core.state.call(id) != nullptr) continue;
    // Who is in it there was given up here.
    if (others) end_there(core, link, no);
    return;
  }
  // It had answered, which the Connector forgot: nobody can tell it to talk again.
  const auto rings_again = [&] {
    return std::find_if(call.parties.begin(), call.parties.end(), [&](const Party& party) {
      const link::Party* known = party.no && party.leg == LegState::Up ? find(conversation, party.no) : nullptr;
      return known != nullptr && (known->state() == link::INVITING || known->state() == link::ALERTING);
    });
  };
  for (auto party = rings_again(); party != call.parties.end(); party = rings_again()) {
    core.remove(call, party->no, 480);
    leave_call(core, call, *party, {.state = tlib::CallStateSystemError, .order = false});
    if (core.state.call(id) == nullptr) return;
  }
  // The former primary had it answered.
  for (Party& party : call.parties) {
    const link::Party* known = party.leg == LegState::Offered ? find(conversation, party.no) : nullptr;
    if (known != nullptr && connected(known->state())) party.leg = LegState::Up;
  }
  if (conversation.conn_id() != call.id.value) order_tag(core, call);
  repeat_lost_commands(core, call, conversation);
  reconcile_lobby(core, call, conversation);
  recover_conference_address(core, call, conversation);
  if (call.attempt) reconcile_attempt(core, call, conversation);
  if (Call* still = core.state.call(id)) repeat_holds(core, *still, conversation);
}

There by_number(const google::protobuf::RepeatedPtrField<link::Conversation>& conversations) {
  There there;
  for (const link::Conversation& c : conversations) there.emplace(ConversationNo{c.conversation()}, &c);
  return there;
}

void complete_merge(Core& core, CtiLink& link, const link::Conversation& conversation, There& there,
                    std::list<link::Conversation>& completed) {
  const auto merged = link.merged.find(ConversationNo{conversation.conversation()});
  if (merged == link.merged.end()) return;
  const ConversationNo into = merged->second->conversation;
  const auto target = there.find(into);
  if (target == there.end()) {
    // Whoever was in that one has left: the call ends here, and so do those who were to join it. One that is given back
    // comes with them.
    if (link.given_back.contains(into)) return;
    end_there(core, link, merged->first);
    return;
  }
  core.order(link, merged->first, {}, [&](link::Command& command) { command.mutable_merge()->set_into(into.value); });
  link::Conversation& both = completed.emplace_back(*target->second);
  for (const link::Party& party : conversation.parties()) {
    if (find(both, PartyNo{party.party()}) == nullptr) *both.add_parties() = party;
  }
  target->second = &both;
}

namespace {

// `same`: the incarnation they were on before; else what isn't there was lost with it.
void reconcile(Core& core, CtiLink& link, const link::Snapshot& snapshot, bool same) {
  const tlib::TCallState lost = same ? tlib::CallStateOk : tlib::CallStateSystemError;
  There there = by_number(snapshot.conversations());
  std::list<link::Conversation> completed;
  for (const link::Conversation& c : snapshot.conversations()) complete_merge(core, link, c, there, completed);
  if (link.taken_by) return;  // they are on their way to another
  for (Call* call : calls_on(link)) {
    if (link.given_back.contains(call->conversation)) continue;
    const auto it = there.find(call->conversation);
    if (it == there.end()) {
      end_call(core, *call, {.state = lost, .order = false});
    } else {
      reconcile(core, *call, *it->second, lost);
    }
  }
}

// Calls wait on, and sessions that go on with us were asked; others were not, and may be of the same applications.
void ask_for_instructions(Core& core, const CtiLink& link) {
  for (const Call* call : calls_on(link)) {
    const Party* rp = call->routing_point();
    if (rp != nullptr && !call->attempt && !call->treatment) core.tell_newcomers(*call, *rp, tlib::EventRouteRequest);
  }
}

// A Connector that started anew has taken its calls up again, or not: those that it hasn't are over.
void end_lost(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  if (link.taken_by) return;
  std::unordered_set<ConversationNo> there(link.given_back);
  for (const link::Conversation& c : snapshot.conversations()) there.insert(ConversationNo{c.conversation()});
  for (Call* call : calls_on(link)) {
    if (!there.contains(call->conversation))
      end_call(core, *call, {.state = tlib::CallStateSystemError, .order = false});
  }
}

void on_loss_timer(Core& core, const TimerKey& key) {
  if (key.subject >= core.state.links.size()) return;
  CtiLink& link = core.state.links[static_cast<std::size_t>(key.subject)];
  if (link.loss_timer != key) return;
  link.loss_timer.reset();
  core.cancel_timer(link.takeover_timer);
  link.taken_by.reset();
  forget_call_data(link);
  core.log(LogLevel::Standard, "link " + link.name + ": the Connector did not come back, its calls are given up");
  give_up_calls(core, link);
}

}  // namespace

void link_up(Core& core, const LinkUp& input) {
  if (input.link >= core.state.links.size()) return;
  core.state.touched.everything();
  CtiLink& link = core.state.links[input.link];
  if (link.up) link_down(core, link.no, "connected again");
  const bool backup = core.state.role == Role::Backup;
  const bool same = link.incarnation == input.hello.incarnation();
  if (!backup) take_back(core, link);
  if (!same) note_lacking(core, link, input.snapshot);
  if (link.coming_up || (!same && !backup)) note_lacking_since(core, link, input.snapshot);
  if (!same) end_lost(core, link, input.snapshot);
  // It may have waited for the word of a T-Server that is gone.
  const bool resume = (!same || link.coming_up) && input.snapshot.conversations_size() > 0 && !takeover_unknown(link);
  core.cancel_timer(link.loss_timer);
  link.let_go.clear();
  link.up = true;
  if (std::exchange(link.lost, false)) link.returned = core.now.steady;
  link.stale = input.snapshot.stale() ? std::optional(core.now.steady) : std::nullopt;
  link.draining = input.snapshot.draining();
  const bool taken_over = std::exchange(link.coming_up, false);
  link.incarnation = input.hello.incarnation();
  link.application = input.hello.application();
  for (const auto& [dn, device] : core.state.devices) std::erase(device->refused_by, link.no);
  ++core.state.links_up;
  core.log(LogLevel::Standard, "link " + link.name + ": connected to " + link.application + ", " +
                                   (same ? "the same" : "another") + " incarnation, " +
                                   std::to_string(input.snapshot.conversations_size()) + " conversations");
  if (core.state.links_up == 1) tell_link_status(core);
  review_service(core, "no Connector serves its pool");
  if (backup) return exchange_locations(core, link, input.snapshot);  // its calls are the primary's
  find_moved(core, link, input.snapshot);
  const bool called = (!same || taken_over) && !input.snapshot.stale();
  link::Snapshot snapshot = disown_moved(core, link, input.snapshot, called);
  if (!same || !link.given_back.empty()) snapshot = give_back(core, link, snapshot);
  if (taken_over && !link.taken_by) renew_outdated(core, link, snapshot);
  std::unordered_set<ConversationNo> known;
  for (const auto& [conversation, call] : link.conversations) known.insert(conversation);
  for (const auto& [conversation, call] : link.merged) known.insert(conversation);
  reconcile(core, link, snapshot, same);
  reclaim_contested(core, link);
  std::vector<const link::Conversation*> strangers;
  for (const link::Conversation& conversation : snapshot.conversations()) {
    const ConversationNo number{conversation.conversation()};
    if (known.contains(number) || (not_heard_of(conversation) && !link.given_up.contains(number))) continue;
    strangers.push_back(&conversation);
  }
  adopt(core, link, strangers);
  link.given_up.clear();
  if (taken_over) ask_for_instructions(core, link);
  exchange_locations(core, link, input.snapshot);
  if (resume) core.order(link, {}, {}, [](link::Command& command) { command.mutable_resume(); });
  serve_postponed(core);
}

void link_down(Core& core, LinkNo no, const std::string& why) {
  if (no >= core.state.links.size()) return;
  core.state.touched.links();
  CtiLink& link = core.state.links[no];
  if (std::exchange(link.coming_up, false)) {
    core.log(LogLevel::Standard, "link " + link.name + ": lost before its snapshot came, " + why);
    link.lost_at = core.now.steady;
    taker_lost(core, link);
    if (!link.takeover_timer) await_takeover(core, link);
    review_service(core, "no Connector serves its pool");
  }
  if (!link.up) return;
  giver_lost(core, link);
  link.up = false;
  link.lost = true;
  link.lost_at = core.now.steady;
  --core.state.links_up;
  core.log(LogLevel::Standard,
           "link " + link.name + ": lost, " + why + "; " + std::to_string(link.conversations.size()) + " calls on it");
  if (!link.conversations.empty()) {
    link.loss_timer =
        core.set_timer(TimerKind::LinkLoss, link.no, ++link.generation, core.settings().link_loss_timeout);
  }
  taker_lost(core, link);
  await_takeover(core, link);
  if (core.state.links_up == 0) tell_link_status(core);
  review_service(core, "no Connector serves its pool");
}

void register_recovery(Table& table) {
  table.on(TimerKind::LinkLoss, on_loss_timer);
}

}  // namespace tandem::tserver
