// User data of calls.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// Would adding this to the call pass user-data-limit?
Check user_data_refused(const Core& core, const Call& call, const tlib::KVList& more);

// The calls that share their user data with this one, itself among them: a main call first, then its joint
// consultations.
std::vector<Call*> sharing_data(const Core& core, Call& call);

// Data that came with a request about the call, put in before the request's first event: each key replaces its older
// value. Who is in the call already is told EventAttachedDataChanged.
void add_user_data(Core& core, Call& call, const tlib::KVList& more, const std::string& by);

}  // namespace tandem::tserver
