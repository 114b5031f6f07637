// Consultation calls: a DN that talks in one call makes another with the same leg.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// The option consult-user-data, or the request's extension ConsultUserData where it has one.
ConsultUserData consult_user_data(const Core& core, const tlib::Message& message);

}  // namespace tandem::tserver
