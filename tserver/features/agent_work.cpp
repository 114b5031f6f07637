// What agents are kept from calls for: after-call work, timed or not, after a call or at will (MMC-245 to MMC-250), and
// legal guard time before Ready (MMC-251).
#include <algorithm>
#include <utility>

#include "tserver/features/agent.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

using Work = Agent::Work;

bool wrapping_up(const Agent& agent) {
  return agent.work == Work::AfterCall || agent.work == Work::InIdle;
}

WrapUp usual_wrap_up(const Core& core, const Device& device) {
  return agent_option(core, device, &AgentOptions::wrap_up).value_or(WrapUp{});
}

tlib::KVList as_extensions(const WrapUp& wrap_up) {
  tlib::KVList extensions;
  if (wrap_up.untimed) {
    kv_add(extensions, "WrapUpTime", "untimed");
  } else {
    kv_add(extensions, "WrapUpTime", static_cast<std::int32_t>(wrap_up.time.count()));
  }
  return extensions;
}

// What is left, begun seconds counted in full.
WrapUp rest_of_work(const Core& core, const Agent& agent) {
  if (agent.untimed) return {{}, true};
  return {std::chrono::ceil<std::chrono::seconds>(std::max(Instant(0), agent.work_ends - core.now.steady)), false};
}

void set_work_timer(Core& core, Agent& agent, Instant wait) {
  core.cancel_timer(agent.work_timer);
  agent.work_ends = core.now.steady + wait;
  agent.work_timer = core.set_timer(TimerKind::AgentWork, agent.session, ++agent.generation, wait);
}

// What interrupts the agent now is not what it returns to; what it was interrupted in before is.
void remember(Agent& agent) {
  if (agent.work == Work::None) agent.before = agent.state;
}

void begin_work(Core& core, Device& device, Work work, const WrapUp& wrap_up, AgentState state, Asker asker = {}) {
  Agent& agent = *device.agent;
  remember(agent);
  agent.work = work;
  agent.wrap_up.reset();
  agent.untimed = wrap_up.untimed;
  if (agent.untimed) {
    core.cancel_timer(agent.work_timer);
  } else {
    set_work_timer(core, agent, wrap_up.time);
  }
  agent.state = std::move(state);
  const tlib::KVList extensions = as_extensions(wrap_up);
  tell_agent_state(core, device, asker, &extensions);
}

// Legal guard time if there is any, and Ready after it; false if there is none.
bool begin_guard(Core& core, Device& device) {
  Agent& agent = *device.agent;
  const auto guard = agent_option(core, device, &AgentOptions::legal_guard).value_or(std::chrono::seconds(0));
  if (guard.count() <= 0) return false;
  remember(agent);
  agent.work = Work::Guard;
  set_work_timer(core, agent, guard);
  agent.state = {};
  agent.state.mode = tlib::AgentWorkModeAutoIn;  // in NotReady the same number means LegalGuard
  tell_agent_state(core, device);
  return true;
}

void on_work_timer(Core& core, const TimerKey& key) {
  Device* device = core.state.agents.find(key.subject);
  if (device == nullptr || device->agent->work_timer != key) return;
  Agent& agent = *device->agent;
  agent.work_timer.reset();
  AgentState next = agent.before;
  if (agent.work == Work::InIdle && core.settings().agents.acw_in_idle_force_ready && !next.ready) {
    next = {};
    next.ready = true;
  }
  if (agent.work != Work::Guard && next.ready) {
    agent.before = next;
    if (begin_guard(core, *device)) return;
  }
  agent.work = Work::None;
  agent.state = std::move(next);
  tell_agent_state(core, *device);
  agent_acts(core, *device);
}

// While wrapping up: 0 asks how much is left, a number adds seconds to timed work, untimed ends the count (MMC-250).
void extend(Core& core, Device& device, const std::optional<WrapUp>& asked, AgentState wanted, Asker asker) {
  Agent& agent = *device.agent;
  if (asked && asked->untimed) {
    agent.untimed = true;
    core.cancel_timer(agent.work_timer);
  } else if (asked && asked->time.count() > 0 && !agent.untimed) {
    set_work_timer(core, agent, agent.work_ends - core.now.steady + asked->time);
  }
  agent.state = std::move(wanted);
  const tlib::KVList extensions = as_extensions(rest_of_work(core, agent));
  tell_agent_state(core, device, asker, &extensions);
}

bool talks_in(const Device& device, Call& call) {
  return call.party(&device)->up();
}

// Further calls that the DN leaves in the same breath; nothing if it talks on in one. What rings or is being dialed
// does not count.
std::optional<std::vector<ConnId>> further_calls(const Device& device, const Call& call) {
  std::vector<ConnId> further;
  for (Call* other : device.calls) {
    if (other == &call) continue;
    if (!other->party(&device)->leaving) {
      if (talks_in(device, *other)) return std::nullopt;
      continue;
    }
    further.push_back(other->id);
  }
  return further;
}

}  // namespace

void stop_work(Core& core, Agent& agent) {
  core.cancel_timer(agent.work_timer);
  agent.work = Work::None;
  agent.wrap_up.reset();
  agent.untimed = false;
}

void ask_for_work(Core& core, Device& device, const tlib::KVList& extensions, AgentState wanted, Asker asker) {
  Agent& agent = *device.agent;
  const auto asked = asked_wrap_up(extensions);
  if (wrapping_up(agent)) return extend(core, device, asked, std::move(wanted), asker);
  const WrapUp usual = usual_wrap_up(core, device);
  const bool talks =
      std::any_of(device.calls.begin(), device.calls.end(), [&](Call* call) { return talks_in(device, *call); });
  if (talks) {  // it begins when the call ends
    remember(agent);
    if (agent.work == Work::Guard) core.cancel_timer(agent.work_timer);
    if (asked && *asked) agent.wrap_up = asked;
    if (!agent.wrap_up) agent.wrap_up = usual ? usual : WrapUp{{}, true};
    agent.work = Work::Announced;
    agent.state = std::move(wanted);
    const tlib::KVList announced = as_extensions(*agent.wrap_up);
    return tell_agent_state(core, device, asker, &announced);
  }
  WrapUp wrap_up{{}, true};
  if (asked) {
    if (*asked) wrap_up = *asked;
  } else if (core.settings().agents.timed_acw_in_idle && usual) {
    wrap_up = usual;
  }
  begin_work(core, device, Work::InIdle, wrap_up, std::move(wanted), asker);
}

void agent_call_ends(Core& core, Device& device, const Call& call) {
  if (device.agent == nullptr) return;
  Agent& agent = *device.agent;
  if (std::erase(agent.leaves_too, call.id) > 0) return;
  auto further = further_calls(device, call);
  if (!further) return;
  agent.leaves_too = std::move(*further);
  agent.active_at = core.now.steady;
  const WrapUp wrap_up = agent.wrap_up ? *agent.wrap_up : usual_wrap_up(core, device);
  if (wrap_up) {
    AgentState state;
    state.mode = tlib::AgentWorkModeAfterCallWork;
    if (agent.work == Work::Announced) state = agent.state;
    begin_work(core, device, Work::AfterCall, wrap_up, std::move(state));
  } else if (agent.state.ready) {
    begin_guard(core, device);
  }
}

std::optional<tlib::KVList> expected_wrap_up(const Core& core, const Device& device) {
  if (device.agent == nullptr) return std::nullopt;
  const WrapUp wrap_up = device.agent->wrap_up ? *device.agent->wrap_up : usual_wrap_up(core, device);
  if (!wrap_up) return std::nullopt;
  return as_extensions(wrap_up);
}

void register_agent_work(Table& table) {
  table.on(TimerKind::AgentWork, on_work_timer);
}

}  // namespace tandem::tserver
