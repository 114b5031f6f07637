// How a program gets its T-Server machine: the call model with every feature registered.
#pragma once

#include <memory>

#include "common/base/time.h"
#include "tserver/model/machine.h"
#include "tserver/model/settings.h"

namespace tandem::tserver {

// `start` makes ConnIDs and CallUUIDs of this run different from those of any other.
std::unique_ptr<Machine> make_machine(std::shared_ptr<const Settings> settings, Now start);

}  // namespace tandem::tserver
