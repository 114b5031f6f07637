// Building events: the one place that fills what every event, and every event about a call, carries.
#pragma once

#include <memory>
#include <string>

#include "tserver/model/state.h"

namespace tandem::tserver {

using Event = std::shared_ptr<tlib::Message>;

// Type and time; the EventSequenceNumber is given when it is delivered.
Event new_event(Now now, tlib::MessageType type);

// What differs from event to event.
struct Details {
  tlib::TCallState state = tlib::CallStateOk;
  const std::string* third_party = nullptr;
  tlib::TDNRole third_role = tlib::RoleUnknown;  // left out if Unknown
  const tlib::KVList* reasons = nullptr;
  const tlib::KVList* extensions = nullptr;  // beside Conversation-ID
  ConnId previous;  // PreviousConnID; a consultation call's events name its main call unless set
  // OtherDN where the event names a party of its own (PartyAdded, PartyDeleted ...); else who is on the other side.
  const std::string* other = nullptr;
  tlib::TDNRole other_role = tlib::RoleUnknown;
  bool no_other = false;                // leave OtherDN out
  const std::string* digits = nullptr;  // DTMFDigits
};

// An event of `type` about `call`, for no party in particular: ConnID, CallUUID, CallID, CallType, MediaType, ANI,
// DNIS, UserData, Extensions with Conversation-ID.
Event new_call_event(Now now, tlib::MessageType type, const Call& call, const Details& details);

// The same as `self` is told it: ThisDN and its role, ThisQueue, OtherDN and its role where there is one other real
// party (or the number dialed, while there is none).
Event new_party_event(Now now, tlib::MessageType type, const Call& call, const Party& self, const Details& details);

// Bits of TPartyState, as ps-N reports them.
std::int32_t party_bits(const Party& party);

// The attributes and extensions with which a client rebuilds its picture of a DN.
void add_snapshot(tlib::Message& event, const Device& device);

}  // namespace tandem::tserver
