// An emulated agent: one login session on a DN. All calls are business calls (MMC-240).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/base/timers.h"
#include "proto/tlib.pb.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct Device;

struct AgentState {
  bool ready = false;
  tlib::TAgentWorkMode mode = tlib::AgentWorkModeUnknown;
  tlib::KVList reasons;
  tlib::KVList extensions;  // ReasonCode, said back
};

struct Agent {
  // What the agent is in by itself, beside what it asked for.
  enum class Work : std::uint8_t {
    None,
    Announced,  // asked for during a call: after-call work follows its end
    AfterCall,
    InIdle,  // after-call work begun by request, without a call
    Guard,   // legal guard time before Ready
  };

  std::uint64_t session = 0;  // number of this login, in the keys of its timers
  std::string id;
  tlib::TAgentType type = tlib::AgentTypeAgent;
  std::string queue;
  std::string presence_profile;
  SessionId client;    // that logged in first; 0 once it has gone
  AgentOptions asked;  // in the requests of this session
  AgentState state;

  Work work = Work::None;
  AgentState before;              // what the work interrupted
  std::optional<WrapUp> wrap_up;  // Announced: asked for the coming one
  bool untimed = false;           // AfterCall, InIdle
  Instant work_ends{0};           // unless untimed
  std::optional<TimerKey> work_timer;

  std::vector<ConnId> leaves_too;  // calls that are left together with the one that began the work

  Instant active_at{0};
  std::optional<TimerKey> idle_timer;
  std::uint32_t generation = 0;  // of both timers
};

// DNs on which agents are logged in.
struct AgentTable {
  std::unordered_map<std::string, Device*> by_id;
  std::unordered_map<std::uint64_t, Device*> by_session;
  std::uint64_t last_session = 0;

  Device* find(const std::string& id) const;
  Device* find(std::uint64_t session) const;
};

// The agent's part of a DN's snapshot (AgentStatus): -1 unknown, 0 logged out, 1 logged in, 2 Ready, 3 NotReady,
// 4 after-call work, 5 walked away.
std::int32_t agent_status(const Agent* agent);

}  // namespace tandem::tserver
