// Which calls routing applications hold in which Virtual Queues (MMC-65). A Virtual Queue has no legs and no place at a
// Connector: that a call is in it is what an application said by a made-up EventQueued.
#pragma once

#include <map>
#include <vector>

#include "common/base/ids.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct VirtualPlace {
  Dn queue;
  SessionId by;  // who said so
};

// Only calls that are in one, with their places in the order of entry. ConnIDs rise, so the oldest call is first.
using VirtualQueues = std::map<ConnId, std::vector<VirtualPlace>>;

}  // namespace tandem::tserver
