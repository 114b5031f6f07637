// Two calls of one DN that become one.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// `main` survives, with its ConnID, type and user data.
struct TwoCalls {
  Device* device;
  Call* main;
  Call* consult;
  Party* in_main;
  Party* in_consult;
};

// Which of a DN's two calls is the main one: the one the other was made from, else the older one.
TwoCalls in_order(Device& device, Call& a, Party& in_a, Call& b, Party& in_b);

// A request that names two calls of ThisDN, by ConnID and one of TransferConnID, ConferenceConnID and PreviousConnID,
// in either order. After the checks of every call request: 56 for one not known, 237 if it is the main call of the
// other and over, 470 if ThisDN is in only one.
Result<TwoCalls, Refusal> check_two_calls(Core& core, const Request& request);

// May they be merged? 98 or 96 if they can't be, 496 in the wrong state, 291 while somebody is called into one of them.
Check merging_refused(const Core& core, const TwoCalls& calls, bool for_transfer);

// The DN leaves both, the others stay together (4.6). `asker` is answered by its first EventReleased. The calls may be
// gone after it.
void merge_for_transfer(Core& core, const TwoCalls& calls, Asker asker, const tlib::KVList& reasons);

// All of both calls stay together (4.7).
void merge_for_conference(Core& core, const TwoCalls& calls, Asker asker, const tlib::KVList& reasons);

}  // namespace tandem::tserver
