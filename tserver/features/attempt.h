// Inviting one destination into a call, until it answers, fails, or sends us elsewhere.
#pragma once

#include "tserver/features/destination.h"

namespace tandem::tserver {

// Why a destination was not reached, in each party's words.
struct Missed {
  tlib::TErrorCode code;   // to the router
  tlib::TCallState state;  // in the events
  std::uint32_t status;    // to a caller who still waits for an answer
  std::string text;
  bool withdraw = false;  // the leg still exists: order its removal
  Asker asker;            // whose RequestReleaseCall refused it
};

// What a SIP final status means for the call.
Missed missed(std::uint32_t status, const std::string& reason);

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
