// The program `tandemctl`: asks the T-Servers of an environment file by T-Library.
#pragma once

#include <string>

#include "tserver/client/ctl_options.h"

namespace tandem::client {

struct CtlResult {
  int exit_code = 0;
  std::string out, err;
};

// Runs its own event loop until all have answered, or not in time.
CtlResult run_ctl(const CtlOptions& options);

}  // namespace tandem::client
