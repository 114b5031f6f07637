// The lobby of a conference: who calls its address waits there with music until a member lets them in (MMC-236).
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// The caller of a happening Offered waits; the members are told. What to refuse it with instead, or 0.
std::uint32_t wait_in_lobby(Core& core, Call& call, const link::Happening& happening, const Device* caller);

// RequestSetCallInfo with Extensions ConferenceAdmit or ConferenceRefuse: the address of who waits, or * for all. 53 if
// nobody of that name waits.
bool asks_for_lobby(const tlib::Message& message);
std::optional<Refusal> change_lobby(Core& core, Call& call, const tlib::Message& message);

// The conference has no lobby any more: all who wait are in.
void open_lobby(Core& core, Call& call);
// The Connector says it is gone. False: it is nobody who waits.
bool guest_left(Core& core, Call& call, PartyNo no);
bool waits_in_lobby(const Call& call, PartyNo no);
// The Connector is back, with `conversation` as it is there: who isn't in it waits no more.
void reconcile_lobby(Core& core, Call& call, const link::Conversation& conversation);
// Merged: they wait for the other call now. Ended: nobody waits.
void move_lobby(Core& core, Call& from, Call& to);
void close_lobby(Core& core, Call& call);

// Who waits, as shown to clients: ConferenceWaiting, a list; nothing if nobody does.
void add_lobby(tlib::KVList& policy, const Call& call);

}  // namespace tandem::tserver
