// What one frame of a client means. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/tlib.pb.h"

namespace tandem::tserver {

// `confirmed`, here and below: the StreamNumber up to which the client has all events; 0: it doesn't say.
struct Poll {
  std::uint64_t stamp;
  std::uint64_t confirmed = 0;
};  // AddpPoll: to be answered by AddpAnswer with the same RequestID
struct Alive {
  std::uint64_t confirmed = 0;
};              // AddpAnswer, ConfirmEvents
struct End {};  // EndSession
// No message, but its ReferenceID could be read: answered by this EventError.
struct Answerable {
  tlib::Message error;
};
// No message at all: the connection can't go on.
struct Hopeless {
  std::string why;
};

using Intake = std::variant<tlib::Message, Poll, Alive, End, Answerable, Hopeless>;

// Message types the model doesn't know go through: it answers them.
Intake take_in(std::string_view frame);

// Heartbeat messages.
tlib::Message addp_message(tlib::MessageType type, std::uint64_t stamp);

}  // namespace tandem::tserver
