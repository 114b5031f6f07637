// What the T-Server waits for. Part of a TimerKey; the subject is a ConnID, or a link number for LinkLoss.
#pragma once

#include <cstdint>

namespace tandem::tserver {

enum class TimerKind : std::uint32_t {
  Router = 1,     // router-timeout: a call waits on a Routing Point for an instruction
  NoAnswer = 2,   // no-answer-timeout: a routed destination has to accept
  Joining = 3,    // av-joining-timeout: an invited party has to join
  LinkLoss = 4,   // a lost Connector may come back with its calls
  Treatment = 30,  // request-timeout: a treatment has to begin
};

}  // namespace tandem::tserver
