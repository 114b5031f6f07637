// How calls end.
#pragma once

#include "tserver/features/core.h"
#include "tserver/features/missed.h"

namespace tandem::tserver {

struct Ending {
  const Party* leaver = nullptr;          // who ended it: its event comes first
  Asker asker;                            // whose request ended it: answered by the leaver's event
  const tlib::KVList* reasons = nullptr;  // of that request
  tlib::TCallState state = tlib::CallStateOk;
  bool order = true;                // tell the Connector; false: nothing is left there
  std::uint32_t reject_status = 0;  // for a caller who got no answer yet: this instead of a release
};

// Every party's closing event (EventReleased; EventAbandoned for who rings or waits), the answer to a pending
// RequestRouteCall, the order to the Connector, and the call is gone.
void end_call(Core& core, Call& call, const Ending& ending);

// The destination can't be had: who was invited is released, the caller is told EventDestinationBusy and released, and
// so the call ends. `invited` is null if it didn't come to that.
void fail_call(Core& core, Call& call, const Party* invited, const Missed& why);

}  // namespace tandem::tserver
