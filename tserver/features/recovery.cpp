#include "tserver/features/recovery.h"

#include <algorithm>

#include "tserver/features/adoption.h"
#include "tserver/features/attempt.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/locations.h"
#include "tserver/features/service.h"
#include "tserver/features/session.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {
namespace {

std::vector<Call*> calls_on(const CtiLink& link) {
  std::vector<Call*> calls;
  for (const auto& [conversation, call] : link.conversations) calls.push_back(call);
  std::sort(calls.begin(), calls.end(), [](const Call* a, const Call* b) { return a->id < b->id; });
  return calls;
}

void give_up_calls(Core& core, CtiLink& link) {
  for (Call* call : calls_on(link)) end_call(core, *call, {.state = tlib::CallStateSystemError, .order = false});
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
    attempt_answered(core, call, answered);
    return;
  }
  call.attempt->heard = call.attempt->heard || leg->state() == link::ALERTING;
}

// Commands given in the last moment of a link may never have arrived.
void repeat_lost_commands(Core& core, Call& call, const link::Conversation& conversation) {
  for (const Party& party : call.parties) {
    const link::Party* known = party.no ? find(conversation, party.no) : nullptr;
    if (known != nullptr && known->state() == link::OFFERED && party.leg == LegState::Up) {
      core.admit(call, party, link::Admit::ANSWER);
    }
    if (known != nullptr && call.treatment && call.treatment->listener == party.no && !known->playing())
      treatment_lost(core, call);
  }
  for (const link::Party& known : conversation.parties()) {
    if (call.party(PartyNo{known.party()}) != nullptr) continue;
    core.order(call, PartyNo{known.party()}, [](link::Command& command) { command.mutable_remove()->set_status(480); });
  }
}

void reconcile(Core& core, Call& call, const link::Conversation& conversation) {
  const auto gone = std::find_if(call.parties.begin(), call.parties.end(), [&](const Party& party) {
    return party.no && !(call.attempt && call.attempt->leg == party.no) && find(conversation, party.no) == nullptr;
  });
  if (gone != call.parties.end()) {
    end_call(core, call, {.leaver = &*gone});
    return;
  }
  repeat_lost_commands(core, call, conversation);
  if (call.attempt) reconcile_attempt(core, call, conversation);
}

void reconcile(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  std::unordered_map<ConversationNo, const link::Conversation*> there;
  for (const link::Conversation& c : snapshot.conversations()) there.emplace(ConversationNo{c.conversation()}, &c);
  for (Call* call : calls_on(link)) {
    const auto it = there.find(call->conversation);
    if (it == there.end()) {
      end_call(core, *call, {.order = false});
    } else {
      reconcile(core, *call, *it->second);
    }
  }
}

void on_loss_timer(Core& core, const TimerKey& key) {
  if (key.subject >= core.state.links.size()) return;
  CtiLink& link = core.state.links[static_cast<std::size_t>(key.subject)];
  if (link.loss_timer != key) return;
  link.loss_timer.reset();
  core.log(LogLevel::Standard, "link " + link.name + ": the Connector did not come back, its calls are given up");
  give_up_calls(core, link);
}

}  // namespace

void link_up(Core& core, const LinkUp& input) {
  if (input.link >= core.state.links.size()) return;
  CtiLink& link = core.state.links[input.link];
  if (link.up) link_down(core, link.no, "connected again");
  const bool same = link.incarnation == input.hello.incarnation();
  if (!same) {
    give_up_calls(core, link);
    link.given_up.clear();  // the other incarnation has none of them
  }
  core.cancel_timer(link.loss_timer);
  link.up = true;
  link.incarnation = input.hello.incarnation();
  link.application = input.hello.application();
  for (const auto& [dn, device] : core.state.devices) std::erase(device->refused_by, link.no);
  ++core.state.links_up;
  core.log(LogLevel::Standard, "link " + link.name + ": connected to " + link.application + ", " +
                                   (same ? "the same" : "another") + " incarnation, " +
                                   std::to_string(input.snapshot.conversations_size()) + " conversations");
  if (core.state.links_up == 1) tell_link_status(core);
  review_service(core, "no Connector serves its pool");
  std::unordered_set<ConversationNo> known;
  for (const auto& [conversation, call] : link.conversations) known.insert(conversation);
  if (same) reconcile(core, link, input.snapshot);
  for (const link::Conversation& conversation : input.snapshot.conversations()) {
    if (!known.contains(ConversationNo{conversation.conversation()})) adopt(core, link, conversation);
  }
  link.given_up.clear();
  exchange_locations(core, link, input.snapshot);
}

void link_down(Core& core, LinkNo no, const std::string& why) {
  if (no >= core.state.links.size() || !core.state.links[no].up) return;
  CtiLink& link = core.state.links[no];
  link.up = false;
  --core.state.links_up;
  core.log(LogLevel::Standard,
           "link " + link.name + ": lost, " + why + "; " + std::to_string(link.conversations.size()) + " calls on it");
  if (!link.conversations.empty()) {
    link.loss_timer =
        core.set_timer(TimerKind::LinkLoss, link.no, ++link.generation, core.settings().link_loss_timeout);
  }
  if (core.state.links_up == 0) tell_link_status(core);
  review_service(core, "no Connector serves its pool");
}

void register_recovery(Table& table) {
  table.on(TimerKind::LinkLoss, on_loss_timer);
}

}  // namespace tandem::tserver
