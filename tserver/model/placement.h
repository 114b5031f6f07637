// Which Connector a DN sits on: rendezvous hashing over the healthy Connectors of its pool, so that losing or gaining
// one moves only the DNs it had or gets. One that drains gets nothing new (MMC-274).
#pragma once

#include <optional>

#include "tserver/model/device.h"
#include "tserver/model/state.h"

namespace tandem::tserver {

std::optional<LinkNo> place(const State& state, const Device& device);

}  // namespace tandem::tserver
