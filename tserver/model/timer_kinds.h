// What the T-Server waits for. Part of a TimerKey; the subject is a ConnID, or a link number for LinkLoss.
#pragma once

#include <cstdint>

namespace tandem::tserver {

enum class TimerKind : std::uint32_t {
  Router = 1,      // router-timeout: a call waits on a Routing Point for an instruction
  NoAnswer = 2,    // no-answer-timeout: a routed destination has to accept
  Joining = 3,     // av-joining-timeout: an invited party has to join
  Takeover = 6,    // takeover-timeout: another Connector takes over the calls of a lost one; then, until it has
  LinkLoss = 4,    // a lost Connector may come back with its calls
  Postponed = 7,   // route-request-wait: the Connector has to be back, for a request that waits for it
  Lobby = 5,       // who wants to enter a conference has to be let in
  AgentWork = 20,  // after-call work or legal guard time; the subject is a login session of an agent
  AgentIdle = 21,  // auto-logout-timeout; the subject likewise
  Awaited = 22,    // a Connector owes what came of a command; the subject is the key of the wait
  Treatment = 30,  // request-timeout: a treatment has to begin
};

}  // namespace tandem::tserver
