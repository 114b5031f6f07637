// Which Connector a DN sits on: rendezvous hashing over the healthy Connectors of its pool, so that losing or gaining
// one moves only the DNs it had or gets. One that drains gets nothing new (MMC-274). Those of one that was lost come
// back to it one by one, each at its own time within Settings::dn_return_time.
#pragma once

#include <optional>

#include "common/base/time.h"
#include "tserver/model/device.h"
#include "tserver/model/state.h"

namespace tandem::tserver {

std::optional<LinkNo> place(const State& state, const Device& device, Instant now);

}  // namespace tandem::tserver
