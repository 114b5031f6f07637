// Agents log in and out (MMC-237, MMC-241 to MMC-244, MMC-403, MMC-455 to MMC-457).
#include "tserver/features/agent.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

Check strict_id(const Core& core, const tlib::Message& message) {
  const AgentSettings& agents = core.settings().agents;
  if (agents.strict_id == StrictId::AnyId) return std::nullopt;
  const auto login = agents.logins.find(message.agentid());
  if (login == agents.logins.end()) return refusal(tlib::TERR_SOFT_AGENT_WRONG_ID, "AgentID is not configured");
  if (agents.strict_id == StrictId::Password && login->second.password != message.password())
    return refusal(tlib::TERR_SOFT_AGENT_PSWD_DOESNT_MATCH, "the password is not that of the agent");
  return std::nullopt;
}

// AgentEmuLoginOnCall of the request beats agent-emu-login-on-call of the Agent Login, the DN and the application.
Check refused_on_call(const Core& core, const Device& device, const tlib::Message& message, const AgentOptions* login) {
  if (device.calls.empty()) return std::nullopt;
  auto allowed = kv_flag(message.extensions(), "AgentEmuLoginOnCall");
  if (!allowed && login != nullptr) allowed = login->login_on_call;
  if (!allowed) allowed = agent_option(core, device, &AgentOptions::login_on_call);
  if (allowed.value_or(false)) return std::nullopt;
  return refusal(tlib::TERR_INVALID_STATE, "ThisDN has a call");
}

// Keys may be written in either of the two documented ways.
const tlib::KVPair* presence_profile(const tlib::KVList& extensions) {
  const tlib::KVPair* pair = kv_find(extensions, "Presence-profile");
  return pair != nullptr ? pair : kv_find(extensions, "presence-profile");
}

Check unknown_objects(Core& core, const tlib::Message& message) {
  if (!message.thisqueue().empty() && core.state.device(Dn(message.thisqueue())) == nullptr)
    return refusal(tlib::TERR_DN_NOT_EXIST, "ThisQueue is not configured");
  if (const tlib::KVPair* profile = presence_profile(message.extensions())) {
    const Device* device = core.state.device(Dn(profile->str()));
    if (device == nullptr || !device->settings.presence_profile)
      return refusal(tlib::TERR_DN_NOT_EXIST, "Presence-profile is not that of a configured profile");
  }
  return std::nullopt;
}

Check check_login(Core& core, const Device& device, const tlib::Message& message) {
  const AgentSettings& agents = core.settings().agents;
  if (!device.extension()) return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "agents log in on Extensions");
  if (message.agentid().empty()) return refusal(tlib::TERR_INVALID_ATTR, "AgentID is missing");
  if (!tlib::TAgentWorkMode_IsValid(message.agentworkmode()))
    return refusal(tlib::TERR_INVALID_ATTR, "AgentWorkMode is unknown");
  if (device.agent != nullptr)
    return refusal(tlib::TERR_SOFT_AGENT_ALREADY_LOGGED_IN, "an agent is logged in on ThisDN");
  if (auto why = strict_id(core, message)) return why;
  if (core.state.agents.find(message.agentid()) != nullptr)
    return refusal(tlib::TERR_SOFT_AGENT_ID_IN_USE, "AgentID is logged in on another DN");
  if (auto why = unknown_objects(core, message)) return why;
  const auto login = agents.logins.find(message.agentid());
  if (auto why =
          refused_on_call(core, device, message, login == agents.logins.end() ? nullptr : &login->second.options))
    return why;
  if (agents.limit > 0 && core.state.agents.by_id.size() >= agents.limit)
    return refusal(tlib::TERR_NOMORE_LICENSE, "as many agents as licensed are logged in");
  return std::nullopt;
}

bool ready_mode(tlib::TAgentWorkMode mode) {
  return mode == tlib::AgentWorkModeManualIn || mode == tlib::AgentWorkModeAutoIn;
}

// emulated-login-state decides, or leaves it to the work mode of the request (MMC-241).
AgentState login_state(const Core& core, tlib::TAgentWorkMode mode) {
  AgentState state;
  switch (core.settings().agents.login_state) {
    case LoginState::Ready:
      state.ready = true;
      break;
    case LoginState::NotReady:
      state.ready = false;
      break;
    case LoginState::PerRequest:
      state.ready = mode == tlib::AgentWorkModeUnknown || ready_mode(mode);
      break;
  }
  if (state.ready == ready_mode(mode)) state.mode = mode;
  return state;
}

std::optional<Refusal> log_in(Core& core, Request& request) {
  const auto found = check_device(core, request);
  if (!found) return found.error();
  Device& device = **found;
  const tlib::Message& message = request.message;
  if (auto why = check_login(core, device, message)) return why;
  Agent& agent = core.state.add_agent(device, message.agentid());
  agent.type = message.agenttype();
  agent.queue = message.thisqueue();
  agent.client = request.client.session;
  agent.asked.wrap_up = asked_wrap_up(message.extensions());
  agent.asked.no_answer_action = asked_no_answer_action(message.extensions());
  agent.asked.legal_guard = asked_legal_guard(message.extensions());
  if (!agent.asked.legal_guard) agent.asked.legal_guard = device.next_guard;
  device.next_guard.reset();
  agent.state = login_state(core, message.agentworkmode());
  Event event = new_agent_event(core, tlib::EventAgentLogin, device);
  event->set_agentworkmode(agent.state.mode);
  if (message.reasons().pairs_size() > 0) *event->mutable_reasons() = message.reasons();
  if (const tlib::KVPair* profile = presence_profile(message.extensions())) {
    agent.presence_profile = Dn(profile->str()).str();
    kv_add(*event->mutable_extensions(), "Presence-profile", agent.presence_profile);
  }
  core.tell(device, std::move(event), request.asker());
  core.log(LogLevel::Interaction, device.dn.str() + ": agent " + agent.id + " logged in");
  tell_agent_state(core, device);
  agent_acts(core, device);
  return std::nullopt;
}

std::optional<Refusal> log_out_request(Core& core, Request& request) {
  const auto found = check_device(core, request);
  if (!found) return found.error();
  Device& device = **found;
  if (device.agent == nullptr) return refusal(tlib::TERR_SOFT_AGENT_NOT_LOGGED_IN, "no agent is logged in on ThisDN");
  if (!request.message.agentid().empty() && request.message.agentid() != device.agent->id)
    return refusal(tlib::TERR_SOFT_AGENT_WRONG_ID, "another agent is logged in on ThisDN");
  if (auto why = refused_on_call(core, device, request.message, nullptr)) return why;
  device.next_guard = asked_legal_guard(request.message.extensions());
  log_out(core, device, "by request", request.asker(), &request.message.reasons());
  return std::nullopt;
}

// Without auto-logout-ready an agent who works, or who waits for calls, is spared (options: auto-logout-ready).
bool spared(const Core& core, const Agent& agent) {
  if (core.settings().agents.auto_logout_ready) return false;
  return agent.state.ready || agent.state.mode == tlib::AgentWorkModeAfterCallWork ||
         agent.state.mode == tlib::AgentWorkModeAuxWork || agent.work == Agent::Work::Guard;
}

void watch(Core& core, Device& device, Instant wait) {
  Agent& agent = *device.agent;
  agent.idle_timer = core.set_timer(TimerKind::AgentIdle, agent.session, ++agent.generation, wait);
}

// One timer that looks, each time it fires, when the agent did something last.
void on_idle_timer(Core& core, const TimerKey& key) {
  Device* device = core.state.agents.find(key.subject);
  if (device == nullptr || device->agent->idle_timer != key) return;
  Agent& agent = *device->agent;
  agent.idle_timer.reset();
  const auto timeout = agent_option(core, *device, &AgentOptions::auto_logout).value_or(std::chrono::minutes(0));
  if (timeout.count() <= 0) return;
  if (!device->calls.empty()) agent.active_at = core.now.steady;
  const Instant rest = spared(core, agent) ? Instant(timeout) : agent.active_at + timeout - core.now.steady;
  if (rest > Instant(0)) return watch(core, *device, rest);
  log_out(core, *device, "idle for auto-logout-timeout");
}

}  // namespace

void log_out(Core& core, Device& device, const std::string& why, Asker asker, const tlib::KVList* reasons) {
  Agent& agent = *device.agent;
  core.cancel_timer(agent.work_timer);
  core.cancel_timer(agent.idle_timer);
  Event event = new_agent_event(core, tlib::EventAgentLogout, device);
  if (reasons != nullptr && reasons->pairs_size() > 0) *event->mutable_reasons() = *reasons;
  core.tell(device, std::move(event), asker);
  core.log(LogLevel::Interaction, device.dn.str() + ": agent " + agent.id + " logged out, " + why);
  core.state.remove_agent(device);
}

void agent_acts(Core& core, Device& device) {
  Agent& agent = *device.agent;
  agent.active_at = core.now.steady;
  if (agent.idle_timer) return;
  const auto timeout = agent_option(core, device, &AgentOptions::auto_logout).value_or(std::chrono::minutes(0));
  if (timeout.count() > 0) watch(core, device, timeout);
}

void review_agents(Core& core) {
  for (const auto& [session, device] : core.state.agents.by_session) {
    Agent& agent = *device->agent;
    const auto timeout = agent_option(core, *device, &AgentOptions::auto_logout).value_or(std::chrono::minutes(0));
    core.cancel_timer(agent.idle_timer);
    if (timeout.count() > 0) watch(core, *device, std::max(Instant(0), agent.active_at + timeout - core.now.steady));
  }
}

void agent_client_gone(Core& core, Device& device, SessionId client, std::optional<bool> asked) {
  if (device.agent == nullptr || device.agent->client != client) return;
  device.agent->client = {};
  const bool logs_out = asked ? *asked : agent_option(core, device, &AgentOptions::logout_on_disconnect).value_or(true);
  if (logs_out) log_out(core, device, "its client is gone");
}

void agent_out_of_service(Core& core, Device& device, bool deleted) {
  if (device.agent == nullptr) return;
  // An agent whose client has gone was only waiting for this (MMC-243).
  if (deleted || core.settings().agents.logout_on_out_of_service || !device.agent->client)
    log_out(core, device, "the DN is out of service");
}

void register_agent_login(Table& table) {
  table.serve(tlib::RequestAgentLogin, log_in);
  table.serve(tlib::RequestAgentLogout, log_out_request);
  table.makes({tlib::EventAgentLogin, tlib::EventAgentLogout});
  table.on(TimerKind::AgentIdle, on_idle_timer);
}

}  // namespace tandem::tserver
