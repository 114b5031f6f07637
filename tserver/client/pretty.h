// One event as a line for people:
//
//     14:03:07.512  EventRouteRequest      sip:support@tandem.test     -            sip:alice@tandem.test
//     0071024a1b2c3d4e
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proto/tlib.pb.h"

namespace tandem::client {

// Time, event, ThisDN, its role, OtherDN, ConnID, state, then what else says something in this event. Times are shown
// `offset` east of UTC. No end of line.
std::string pretty(const tlib::Message& event, std::chrono::seconds offset = std::chrono::seconds{0});
// Text without control characters, which would break a line or harm a terminal.
std::string printable(std::string_view bytes);
// The same columns' names.
std::string pretty_heading();

}  // namespace tandem::client
