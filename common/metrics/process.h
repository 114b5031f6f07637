// This process as the kernel sees it, by the names every Prometheus client uses.
#pragma once

#include "common/metrics/exposition.h"

namespace tandem::metrics {

// Reads /proc/self; what can't be read is left out.
void add_process(Exposition& out);

}  // namespace tandem::metrics
