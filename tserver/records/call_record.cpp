#include "tserver/records/call_record.h"

#include <algorithm>

namespace tandem::tserver {
namespace {

// A member that is added belongs into the record, or is derived from it: then correct the number.
static_assert(sizeof(Party) == 160 && sizeof(Attempt) == 296 && sizeof(Treatment) == 88 && sizeof(Call) == 928 &&
              sizeof(ConferenceAddress) == 56);

template <class Owner, bool Owner::*... Flags>
struct FlagsOf {
  static std::uint32_t get(const Owner& owner) {
    std::uint32_t bits = 0, bit = 1;
    ((bits |= owner.*Flags ? bit : 0, bit <<= 1), ...);
    return bits;
  }
  static void set(Owner& owner, std::uint32_t bits) { ((owner.*Flags = (bits & 1) != 0, bits >>= 1), ...); }
};

// From the lowest bit; new ones at the end.
using PartyFlags =
    FlagsOf<Party, &Party::waiting, &Party::on_hold, &Party::held_by_phone, &Party::muted, &Party::unannounced>;
using AttemptFlags =
    FlagsOf<Attempt, &Attempt::heard, &Attempt::by_default, &Attempt::referred, &Attempt::back_to_back>;
using TreatmentFlags = FlagsOf<Treatment, &Treatment::applied, &Treatment::ends, &Treatment::answers,
                               &Treatment::prompts, &Treatment::collects, &Treatment::verifies>;
using AddressFlags =
    FlagsOf<ConferenceAddress, &ConferenceAddress::asked, &ConferenceAddress::locked, &ConferenceAddress::lobby>;

void write_party(const Writing& writing, const Party& party, sync::Party& to) {
  to.set_no(party.no.value);
  if (party.device != nullptr) {
    to.set_dn(party.device->dn.str());
  } else {
    to.set_address(party.address);
  }
  to.set_role(static_cast<std::uint32_t>(party.role));
  to.set_state(static_cast<std::uint32_t>(party.state));
  to.set_leg(static_cast<std::uint32_t>(party.leg));
  if (!party.queue.empty()) to.set_queue(party.queue);
  to.set_call_id(party.call_id);
  to.set_flags(PartyFlags::get(party));
  to.set_in_place_of(party.in_place_of.value);
  if (party.can_answer) to.set_can_answer(*party.can_answer);
  to.set_joined(party.joined);
  if (party.queued_at.count() != 0) to.set_queued_at(writing.clock.wall(party.queued_at));
}

bool read_party(const Reading& reading, State& state, const sync::Party& from, Party& to, std::string& why) {
  if (!in(from.state(), PartyState::Held) || !in(from.leg(), LegState::Up)) {
    why = "a party is in a state this version doesn't know";
    return false;
  }
  to.no = PartyNo{from.no()};
  to.address = from.address();
  if (!from.dn().empty()) {
    to.device = state.device(Dn(from.dn()));
    if (to.device == nullptr) to.address = from.dn();
  }
  to.role = static_cast<tlib::TDNRole>(from.role());
  to.state = static_cast<PartyState>(from.state());
  to.leg = static_cast<LegState>(from.leg());
  to.queue = from.queue();
  to.call_id = from.call_id();
  PartyFlags::set(to, from.flags());
  to.in_place_of = PartyNo{from.in_place_of()};
  if (from.has_can_answer()) to.can_answer = from.can_answer();
  to.joined = from.joined();
  if (from.queued_at() != 0) to.queued_at = reading.clock.steady(from.queued_at());
  if (to.state == PartyState::Queued && to.device == nullptr) {
    why = "its Routing Point " + from.dn() + " is not configured here";
    return false;
  }
  return true;
}

void write_attempt(const Writing& writing, const Attempt& attempt, sync::Attempt& to) {
  to.set_purpose(static_cast<std::uint32_t>(attempt.purpose));
  to.set_leg(attempt.leg.value);
  to.set_flags(AttemptFlags::get(attempt));
  put_asker(attempt.asker, [&] { return to.mutable_asker(); });
  to.set_by(attempt.by.value);
  if (!attempt.target.empty()) to.set_target(attempt.target);
  if (attempt.no_answer) to.set_no_answer_s(static_cast<std::uint32_t>(attempt.no_answer->count()));
  if (attempt.no_answer_action) to.set_no_answer_action(static_cast<std::uint32_t>(*attempt.no_answer_action));
  if (attempt.asked_back_to_back) to.set_asked_back_to_back(*attempt.asked_back_to_back);
  to.set_ringing(attempt.ringing);
  if (!attempt.cpn.empty()) to.set_cpn(attempt.cpn);
  if (attempt.reasons.pairs_size() > 0) put_kv(attempt.reasons, to.mutable_reasons());
  for (const std::string& address : attempt.alternatives) to.add_alternatives(address);
  for (const std::string& address : attempt.tried) to.add_tried(address);
  writing.timer(attempt.no_answer_timer, [&] { return to.mutable_no_answer_timer(); });
  writing.timer(attempt.joining_timer, [&] { return to.mutable_joining_timer(); });
}

void read_attempt(Reading& reading, const sync::Attempt& from, Attempt& to) {
  to.purpose = static_cast<Attempt::Purpose>(from.purpose());
  to.leg = PartyNo{from.leg()};
  AttemptFlags::set(to, from.flags());
  to.asker = to_asker(from.asker());
  to.by = PartyNo{from.by()};
  to.target = from.target();
  if (from.has_no_answer_s()) to.no_answer = std::chrono::seconds(from.no_answer_s());
  if (from.has_no_answer_action()) to.no_answer_action = static_cast<NoAnswerAction>(from.no_answer_action());
  if (from.has_asked_back_to_back()) to.asked_back_to_back = from.asked_back_to_back();
  to.ringing = static_cast<tlib::TCallState>(from.ringing());
  to.cpn = from.cpn();
  to.reasons.ParseFromString(from.reasons());
  to.alternatives.assign(from.alternatives().begin(), from.alternatives().end());
  to.tried.assign(from.tried().begin(), from.tried().end());
  if (from.has_no_answer_timer()) to.no_answer_timer = reading.timer(from.no_answer_timer());
  if (from.has_joining_timer()) to.joining_timer = reading.timer(from.joining_timer());
}

void write_treatment(const Writing& writing, const Treatment& treatment, sync::Treatment& to) {
  to.set_type(static_cast<std::uint32_t>(treatment.type));
  to.set_listener(treatment.listener.value);
  to.set_command(treatment.command);
  to.set_flags(TreatmentFlags::get(treatment));
  put_asker(treatment.asker, [&] { return to.mutable_asker(); });
  writing.timer(treatment.deadline, [&] { return to.mutable_deadline(); });
  if (treatment.play != nullptr) treatment.play->SerializeToString(to.mutable_play());
}

void read_treatment(Reading& reading, const sync::Treatment& from, Treatment& to) {
  to.type = static_cast<tlib::TTreatmentType>(from.type());
  to.listener = PartyNo{from.listener()};
  to.command = from.command();
  TreatmentFlags::set(to, from.flags());
  to.asker = to_asker(from.asker());
  if (from.has_deadline()) to.deadline = reading.timer(from.deadline());
  auto play = std::make_shared<link::Play>();
  play->ParseFromString(from.play());  // an empty one plays nothing
  to.play = std::move(play);
}

void write_lobby(const Writing& writing, const Lobby& lobby, sync::Call& to) {
  for (const LobbyGuest& guest : lobby.guests) {
    sync::LobbyGuest& one = *to.add_lobby();
    one.set_no(guest.no.value);
    one.set_dn(guest.dn.str());
    one.set_address(guest.address);
    one.set_call_id(guest.call_id);
    one.set_until(writing.clock.wall(guest.until));
  }
  writing.timer(lobby.timer, [&] { return to.mutable_lobby_timer(); });
}

void read_lobby(Reading& reading, const sync::Call& from, Lobby& to) {
  for (const sync::LobbyGuest& guest : from.lobby()) {
    to.guests.push_back(
        {PartyNo{guest.no()}, Dn(guest.dn()), guest.address(), guest.call_id(), reading.clock.steady(guest.until())});
  }
  if (from.has_lobby_timer()) to.timer = reading.timer(from.lobby_timer());
}

void write_virtual_queues(const State& state, ConnId id, sync::Call& to) {
  const auto it = state.virtual_queues.find(id);
  if (it == state.virtual_queues.end()) return;
  for (const VirtualPlace& place : it->second) {
    to.add_virtual_queues()->set_queue(place.queue.str());
    if (is_kept(place.by)) to.mutable_virtual_queues()->rbegin()->set_by(place.by.value);
  }
}

void read_virtual_queues(State& state, const sync::Call& from) {
  for (const sync::VirtualPlace& place : from.virtual_queues()) {
    const VirtualPlace to{Dn(place.queue()), SessionId{place.by()}};
    if (state.devices.contains(to.queue) && (!to.by || state.clients.contains(to.by)))
      state.virtual_queues[ConnId{from.id()}].push_back(to);
  }
}

const CtiLink* link_of(const State& state, const std::string& name) {
  const auto it =
      std::find_if(state.links.begin(), state.links.end(), [&](const CtiLink& l) { return l.name == name; });
  return it == state.links.end() ? nullptr : &*it;
}

// Whether it fits among what is there already.
const char* misfit(const State& state, const CtiLink* link, const sync::Call& from) {
  const ConversationNo conversation{from.conversation()};
  if (from.id() == 0 || state.calls.contains(ConnId{from.id()})) return "its ConnID is another's";
  if (link == nullptr) return "its Connector is not configured here";
  if (!conversation || link->conversations.contains(conversation)) return "its conversation is another call's";
  if (from.parties_size() == 0) return "it has no parties";
  if (from.has_attempt() && !in(from.attempt().purpose(), Attempt::Purpose::Joining))
    return "its attempt has a purpose this version doesn't know";
  return nullptr;
}

}  // namespace

void write_call(const Writing& writing, const State& state, const Call& call, sync::Call& to) {
  to.set_id(call.id.value);
  to.set_uuid(call.uuid);
  to.set_call_id(call.call_id);
  to.set_link(state.links[call.link].name);
  to.set_conversation(call.conversation.value);
  to.set_conversation_id(call.conversation_id);
  to.set_main(call.main.value);
  to.set_type(static_cast<std::uint32_t>(call.type));
  to.set_media(static_cast<std::uint32_t>(call.media));
  if (!call.ani.empty()) to.set_ani(call.ani);
  if (!call.dialed.empty()) to.set_dialed(call.dialed);
  if (!call.from_display.empty()) to.set_from_display(call.from_display);
  if (!call.customer_id.empty()) to.set_customer_id(call.customer_id);
  if (call.user_data.pairs_size() > 0) put_kv(call.user_data, to.mutable_user_data());
  to.set_joint_data(call.joint_data);
  to.set_contested(call.contested);
  for (const ConnId id : call.joint) to.add_joint(id.value);
  to.set_redirections(call.redirections);
  for (const Party& party : call.parties) write_party(writing, party, *to.add_parties());
  if (call.attempt) write_attempt(writing, *call.attempt, *to.mutable_attempt());
  const ConferenceAddress& address = call.conference_address;
  if (address.asked || address.order != 0 || !address.uri.empty() || address.locked || address.lobby) {
    to.mutable_conference_address()->set_flags(AddressFlags::get(address));
    to.mutable_conference_address()->set_order(address.order);
    to.mutable_conference_address()->set_uri(address.uri);
  }
  writing.timer(call.router_timer, [&] { return to.mutable_router_timer(); });
  for (const Postponed& postponed : call.postponed) {
    sync::Postponed& one = *to.add_postponed();
    put_asker(postponed.asker, [&] { return one.mutable_asker(); });
    postponed.message.SerializeToString(one.mutable_message());
    writing.timer(postponed.timer, [&] { return one.mutable_timer(); });
  }
  if (call.treatment) write_treatment(writing, *call.treatment, *to.mutable_treatment());
  to.set_generation(call.generation);
  to.set_unreported(call.unreported);
  to.set_pass_through(static_cast<std::uint32_t>(call.pass_through));
  for (const ConversationNo no : call.merged) to.add_merged(no.value);
  write_lobby(writing, call.lobby, to);
  write_virtual_queues(state, call.id, to);
}

Call* read_call(Reading& reading, State& state, const sync::Call& from, std::string& why) {
  const CtiLink* found = link_of(state, from.link());
  if (const char* misfits = misfit(state, found, from)) {
    why = misfits;
    return nullptr;
  }
  CtiLink& link = state.links[found->no];
  auto made = std::make_unique<Call>();
  Call& call = *made;
  for (const sync::Party& party : from.parties()) {
    if (!read_party(reading, state, party, call.parties.emplace_back(), why)) return nullptr;
  }
  call.id = ConnId{from.id()};
  call.uuid = from.uuid();
  call.call_id = from.call_id();
  call.link = link.no;
  call.conversation = ConversationNo{from.conversation()};
  call.conversation_id = from.conversation_id();
  call.main = ConnId{from.main()};
  call.type = static_cast<tlib::TCallType>(from.type());
  call.media = static_cast<tlib::TMediaType>(from.media());
  call.ani = from.ani();
  call.dialed = from.dialed();
  call.from_display = from.from_display();
  call.customer_id = from.customer_id();
  call.user_data.ParseFromString(from.user_data());
  call.joint_data = from.joint_data();
  call.contested = from.contested();
  for (const std::uint64_t id : from.joint()) call.joint.push_back(ConnId{id});
  call.redirections = from.redirections();
  if (from.has_attempt()) read_attempt(reading, from.attempt(), call.attempt.emplace());
  AddressFlags::set(call.conference_address, from.conference_address().flags());
  call.conference_address.order = from.conference_address().order();
  call.conference_address.uri = from.conference_address().uri();
  if (from.has_router_timer()) call.router_timer = reading.timer(from.router_timer());
  for (const sync::Postponed& postponed : from.postponed()) {
    Postponed& one = call.postponed.emplace_back();
    one.asker = to_asker(postponed.asker());
    one.message.ParseFromString(postponed.message());
    if (postponed.has_timer()) one.timer = reading.timer(postponed.timer());
  }
  if (from.has_treatment()) read_treatment(reading, from.treatment(), call.treatment.emplace());
  call.generation = from.generation();
  read_lobby(reading, from, call.lobby);
  read_virtual_queues(state, from);
  call.unreported = from.unreported();
  call.pass_through = static_cast<PassThrough>(from.pass_through());
  link.conversations.emplace(call.conversation, &call);
  for (const std::uint64_t no : from.merged()) {
    call.merged.push_back(ConversationNo{no});
    link.merged[ConversationNo{no}] = &call;
  }
  state.calls.emplace(call.id, std::move(made));
  return &call;
}

}  // namespace tandem::tserver
