// What `tandemctl` asks programs on their port http: how they are, and to end.
#pragma once

#include <string>
#include <vector>

#include "common/config/environment.h"
#include "common/http/client.h"
#include "tserver/client/ctl_options.h"
#include "tserver/client/ctl_report.h"

namespace tandem::client {

// The Connectors of the file that have a port http.
std::vector<ConnectorStatus> ask_connectors(const CtlOptions& options, const config::Environment& environment);

// Tells an application to end: at once if forced, else when nothing is left. With `wait`, returns when it has ended.
// What it said.
Result<std::string, Failure> end_program(const CtlOptions& options, const config::Application& application, bool force,
                                         bool wait);

}  // namespace tandem::client
