// How a destination is called: from the conversation as such, or back-to-back (MMC-214 to MMC-223), and whether it may
// be called at all (MMC-166).
//
// Every leg here is back-to-back in the signalling sense. What the method decides is what the documents tie to it: the
// caller shown (cpn, CPNDigits) and the mark in EventRinging.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// 165 for an address that the dial plan of the pool bars.
Check barred(const Core& core, std::string_view pool, std::string_view address);

// calling-method and CPNDigits of a request, for the attempt it leads to; 53 for values that can't be.
Check read_calling(const tlib::Message& message, Attempt& attempt);

struct Calling {
  bool back_to_back = false;
  std::string from;  // caller to show instead of the true one; empty: the true one
};
Calling calling(const Core& core, const Call& call, const Attempt& attempt, std::string_view address);

// Extensions of EventRinging at a destination that was called so.
tlib::KVList ringing_extensions(const Attempt& attempt);

}  // namespace tandem::tserver
