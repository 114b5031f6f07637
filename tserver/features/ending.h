// How calls end.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

struct Ending {
  const Party* leaver = nullptr;  // who ended it: its event comes first
  Asker asker;                    // whose request ended it: answered by the leaver's event
  tlib::TCallState state = tlib::CallStateOk;
  bool order = true;                // tell the Connector; false: nothing is left there
  std::uint32_t reject_status = 0;  // for a caller who got no answer yet: this instead of a release
};

// Every party's closing event (EventReleased; EventAbandoned for who rings or waits), the answer to a pending
// RequestRouteCall, the order to the Connector, and the call is gone.
void end_call(Core& core, Call& call, const Ending& ending);

// The destination can't be had: who was invited is released, the caller is told EventDestinationBusy and released, and
// so the call ends. `invited` is null if it didn't come to that.
void fail_call(Core& core, Call& call, const Party* invited, tlib::TCallState state, std::uint32_t status,
               Asker asker = {});

}  // namespace tandem::tserver
