// The library's own log lines, into ours at level debug.
#pragma once

#include "common/log/log.h"

namespace tandem::connector {

// The library has one log for the whole process. Null: into nowhere.
void redirect_library_log(Logger* to);

}  // namespace tandem::connector
