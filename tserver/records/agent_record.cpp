#include "tserver/records/agent_record.h"

namespace tandem::tserver {
namespace {

// A member that is added belongs into the record, or is derived from it: then correct the number.
static_assert(sizeof(AgentState) == 104 && sizeof(AgentOptions) == 72 && sizeof(Agent) == 536);

void write_state(const AgentState& state, sync::AgentState& to) {
  to.set_ready(state.ready);
  to.set_mode(state.mode);
  if (state.reasons.pairs_size() > 0) put_kv(state.reasons, to.mutable_reasons());
  if (state.extensions.pairs_size() > 0) put_kv(state.extensions, to.mutable_extensions());
}

void read_state(const sync::AgentState& from, AgentState& to) {
  to.ready = from.ready();
  to.mode = static_cast<tlib::TAgentWorkMode>(from.mode());
  to.reasons.ParseFromString(from.reasons());
  to.extensions.ParseFromString(from.extensions());
}

void write_wrap_up(const WrapUp& wrap_up, sync::WrapUp& to) {
  to.set_time_s(static_cast<std::uint32_t>(wrap_up.time.count()));
  to.set_untimed(wrap_up.untimed);
}

WrapUp to_wrap_up(const sync::WrapUp& from) {
  return {std::chrono::seconds(from.time_s()), from.untimed()};
}

void write_options(const AgentOptions& options, sync::AgentOptions& to) {
  if (options.wrap_up) write_wrap_up(*options.wrap_up, *to.mutable_wrap_up());
  if (options.no_answer_action) to.set_no_answer_action(static_cast<std::uint32_t>(*options.no_answer_action));
  if (options.login_on_call) to.set_login_on_call(*options.login_on_call);
  if (options.logout_on_disconnect) to.set_logout_on_disconnect(*options.logout_on_disconnect);
  if (options.auto_logout) to.set_auto_logout_min(static_cast<std::uint32_t>(options.auto_logout->count()));
  if (options.legal_guard) to.set_legal_guard_s(static_cast<std::uint32_t>(options.legal_guard->count()));
}

void read_options(const sync::AgentOptions& from, AgentOptions& to) {
  if (from.has_wrap_up()) to.wrap_up = to_wrap_up(from.wrap_up());
  if (from.has_no_answer_action()) to.no_answer_action = static_cast<NoAnswerAction>(from.no_answer_action());
  if (from.has_login_on_call()) to.login_on_call = from.login_on_call();
  if (from.has_logout_on_disconnect()) to.logout_on_disconnect = from.logout_on_disconnect();
  if (from.has_auto_logout_min()) to.auto_logout = std::chrono::minutes(from.auto_logout_min());
  if (from.has_legal_guard_s()) to.legal_guard = std::chrono::seconds(from.legal_guard_s());
}

}  // namespace

void write_agent(const Writing& writing, const Device& device, sync::Agent& to) {
  const Agent& agent = *device.agent;
  to.set_dn(device.dn.str());
  to.set_session(agent.session);
  to.set_id(agent.id);
  to.set_type(static_cast<std::uint32_t>(agent.type));
  if (!agent.queue.empty()) to.set_queue(agent.queue);
  if (!agent.presence_profile.empty()) to.set_presence_profile(agent.presence_profile);
  if (is_kept(agent.client)) to.set_client(agent.client.value);
  write_options(agent.asked, *to.mutable_asked());
  write_state(agent.state, *to.mutable_state());
  to.set_work(static_cast<std::uint32_t>(agent.work));
  write_state(agent.before, *to.mutable_before());
  if (agent.wrap_up) write_wrap_up(*agent.wrap_up, *to.mutable_wrap_up());
  to.set_untimed(agent.untimed);
  if (agent.work_ends.count() != 0) to.set_work_ends(writing.clock.wall(agent.work_ends));
  writing.timer(agent.work_timer, [&] { return to.mutable_work_timer(); });
  for (const ConnId id : agent.leaves_too) to.add_leaves_too(id.value);
  if (agent.active_at.count() != 0) to.set_active_at(writing.clock.wall(agent.active_at));
  writing.timer(agent.idle_timer, [&] { return to.mutable_idle_timer(); });
  to.set_generation(agent.generation);
}

bool read_agent(Reading& reading, State& state, const sync::Agent& from) {
  Device* device = state.device(Dn(from.dn()));
  if (device == nullptr || !device->extension() || device->agent != nullptr ||
      state.agents.find(from.id()) != nullptr || state.agents.find(from.session()) != nullptr ||
      !in(from.work(), Agent::Work::Guard))
    return false;
  device->agent = std::make_unique<Agent>();
  Agent& agent = *device->agent;
  agent.session = from.session();
  agent.id = from.id();
  agent.type = static_cast<tlib::TAgentType>(from.type());
  agent.queue = from.queue();
  agent.presence_profile = from.presence_profile();
  if (state.clients.contains(SessionId{from.client()})) agent.client = SessionId{from.client()};
  read_options(from.asked(), agent.asked);
  read_state(from.state(), agent.state);
  agent.work = static_cast<Agent::Work>(from.work());
  read_state(from.before(), agent.before);
  if (from.has_wrap_up()) agent.wrap_up = to_wrap_up(from.wrap_up());
  agent.untimed = from.untimed();
  if (from.work_ends() != 0) agent.work_ends = reading.clock.steady(from.work_ends());
  if (from.has_work_timer()) agent.work_timer = reading.timer(from.work_timer());
  for (const std::uint64_t id : from.leaves_too()) agent.leaves_too.push_back(ConnId{id});
  if (from.active_at() != 0) agent.active_at = reading.clock.steady(from.active_at());
  if (from.has_idle_timer()) agent.idle_timer = reading.timer(from.idle_timer());
  agent.generation = from.generation();
  state.agents.by_id.emplace(agent.id, device);
  state.agents.by_session.emplace(agent.session, device);
  return true;
}

}  // namespace tandem::tserver
