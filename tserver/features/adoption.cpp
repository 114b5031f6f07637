#include "tserver/features/adoption.h"

#include <algorithm>

#include "tserver/features/attempt.h"

namespace tandem::tserver {
namespace {

bool invited(const link::Party& party) {
  return party.state() == link::INVITING || party.state() == link::ALERTING;
}

Party to_party(Core& core, const link::Party& from, bool origin) {
  Party party;
  party.no = PartyNo{from.party()};
  party.device = core.state.device(Dn(from.dn()));
  if (party.device != nullptr && !party.device->extension()) party.device = nullptr;
  if (party.device == nullptr) party.address = from.dn().empty() ? "anonymous" : from.dn();
  party.call_id = from.call_id();
  party.role = origin ? tlib::RoleOrigination : tlib::RoleDestination;
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
  }
  return party;
}

// Two who talk, or one who calls another: what a call of two parties can be. The originator is the one who came in,
// else the first.
struct Pair {
  const link::Party* origin;
  const link::Party* destination;
};

std::optional<Pair> as_pair(const link::Conversation& conversation) {
  if (conversation.parties_size() != 2) return std::nullopt;
  const link::Party* a = &conversation.parties(0);
  const link::Party* b = &conversation.parties(1);
  if (a->outgoing() && !b->outgoing()) std::swap(a, b);
  if (invited(*a) && !invited(*b)) std::swap(a, b);
  const bool settled =
      b->state() != link::OFFERED && b->state() != link::PARTY_STATE_NONE && a->state() != link::PARTY_STATE_NONE;
  if (!settled || invited(*a) || a->party() == b->party() || a->party() == 0 || b->party() == 0) return std::nullopt;
  if (a->state() == link::OFFERED && !invited(*b)) return std::nullopt;
  if (!a->dn().empty() && Dn(a->dn()) == Dn(b->dn())) return std::nullopt;
  return Pair{a, b};
}

tlib::TCallType call_type(const Party& origin, const Party& destination) {
  if (origin.device == nullptr) return tlib::CallTypeInbound;
  return destination.device != nullptr ? tlib::CallTypeInternal : tlib::CallTypeOutbound;
}

}  // namespace

void adopt(Core& core, CtiLink& link, const link::Conversation& conversation) {
  const ConversationNo no{conversation.conversation()};
  const auto pair = as_pair(conversation);
  const ConnId conn_id{conversation.conn_id()};
  // An order to release it may have been lost with the link.
  const bool over =
      core.state.is_over(conn_id) || core.state.identity.made_link_id(no.value) || link.given_up.contains(no);
  if (!pair || over || core.state.call(conn_id) != nullptr || !no) {
    core.log(LogLevel::Standard,
             "link " + link.name + ": conversation " + to_string(no) + " is released, it can't be taken up");
    core.order(link, no, {}, [](link::Command& command) { command.mutable_release(); });
    return;
  }
  Call& call = core.state.create_call(link.no, no, conn_id, conversation.call_uuid());
  call.conversation_id = conversation.conversation_id();
  Party& origin = core.state.add_party(call, to_party(core, *pair->origin, true));
  Party& destination = core.state.add_party(call, to_party(core, *pair->destination, false));
  if (destination.state == PartyState::Alerting) origin.state = PartyState::Dialing;
  call.type = call_type(origin, destination);
  call.dialed = destination.name();
  if (call.type == tlib::CallTypeInbound) call.ani = origin.name();
  if (conversation.conn_id() == 0) {
    core.order(call, {}, [&](link::Command& command) {
      command.mutable_tag()->set_conn_id(call.id.value);
      command.mutable_tag()->set_call_uuid(call.uuid);
    });
  }
  if (destination.leg == LegState::Inviting) resume_attempt(core, call, destination, Attempt::Purpose::Direct);
  core.log(LogLevel::Standard, call, destination.name(), "taken up from " + link.application);
}

}  // namespace tandem::tserver
