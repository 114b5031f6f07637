// Inviting one destination into a call, until it answers, fails, or sends us elsewhere.
#pragma once

#include "tserver/features/destination.h"
#include "tserver/features/missed.h"

namespace tandem::tserver {

// Invites `destination` (not a Routing Point). A DN is told EventRinging at once, since emulated ringing is all there
// may be (MMC-252); `ringing` is Forwarded where the call was sent on by a phone.
// `asker` is answered by that EventRinging.
void start_attempt(Core& core, Call& call, Attempt attempt, const Destination& destination,
                   tlib::TCallState ringing = tlib::CallStateOk, Asker asker = {});

// Calls the originator of a RequestMakeCall; it is a party already.
void start_originator(Core& core, Call& call, Party& originator, Attempt attempt);

// The Connector never heard of the party being invited: the order was lost on its way. Once more.
void repeat_attempt(Core& core, Call& call);

// Somebody who rings already, in a call taken up from a Connector.
void resume_attempt(Core& core, Call& call, const Party& leg, Attempt::Purpose purpose);

// The call that was being tried became part of another: the attempt goes on there, with new time limits. The party
// invited must be there already.
void move_attempt(Core& core, Attempt attempt, Call& into);
// Takes the attempt off a call, with its timers.
Attempt end_attempt(Core& core, Call& call);

// The party being invited is not wanted any more: taken off, EventAbandoned; whoever waits for the outcome is told
// `why`. The call stays.
void withdraw_attempt(Core& core, Call& call, const Refusal& why);

// The Connector is away, so nobody knows whether the destination has answered: `timer`, which fired, is started again for a
// short while.
bool outcome_unknown(Core& core, const Call& call, const TimerKey& timer);

void attempt_answered(Core& core, Call& call, const link::Answered& answered);
void attempt_missed(Core& core, Call& call, const Missed& why, const link::Failed* redirect = nullptr);

}  // namespace tandem::tserver
