// A T-Library message as one line of the log (MMC-276, MMC-280): its name and its attributes.
#pragma once

#include <string>

#include "proto/tlib.pb.h"

namespace tandem {

// With `hide`, digits, treatment parameters and the values of user data are shown as **** and their length. Passwords
// are so in any case.
std::string tlib_text(const tlib::Message& message, bool hide);

}  // namespace tandem
