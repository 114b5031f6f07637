// The T-Server's metrics. Names, meaning and alarms: docs/operations.md.
#pragma once

#include <vector>

#include "common/metrics/exposition.h"
#include "tserver/gateway/meter.h"
#include "tserver/links/links.h"
#include "tserver/model/state.h"

namespace tandem::tserver {

void add_metrics(metrics::Exposition& out, const State& state, const Meter& meter,
                 const std::vector<LinkFigures>& links, Now now);

// Calls that would suffer if the T-Server went now: somebody waits, rings or is being called.
std::size_t unsettled(const State& state);

}  // namespace tandem::tserver
