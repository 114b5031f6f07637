// The Connector's metrics. Names, meaning and alarms: docs/operations.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics/exposition.h"
#include "connector/core/machine.h"
#include "connector/media/media_room.h"
#include "connector/program/meter.h"
#include "connector/sip/room.h"
#include "connector/store/store.h"

namespace tandem::connector {

struct Figures {
  CoreCounts core;
  SipCounts sip;
  std::size_t contacts = 0;
  std::size_t endpoints = 0;
  std::size_t media_ports = 0;  // of the ranges
  MediaCounters media;
  std::vector<Instant> worker_cpu;
  std::optional<StoreCounts> store;                                        // none: call data is not kept on disk
  std::vector<std::pair<std::string, std::chrono::seconds>> certificates;  // in force: file and end
};

void add_metrics(metrics::Exposition& out, const Figures& figures, const Meter& meter);

}  // namespace tandem::connector
