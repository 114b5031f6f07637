// DNs in and out of service.
#pragma once

#include <memory>
#include <string>

#include "tserver/features/core.h"

namespace tandem::tserver {

// Compares every DN with what its links say now, and tells EventDNOutOfService (with `cause`) and EventDNBackInService.
void review_service(Core& core, const std::string& cause);

// The same while Connectors drain, for DNs that fell idle just now (MMC-273).
void review_draining(Core& core);

void settings_changed(Core& core, const std::shared_ptr<const Settings>& settings);

}  // namespace tandem::tserver
