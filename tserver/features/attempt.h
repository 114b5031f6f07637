// Inviting one destination into a call, until it answers, fails, or sends us elsewhere.
#pragma once

#include "tserver/features/destination.h"
#include "tserver/features/missed.h"

namespace tandem::tserver {

// Invites `destination` (not a Routing Point). A DN is told EventRinging at once, since emulated ringing is all there
// may be (MMC-252); `ringing` is Forwarded where the call was sent on by a phone.
void start_attempt(Core& core, Call& call, Attempt attempt, const Destination& destination,
                   tlib::TCallState ringing = tlib::CallStateOk);

// Calls the originator of a RequestMakeCall; it is a party already.
void start_originator(Core& core, Call& call, Party& originator, Attempt attempt);

// Somebody who rings already, in a call taken up from a Connector.
void resume_attempt(Core& core, Call& call, const Party& leg);

void attempt_answered(Core& core, Call& call, const link::Answered& answered);
void attempt_missed(Core& core, Call& call, const Missed& why, const link::Failed* redirect = nullptr);

}  // namespace tandem::tserver
