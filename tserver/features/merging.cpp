#include "tserver/features/merging.h"

#include <algorithm>

#include "tserver/features/attempt.h"
#include "tserver/features/awaited.h"
#include "tserver/features/conference_address.h"
#include "tserver/features/features.h"
#include "tserver/features/hold.h"
#include "tserver/features/lobby.h"
#include "tserver/features/party_events.h"
#include "tserver/features/pass_through.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"
#include "tserver/features/topology.h"
#include "tserver/features/treatment.h"
#include "tserver/features/virtual_queue.h"

namespace tandem::tserver {
namespace {

ConnId second_call(const tlib::Message& message) {
  for (const std::uint64_t id : {message.transferconnid(), message.conferenceconnid(), message.previousconnid()}) {
    if (id != 0 && id != message.connid()) return ConnId{id};
  }
  return {};
}

// Everybody but `self`, as long as the list isn't changed.
std::vector<const Party*> all_but(const Call& call, const Party& self) {
  std::vector<const Party*> all;
  for (const Party& party : call.parties) {
    if (&party != &self) all.push_back(&party);
  }
  return all;
}

std::vector<const Party*> real(std::vector<const Party*> parties) {
  std::erase_if(parties, [](const Party* p) { return p->state == PartyState::Queued; });
  return parties;
}

// The one real party among them, or the Routing Point that is there alone.
const Party* only(const std::vector<const Party*>& parties) {
  const auto some = real(parties);
  if (some.size() == 1) return some.front();
  return parties.size() == 1 ? parties.front() : nullptr;
}

// Both calls' parties are in `main` after it; what was under way in the other goes on there.
void merge(Core& core, const TwoCalls& calls) {
  Call& main = *calls.main;
  Call& consult = *calls.consult;
  const bool waits = consult.routing_point() != nullptr && !consult.attempt;
  core.cancel_timer(consult.router_timer);
  std::optional<Attempt> attempt;
  if (consult.attempt) attempt = end_attempt(core, consult);
  core.log(LogLevel::Interaction, main, calls.device->dn.str(), "merged with " + to_string(consult.id));
  move_treatment(core, consult, main);
  move_conference_address(consult, main);
  move_lobby(core, consult, main);
  move_virtual_queues(core, consult, main);
  core.state.merge_calls(main, consult);
  if (attempt) move_attempt(core, std::move(*attempt), main);
  if (waits) wait_for_instruction(core, main);
}

// What a party that leaves was listening to is over; what somebody else hears goes on.
void stop_listening(Core& core, Call& call, const Party& party) {
  if (call.treatment && call.treatment->listener == party.no) drop_treatment(core, call);
}

void order_merge(Core& core, const TwoCalls& calls) {
  core.order(*calls.consult, {},
             [&](link::Command& command) { command.mutable_merge()->set_into(calls.main->conversation.value); });
}

}  // namespace

TwoCalls in_order(Device& device, Call& a, Party& in_a, Call& b, Party& in_b) {
  const auto& calls = device.calls;
  const bool b_is_older = std::find(calls.begin(), calls.end(), &b) < std::find(calls.begin(), calls.end(), &a);
  const bool b_is_main = a.main == b.id || (b.main != a.id && b_is_older);
  if (b_is_main) return {&device, &b, &a, &in_b, &in_a};
  return {&device, &a, &b, &in_a, &in_b};
}

Result<TwoCalls, Refusal> check_two_calls(Core& core, const Request& request) {
  const auto device = check_device(core, request, true);
  if (!device) return device.error();
  const ConnId first{request.message.connid()}, second = second_call(request.message);
  if (!second) return refusal(tlib::TERR_INVALID_ATTR, "the ConnID of the second call is missing");
  Call* a = core.state.call(first);
  Call* b = core.state.call(second);
  if (a == nullptr || b == nullptr) {
    const Call* left = a != nullptr ? a : b;
    if (left != nullptr && left->main == (a != nullptr ? second : first))
      return refusal(tlib::TERR_DISCON_CALL, "the main call is over");
    return refusal(tlib::TERR_INV_CONNID, "ConnID is not that of a call");
  }
  if (!core.state.link_of(*a).up || !core.state.link_of(*b).up)
    return refusal(tlib::TERR_NO_SWITCH, "the call's Connector is not connected");
  Party* in_a = a->party(*device);
  Party* in_b = b->party(*device);
  if (in_a == nullptr || in_b == nullptr)
    return refusal(tlib::TERR_PARTY_NOT_ON_CALL, "ThisDN is not a party of both calls");
  return in_order(**device, *a, *in_a, *b, *in_b);
}

// The phone's hold is its leg's, which may be in a third call, too.
static bool held_in_a_third(const Core& core, const TwoCalls& calls) {
  const PartyNo leg = calls.in_main->no;
  const auto of = core.state.memberships(*calls.main, *calls.in_main);
  return std::any_of(of.begin(), of.end(), [&](const Call* call) {
    return call != calls.main && call != calls.consult && call->party(leg)->held_by_phone;
  });
}

Check merging_refused(const Core& core, const TwoCalls& calls, bool for_transfer) {
  const Call& main = *calls.main;
  const Call& consult = *calls.consult;
  const auto cannot = for_transfer ? tlib::TERR_CANT_COMPLETE_TRANSFER : tlib::TERR_CANT_COMPLETE_CONF;
  const bool waits =
      for_transfer && calls.in_consult->state == PartyState::Dialing && !consult.invites(*calls.in_consult);
  if (!calls.in_main->up() || !(calls.in_consult->up() || waits))
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't talk, or hold, in both calls");
  // The DN stays, and talks: not beside a third call.
  const Call* active = active_call(*calls.device, &consult);
  if (!for_transfer && active != nullptr && active != &main)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN is active in a third call");
  if (!for_transfer && (calls.in_consult->held_by_phone || held_in_a_third(core, calls)))
    return refusal(tlib::TERR_INV_CALL_STATE, "the call is held at the phone");
  const bool moving = consult.attempt.has_value() || consult.routing_point() != nullptr;
  if (main.attempt || (main.routing_point() != nullptr && moving) ||
      (consult.attempt && consult.attempt->purpose == Attempt::Purpose::Transfer))
    return refusal(tlib::TERR_OTHER_TEL_OPER, "somebody is being called into the call");
  if (main.link != consult.link)
    return refusal(cannot, "the calls are on two different Connectors and can't be merged");
  for (const Party& party : consult.parties) {
    if (party.device != calls.device && main.party(party.device) != nullptr)
      return refusal(cannot, party.name() + " is a party of both calls");
  }
  return std::nullopt;
}

void merge_for_transfer(Core& core, const TwoCalls& calls, Asker asker, const tlib::KVList& reasons) {
  Call& main = *calls.main;
  Call& consult = *calls.consult;
  const auto stayed = all_but(main, *calls.in_main);
  const auto came = all_but(consult, *calls.in_consult);
  const Party* newcomer = only(came);
  const ConnId main_id = main.id, consult_id = consult.id;
  const std::string by = calls.device->dn.str();
  Details left{.state = tlib::CallStateTransferred, .reasons = &reasons};
  calls.in_main->leaving = calls.in_consult->leaving = true;
  tell_released(core, consult, *calls.in_consult, left, asker);
  if (newcomer != nullptr) {
    left.third_party = &newcomer->name();
    left.third_role = newcomer->role;
  }
  tell_released(core, main, *calls.in_main, left);
  order_merge(core, calls);
  const PartyNo legs[] = {calls.in_main->no, calls.in_consult->no};
  core.state.remove_party(main, *calls.in_main);
  core.state.remove_party(consult, *calls.in_consult);
  merge(core, calls);
  hand_over_treatment(core, main);
  if (main.routing_point() != nullptr && !main.treatment) let_wait(core, main);
  if (main.routing_point() != nullptr && !main.attempt && !main.router_timer && !main.treatment)
    wait_for_instruction(core, main);
  core.remove(main, legs[0]);
  if (legs[1] != legs[0]) core.remove(main, legs[1]);
  if (main.conference() || real(stayed).size() + real(came).size() > 2) make_conference(main);

  Details changed{.state = tlib::CallStateTransferred, .third_party = &by, .third_role = tlib::RoleTransferredBy};
  changed.previous = main_id;
  changed.no_other = newcomer == nullptr;
  if (newcomer != nullptr) {
    changed.other = &newcomer->name();
    changed.other_role = newcomer->role;
  }
  for (const Party* party : stayed) core.tell(main, *party, tlib::EventPartyChanged, changed);
  changed.previous = consult_id;
  changed.other = nullptr;
  const Party* other = only(stayed);
  changed.no_other = other == nullptr;
  if (other != nullptr) {
    changed.other = &other->name();
    changed.other_role = other->role;
  }
  for (const Party* party : came) core.tell(main, *party, tlib::EventPartyChanged, changed);
  topology_changed(core, main);
}

// B's phone may have a leg of its own in each call: the one in use stays.
static void keep_one_leg(Core& core, const TwoCalls& calls, PartyNo other_leg, const std::string& other_call_id,
                         bool other_muted) {
  Party& self = *calls.in_main;
  if (self.no == other_leg) return;
  const PartyNo given_up = self.held_by_phone ? self.no : other_leg;
  if (self.held_by_phone) {
    give_up_awaited(core, *calls.main, self);
    self.no = other_leg;
    self.call_id = other_call_id;
    self.muted = other_muted;
  }
  core.remove(*calls.main, given_up);
}

void merge_for_conference(Core& core, const TwoCalls& calls, Asker asker, const tlib::KVList& reasons) {
  Call& main = *calls.main;
  Call& consult = *calls.consult;
  Party& self = *calls.in_main;
  const auto came = all_but(consult, *calls.in_consult);
  std::vector<const Party*> stayed;
  for (const Party& party : main.parties) stayed.push_back(&party);
  std::erase(stayed, &self);
  stayed.push_back(&self);  // who asked is told last
  const ConnId consult_id = consult.id;
  const PartyNo other_leg = calls.in_consult->no;
  const std::string other_call_id = calls.in_consult->call_id;
  const bool other_muted = calls.in_consult->muted;
  Details details{.state = tlib::CallStateConferenced, .reasons = &reasons};
  stop_listening(core, consult, *calls.in_consult);
  tell_released(core, consult, *calls.in_consult, details, asker);
  order_merge(core, calls);
  core.state.remove_party(consult, *calls.in_consult);
  keep_one_leg(core, calls, other_leg, other_call_id, other_muted);
  if (self.state == PartyState::Held) {
    core.order(main, self.no, [](link::Command& command) { command.mutable_hold()->set_on(false); });
    self.state = PartyState::Connected;
    self.on_hold = self.held_by_phone = false;
    core.tell(main, self, tlib::EventRetrieved, details);
  }
  merge(core, calls);
  make_conference(main);
  for (const Party* newcomer : real(came)) {
    for (const Party* party : real(stayed)) {
      core.tell(main, *party, tlib::EventPartyAdded,
                {.state = tlib::CallStateConferenced,
                 .third_party = &self.name(),
                 .third_role = tlib::RoleAddedBy,
                 .other = &newcomer->name(),
                 .other_role = tlib::RoleNewParty});
    }
  }
  for (const Party* party : came) {
    core.tell(main, *party, tlib::EventPartyChanged,
              {.state = tlib::CallStateConferenced,
               .third_party = &self.name(),
               .third_role = tlib::RoleConferencedBy,
               .previous = consult_id,
               .no_other = true});
  }
  topology_changed(core, main);
}

namespace {

std::optional<Refusal> complete(Core& core, Request& request, bool for_transfer) {
  const auto calls = check_two_calls(core, request);
  if (!calls) return calls.error();
  if (auto why = merging_refused(core, *calls, for_transfer)) return why;
  if (for_transfer) {
    if (auto why = pass_through_refused(core, *calls->main, *calls->consult, *calls->device,
                                        tlib::TERR_CANT_COMPLETE_TRANSFER))
      return why;
  }
  const auto merge_for = for_transfer ? merge_for_transfer : merge_for_conference;
  merge_for(core, *calls, request.asker(), request.message.reasons());
  return std::nullopt;
}

std::optional<Refusal> complete_transfer(Core& core, Request& request) {
  return complete(core, request, true);
}

std::optional<Refusal> complete_conference(Core& core, Request& request) {
  return complete(core, request, false);
}

// Any two calls of ThisDN, whatever they are to each other.
std::optional<Refusal> merge_requested(Core& core, Request& request) {
  switch (request.message.mergetype()) {
    case tlib::MergeForTransfer:
      return complete(core, request, true);
    case tlib::MergeForConference:
      return complete(core, request, false);
    default:
      return refusal(tlib::TERR_INVALID_ATTR, "MergeType is unknown");
  }
}

}  // namespace

void register_merging(Table& table) {
  table.serve(tlib::RequestCompleteTransfer, complete_transfer);
  table.serve(tlib::RequestCompleteConference, complete_conference);
  table.serve(tlib::RequestMergeCalls, merge_requested);
  table.makes({tlib::EventPartyChanged, tlib::EventPartyAdded});
}

}  // namespace tandem::tserver
