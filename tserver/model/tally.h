// What has happened so far, in numbers: for whoever watches the T-Server. Never read by the model itself.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "common/base/time.h"
#include "common/metrics/histogram.h"
#include "proto/tlib.pb.h"
#include "tserver/model/call.h"

namespace tandem::tserver {

struct QueueTally {
  std::uint64_t entered = 0;
  std::uint64_t diverted = 0;                                         // left for where it was routed to
  std::uint64_t abandoned = 0;                                        // the caller gave up
  metrics::Histogram wait{{1, 2, 5, 10, 20, 30, 60, 120, 300, 600}};  // seconds, of both kinds
};

struct Tally {
  std::uint64_t calls = 0;                    // made since the start
  std::unordered_map<Dn, QueueTally> queues;  // Routing Points that had a call

  // `party` is about to be told `type`, whether anybody listens or not.
  void told(const Party& party, tlib::MessageType type, Now now);
};

}  // namespace tandem::tserver
