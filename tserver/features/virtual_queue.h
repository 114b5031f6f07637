// Virtual Queues: routing applications say that a call is in one, and that it left (MMC-65, MMC-412). What they say is
// kept, so that whoever asks sees the calls that wait, and so that a queue never keeps a call that is over: what the
// application can't say any more, the server says for it.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// A made-up event for a Virtual Queue is about to go out. 43: the call is in the queue already. 496: it isn't in it.
// What such an event leaves out is filled in from the call. False: its clients were told already, the event is not
// needed.
Result<bool, Refusal> virtual_queue_event(Core& core, const Device& queue, SessionId by, tlib::Message& event);

// The call ends: EventAbandoned in every Virtual Queue that it is in.
void leave_virtual_queues(Core& core, const Call& call);
// `from` becomes part of `into`: EventPartyChanged, and its places are those of `into`.
void move_virtual_queues(Core& core, const Call& from, const Call& into);
// The client is gone: its calls leave the queues that it put them in, EventDiverted with CallStateRedirected.
void virtual_queue_client_gone(Core& core, SessionId session);
// The DN is no more.
void drop_virtual_queue(Core& core, const Device& queue);

// The calls in it: InfoStatus and conn-%d.
void add_virtual_snapshot(const Core& core, tlib::Message& event, const Device& queue);

}  // namespace tandem::tserver
