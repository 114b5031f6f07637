// Connectors lost and found again.
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

void link_up(Core& core, const LinkUp& input);
void link_down(Core& core, LinkNo no, const std::string& why);

}  // namespace tandem::tserver
