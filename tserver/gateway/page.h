// The T-Server's metrics. Names, meaning and alarms: docs/operations.md.
#pragma once

#include <vector>

#include "common/metrics/exposition.h"
#include "tserver/gateway/meter.h"
#include "tserver/links/links.h"
#include "tserver/model/state.h"

namespace tandem::tserver {

// What the rooms around the model know.
struct Figures {
  std::vector<LinkFigures> links;
  std::size_t client_queues = 0, longest_client_queue = 0, client_queue_limit = 0;  // bytes
  std::size_t kept_sessions = 0, kept_unconnected = 0;
  std::size_t timers = 0;
  std::uint64_t sync_deltas = 0, sync_bytes = 0, sync_snapshots = 0;  // told to a backup
};

void add_metrics(metrics::Exposition& out, const State& state, const Meter& meter, const Figures& figures, Now now);

// Calls that would suffer if the T-Server went now: somebody waits, rings or is being called.
std::size_t unsettled(const State& state);

}  // namespace tandem::tserver
