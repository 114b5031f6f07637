// Options of section log as the log room takes them.
#pragma once

#include "common/config/environment.h"
#include "common/log/hide.h"
#include "common/log/settings.h"

namespace tandem::config {

LogSettings log_settings(const Environment& environment, const Application& application);
// hide-sensitive-data of the application and hide-header of its switch.
HiddenHeaders hidden_headers(const Environment& environment, const Application& application);

}  // namespace tandem::config
