// Transfers that a phone asks for (SIP REFER).
#pragma once

#include "tserver/features/core.h"

namespace tandem::tserver {

// Tells the phone what became of its transfer: a SIP status, 100 while it is under way.
void tell_phone(Core& core, const Call& call, const Party& party, std::uint32_t status);

}  // namespace tandem::tserver
