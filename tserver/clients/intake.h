// What one frame of a client means. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/tlib.pb.h"

namespace tandem::tserver {

struct Poll {
  std::uint64_t stamp;
};                // AddpPoll: to be answered by AddpAnswer with the same RequestID
struct Alive {};  // AddpAnswer
// No message, but its ReferenceID could be read: answered by this EventError.
struct Answerable {
  tlib::Message error;
};
// No message at all: the connection can't go on.
struct Hopeless {
  std::string why;
};

using Intake = std::variant<tlib::Message, Poll, Alive, Answerable, Hopeless>;

// Message types the model doesn't know go through: it answers them.
Intake take_in(std::string_view frame);

// Heartbeat messages.
tlib::Message addp_message(tlib::MessageType type, std::uint64_t stamp);

}  // namespace tandem::tserver
