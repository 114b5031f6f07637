#include "tserver/features/adoption.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "tserver/features/attempt.h"
#include "tserver/features/awaited.h"
#include "tserver/features/conference_address.h"
#include "tserver/features/ending.h"
#include "tserver/features/let_go.h"
#include "tserver/features/lobby.h"
#include "tserver/features/make_call.h"
#include "tserver/features/single_step.h"
#include "tserver/features/treatment.h"

namespace tandem::tserver {
namespace {

bool invited(const link::Party& party) {
  return party.state() == link::INVITING || party.state() == link::ALERTING;
}

bool settled(const link::Party& party) {
  return party.state() == link::CONNECTED || party.state() == link::HELD || party.state() == link::HELD_BY_PHONE;
}

Party to_party(Core& core, const link::Party& from, tlib::TDNRole role) {
  Party party;
  party.no = PartyNo{from.party()};
  party.device = core.state.device(Dn(from.dn()));
  if (party.device != nullptr && !party.device->extension()) party.device = nullptr;
  if (party.device == nullptr) party.address = from.dn().empty() ? "anonymous" : from.dn();
  party.call_id = from.call_id();
  party.role = role;
  if (invited(from)) {
    party.leg = LegState::Inviting;
    party.state = PartyState::Alerting;
  } else if (from.state() == link::OFFERED) {
    party.leg = LegState::Offered;
    party.state = PartyState::Dialing;
  } else {
    party.leg = LegState::Up;
    party.held_by_phone = from.state() == link::HELD_BY_PHONE;
    party.on_hold = from.state() == link::HELD;
    party.state = party.held_by_phone || party.on_hold ? PartyState::Held : PartyState::Connected;
    party.muted = from.audio().muted();
  }
  return party;
}

// Whom a call is made of, its originator first.
using Members = std::vector<const link::Party*>;

// Two who talk, or one who calls another, also one who has answered without the caller being told. The originator is
// the one who came in, else the first.
Members as_pair(const link::Conversation& conversation) {
  const link::Party* a = &conversation.parties(0);
  const link::Party* b = &conversation.parties(1);
  if (a->outgoing() && !b->outgoing()) std::swap(a, b);
  if (invited(*a) && !invited(*b)) std::swap(a, b);
  if (invited(*a) || b->state() == link::OFFERED) return {};
  if (a->state() == link::OFFERED && !invited(*b) && b->state() != link::CONNECTED) return {};
  return {a, b};
}

// Three or more, of whom two at least are up; one more may ring. Others are not taken along.
Members as_conference(const link::Conversation& conversation) {
  Members members;
  const link::Party* rings = nullptr;
  for (const link::Party& party : conversation.parties()) {
    if (settled(party)) members.push_back(&party);
    if (invited(party) && rings == nullptr) rings = &party;
  }
  if (members.size() < 2) return {};
  if (rings != nullptr) members.push_back(rings);
  return members;
}

// A DN of ours is in a call once; of the world outside, the same number may be in it twice.
Members members_of(const Core& core, const link::Conversation& conversation) {
  std::unordered_set<std::uint64_t> numbers;
  std::unordered_set<Dn> names;
  for (const link::Party& party : conversation.parties()) {
    if (party.party() == 0 || party.state() == link::PARTY_STATE_NONE) return {};
    if (!numbers.insert(party.party()).second) return {};
    const Dn name(party.dn());
    if (core.state.devices.contains(name) && !names.insert(name).second) return {};
  }
  if (conversation.parties_size() < 2) return {};
  return conversation.parties_size() == 2 ? as_pair(conversation) : as_conference(conversation);
}

// The calls on one link that each leg is in.
class Legs {
 public:
  Legs(const CtiLink& link, const std::unordered_set<ConversationNo>& but) {
    for (const auto& [no, call] : link.conversations)
      if (!but.contains(no)) add(*call);
  }
  void add(const Call& call) {
    for (const Party& party : call.parties) {
      if (party.no) calls_.emplace(party.no, call.id);
    }
  }
  auto of(PartyNo leg) const { return calls_.equal_range(leg); }

 private:
  std::unordered_multimap<PartyNo, ConnId> calls_;
};

// A leg that is in several conversations is that of one DN, and heard in one of them.
bool legs_fit(Core& core, const Legs& legs, const Members& members) {
  for (const link::Party* party : members) {
    const auto [first, last] = legs.of(PartyNo{party->party()});
    for (auto it = first; it != last; ++it) {
      Call* call = core.state.call(it->second);
      const Party* known = call == nullptr ? nullptr : call->party(it->first);
      if (known == nullptr) continue;
      const bool active = known->state == PartyState::Connected || known->state == PartyState::Dialing;
      if (known->device == nullptr || known->device != core.state.device(Dn(party->dn()))) return false;
      if (active && party->state() != link::HELD && party->state() != link::HELD_BY_PHONE) return false;
    }
  }
  return true;
}

tlib::TCallType call_type(const Call& call) {
  const Party& first = call.parties.front();
  if (first.device == nullptr) return tlib::CallTypeInbound;
  const bool all_ours =
      std::all_of(call.parties.begin(), call.parties.end(), [](const Party& p) { return p.device != nullptr; });
  return all_ours ? tlib::CallTypeInternal : tlib::CallTypeOutbound;
}

// The call a DN had on the same leg before this one: this is a consultation then.
void find_main(Core& core, Call& call) {
  for (Party& party : call.parties) {
    const auto calls = core.state.memberships(call, party);
    if (party.device == nullptr || calls.size() < 2) continue;
    call.main = (*std::min_element(calls.begin() + 1, calls.end(), [](Call* a, Call* b) { return a->id < b->id; }))->id;
    call.type = tlib::CallTypeConsult;
    if (call.conference()) return;
    for (Party& other : call.parties) other.role = &other == &party ? tlib::RoleOrigination : tlib::RoleDestination;
    return;
  }
}

// The members as its parties; who rings, or null.
const Party* fill(Core& core, Call& call, const Members& members) {
  const Party* rings = nullptr;
  for (const link::Party* from : members) {
    const auto role = call.parties.empty() ? tlib::RoleOrigination : tlib::RoleDestination;
    const Party& party = core.state.add_party(call, to_party(core, *from, role));
    if (party.leg == LegState::Inviting) rings = &party;
  }
  if (members.size() > 2) make_conference(call);
  if (Party& caller = call.parties.front(); rings == nullptr && caller.leg == LegState::Offered) {
    caller.leg = LegState::Up;
    caller.state = PartyState::Connected;
    core.admit(call, caller, link::Admit::ANSWER);
  }
  return rings;
}

void go_on_ringing(Core& core, Call& call, const Party* rings) {
  if (rings == nullptr) return;
  Party& caller = call.parties.front();
  const bool dials = call.parties.size() == 2 && caller.state != PartyState::Held;
  if (dials) caller.state = PartyState::Dialing;
  resume_attempt(core, call, *rings, dials ? Attempt::Purpose::Direct : Attempt::Purpose::Joining);
}

Call& take_up(Core& core, CtiLink& link, const link::Conversation& conversation, const Members& members) {
  Call& call = core.state.create_call(link.no, ConversationNo{conversation.conversation()},
                                      ConnId{conversation.conn_id()}, conversation.call_uuid());
  call.conversation_id = conversation.conversation_id();
  const Party* const rings = fill(core, call, members);
  call.type = call_type(call);
  call.dialed = std::next(call.parties.begin())->name();
  if (call.type == tlib::CallTypeInbound) call.ani = call.parties.front().name();
  if (conversation.conn_id() == 0) order_tag(core, call);
  find_main(core, call);
  recover_conference_address(core, call, conversation);
  go_on_ringing(core, call, rings);
  for (const link::Party& party : conversation.parties()) {
    const PartyNo no{party.party()};
    if (call.party(no) != nullptr) continue;
    core.remove(call, no, 480);
  }
  core.log(LogLevel::Standard, call, call.dialed, "taken up from " + link.application);
  return call;
}

void adopt(Core& core, CtiLink& link, Legs& legs, const link::Conversation& conversation) {
  const ConversationNo no{conversation.conversation()};
  const Members members = members_of(core, conversation);
  const ConnId conn_id{conversation.conn_id()};
  // An order to release it may have been lost with the link.
  const bool over =
      core.state.is_over(conn_id) || core.state.identity.made_link_id(no.value) || link.given_up.contains(no);
  if (members.empty() || over || core.state.call(conn_id) != nullptr || !no || link.conversations.contains(no) ||
      !legs_fit(core, legs, members)) {
    core.log(LogLevel::Standard,
             "link " + link.name + ": conversation " + to_string(no) + " is released, it can't be taken up");
    end_there(core, link, no);
    return;
  }
  legs.add(take_up(core, link, conversation, members));
}

}  // namespace

bool not_heard_of(const link::Conversation& conversation) {
  return conversation.conn_id() == 0 && conversation.parties_size() == 1 &&
         conversation.parties(0).state() == link::OFFERED && !conversation.parties(0).outgoing();
}

void adopt(Core& core, CtiLink& link, std::vector<const link::Conversation*> conversations) {
  // Main calls before what was made from them; those without a ConnID last.
  std::stable_sort(conversations.begin(), conversations.end(),
                   [](const auto* a, const auto* b) { return a->conn_id() - 1 < b->conn_id() - 1; });
  Legs legs(link, {});
  for (const link::Conversation* conversation : conversations) adopt(core, link, legs, *conversation);
}

namespace {

// Somebody is in it whom neither we nor the former primary, as far as it told, ever invited; or who picked it up. Who
// entered by a conference's address may have to wait outside, and is not taken along.
bool outdated(const Core& core, const Call& call, const link::Conversation& conversation) {
  return std::any_of(conversation.parties().begin(), conversation.parties().end(), [&](const link::Party& party) {
    if (call.party(PartyNo{party.party()}) != nullptr) return false;
    if (!Identity::of_a_tserver(party.party())) return settled(party) && conversation.conference_uri().empty();
    return !core.state.identity.made_link_id(party.party());
  });
}

// What was under way in it, and who was in it.
void empty(Core& core, Call& call) {
  drop_treatment(core, call);
  core.cancel_timer(call.router_timer);
  if (call.attempt) {
    const Attempt attempt = end_attempt(core, call);
    if (attempt.asker) core.refuse(attempt.asker, {tlib::TERR_NO_CALL, "what came of it is not known"}, {}, &call);
  }
  close_lobby(core, call);
  while (!call.parties.empty()) {
    give_up_awaited(core, call, call.parties.front());
    core.state.remove_party(call, call.parties.front());
  }
}

}  // namespace

void renew_outdated(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  std::vector<std::pair<ConnId, const link::Conversation*>> all;
  // Legs of those that are over are in others by now, or nowhere.
  std::unordered_set<ConversationNo> renewed_or_over;
  for (const auto& [no, call] : link.conversations) renewed_or_over.insert(no);
  for (const link::Conversation& conversation : snapshot.conversations()) {
    const ConversationNo no{conversation.conversation()};
    const auto known = link.conversations.find(no);
    if (known == link.conversations.end()) continue;
    if (outdated(core, *known->second, conversation)) {
      all.emplace_back(known->second->id, &conversation);
    } else {
      renewed_or_over.erase(no);
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Legs legs(link, renewed_or_over);
  std::erase_if(all, [&](const auto& one) {
    const Members members = members_of(core, *one.second);
    // Else who isn't known of here had left, which the Connector hasn't heard of.
    return members.empty() || !legs_fit(core, legs, members);
  });
  for (const auto& [id, conversation] : all) empty(core, *core.state.call(id));
  for (const auto& [id, conversation] : all) {
    Call* const call = core.state.call(id);
    const Members members = members_of(core, *conversation);
    if (!legs_fit(core, legs, members)) {
      core.order(*call, {}, [](link::Command& command) { command.mutable_release(); });
      core.state.remove_call(*call);
      continue;
    }
    go_on_ringing(core, *call, fill(core, *call, members));
    legs.add(*call);
    // A leg is mute in all its calls or in none.
    for (const Party& party : call->parties) {
      for (Call* other : core.state.memberships(*call, party)) other->party(party.no)->muted = party.muted;
    }
    core.log(LogLevel::Standard, *call, call->dialed, "went on after we were told of it, taken up as it is there");
  }
}

}  // namespace tandem::tserver
