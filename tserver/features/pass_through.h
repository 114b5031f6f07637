// Calls that would be, or have become, all external (MMC-265 to MMC-270).
//
// External is who has no DN here; a user of our own domains without one is told apart from the rest of the world,
// unless unmonitored-users-external says otherwise. The DN value of allow-pass-through-calls beats the application's.
// No call is linked to another site yet, so that iscc is none.
#pragma once

#include "tserver/features/checks.h"
#include "tserver/features/destination.h"

namespace tandem::tserver {

bool is_external(const Core& core, const Party& party);

// `by` wants the call to go on without `leaver`, with `newcomer` if there is one: refused with `code` if all would be
// external then, and that is not allowed.
Check pass_through_refused(const Core& core, const Call& call, const Device& by, const Party* leaver,
                           const Destination* newcomer, tlib::TErrorCode code);
// The same for two calls that `by` leaves to each other.
Check pass_through_refused(const Core& core, const Call& a, const Call& b, const Device& by, tlib::TErrorCode code);

// It has become all external: released, if that is not allowed. True if it is gone.
bool release_pass_through(Core& core, Call& call);

}  // namespace tandem::tserver
