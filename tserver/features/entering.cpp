#include "tserver/features/entering.h"

#include "tserver/features/attempt.h"
#include "tserver/features/awaited.h"
#include "tserver/features/hold.h"
#include "tserver/features/lobby.h"
#include "tserver/features/party_events.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"
#include "tserver/features/topology.h"

namespace tandem::tserver {
namespace {

Party newcomer(const link::Happening& happening, Device* caller, tlib::TDNRole role) {
  const link::Offered& offered = happening.offered();
  Party party;
  party.no = PartyNo{happening.party()};
  party.device = caller;
  if (caller == nullptr) party.address = offered.from().empty() ? "anonymous" : offered.from();
  party.role = role;
  party.state = PartyState::Connected;
  party.leg = LegState::Up;
  party.call_id = offered.call_id();
  return party;
}

// The same DN on another leg: nobody sees a difference.
void change_leg(Core& core, Call& call, Party& party, const Party& now) {
  if (party.held_by_phone) phone_held(core, call, party, false);
  give_up_awaited(core, call, party);
  const PartyNo before = party.no;
  party.no = now.no;
  party.call_id = now.call_id;
  core.admit(call, party, link::Admit::ANSWER);
  if (party.on_hold) core.order(call, party.no, [](link::Command& command) { command.mutable_hold()->set_on(true); });
  if (party.muted) core.order(call, party.no, [](link::Command& command) { command.mutable_audio()->set_muted(true); });
  core.remove(call, before);
  core.log(LogLevel::Interaction, call, party.name(), "is on another leg");
}

// As in a transfer in one step, but the new party came by itself.
void take_place(Core& core, Call& call, Party& old, Party now) {
  now.in_place_of = old.no;
  now.queue = old.queue;
  Party& party = core.state.add_party(call, std::move(now));
  core.log(LogLevel::Interaction, call, party.name(), "takes the place of " + old.name());
  core.admit(call, party, link::Admit::ANSWER);
  core.tell(call, party, tlib::EventRinging, {.state = tlib::CallStateTransferred});
  tell_established(core, call, party);
  hand_over(core, call, old, party.name(), party.role, {}, true);
  party.in_place_of = {};
  topology_changed(core, call);
}

// Who rings is answered for by another phone: a pickup.
void pick_up(Core& core, Call& call, Party& ringing, const Party& now) {
  core.log(LogLevel::Interaction, call, ringing.name(), "is answered for by " + now.name());
  core.remove(call, ringing.no);
  give_up_awaited(core, call, ringing);
  ringing.no = now.no;
  call.attempt->leg = now.no;
  core.admit(call, ringing, link::Admit::ANSWER);
  link::Answered answered;
  answered.set_dn(now.name());
  answered.set_call_id(now.call_id);
  attempt_answered(core, call, answered);
}

std::uint32_t replace(Core& core, Call& call, const link::Happening& happening, Device* caller) {
  if (!happening.offered().from_authenticated()) return 403;
  Party* old = call.party(PartyNo{happening.offered().replaces()});
  if (old == nullptr) return 481;
  if (caller != old->device && call.party(caller) != nullptr) return 486;
  Party now = newcomer(happening, caller, old->role);
  if (old->state == PartyState::Alerting && call.invites(*old)) {
    pick_up(core, call, *old, now);
    return 0;
  }
  if (old->leg != LegState::Up || old->state == PartyState::Dialing) return 481;
  if (call.attempt && call.attempt->by == old->no && call.attempt->purpose == Attempt::Purpose::Transfer)
    withdraw_attempt(core, call, {tlib::TERR_DISCON_CALL, "ThisDN left the call before the transfer was done"});
  if (caller == old->device && (caller != nullptr || now.name() == old->name())) {
    change_leg(core, call, *old, now);
  } else {
    take_place(core, call, *old, std::move(now));
  }
  return 0;
}

std::uint32_t join(Core& core, Call& call, const link::Happening& happening, Device* caller) {
  if (call.dialing() != nullptr || call.settled() == 0) return 480;
  if (call.party(caller) != nullptr) return 486;
  if (call.conference_address.lobby) return wait_in_lobby(core, call, happening, caller);
  let_in(core, call, newcomer(happening, caller, tlib::RoleConferenceMember));
  return 0;
}

}  // namespace

void let_in(Core& core, Call& call, Party newcomer) {
  newcomer.role = tlib::RoleConferenceMember;
  newcomer.state = PartyState::Connected;
  newcomer.leg = LegState::Up;
  Party& party = core.state.add_party(call, std::move(newcomer));
  make_conference(call);
  core.log(LogLevel::Interaction, call, party.name(), "enters the conference");
  core.admit(call, party, link::Admit::ANSWER);
  core.tell(call, party, tlib::EventDialing, {.no_other = true});
  tell_established(core, call, party, {.state = tlib::CallStateConferenced});
  for (const Party& other : call.parties) {
    if (&other == &party || other.state == PartyState::Queued || call.invites(other)) continue;
    core.tell(call, other, tlib::EventPartyAdded,
              {.state = tlib::CallStateConferenced,
               .third_party = &party.name(),
               .third_role = tlib::RoleAddedBy,
               .other = &party.name(),
               .other_role = tlib::RoleNewParty});
  }
  topology_changed(core, call);
}

void enter(Core& core, CtiLink& link, const link::Happening& happening, Device* caller) {
  Call* call = find_call(link, happening);
  const PartyNo no{happening.party()};
  if (call != nullptr && (call->party(no) != nullptr || waits_in_lobby(*call, no))) return;
  const bool replaces = happening.offered().replaces() != 0;
  std::uint32_t status = replaces ? 481 : 404;
  if (call != nullptr) status = (replaces ? replace : join)(core, *call, happening, caller);
  if (status == 0) return;
  core.log(LogLevel::Interaction, "Call-ID " + happening.offered().call_id() + " from " + happening.offered().from() +
                                      ": can't enter the call, refused with " + std::to_string(status));
  core.order(link, ConversationNo{happening.conversation()}, PartyNo{happening.party()},
             [&](link::Command& command) { command.mutable_reject()->set_status(status); });
}

}  // namespace tandem::tserver
