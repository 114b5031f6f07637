// Ready and NotReady, on a call or off it (MMC-238, MMC-239, MMC-403), and what becomes of an agent who lets a routed
// call ring out (MMC-307 to MMC-310).
#include "tserver/features/agent.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

bool same(const tlib::KVList& a, const tlib::KVList& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

bool same(const AgentState& a, const AgentState& b) {
  return a.ready == b.ready && a.mode == b.mode && same(a.reasons, b.reasons) && same(a.extensions, b.extensions);
}

Result<Device*, Refusal> check_agent(Core& core, const Request& request) {
  auto device = check_device(core, request);
  if (!device) return device;
  if ((*device)->agent == nullptr)
    return refusal(tlib::TERR_SOFT_AGENT_NOT_LOGGED_IN, "no agent is logged in on ThisDN");
  const std::string& id = request.message.agentid();
  if (!id.empty() && id != (*device)->agent->id)
    return refusal(tlib::TERR_SOFT_AGENT_WRONG_ID, "another agent is logged in on ThisDN");
  return device;
}

AgentState wanted_state(const Request& request, bool ready) {
  AgentState wanted;
  wanted.ready = ready;
  wanted.mode = request.message.agentworkmode();
  wanted.reasons = request.message.reasons();
  if (const tlib::KVPair* code = kv_find(request.message.extensions(), "ReasonCode"))
    *wanted.extensions.add_pairs() = *code;
  return wanted;
}

// 2 means AutoIn here and LegalGuard below, which no client can ask for.
bool is_ready_mode(tlib::TAgentWorkMode mode) {
  return mode == tlib::AgentWorkModeUnknown || mode == tlib::AgentWorkModeManualIn ||
         mode == tlib::AgentWorkModeAutoIn || mode == tlib::AgentWorkModeReturnBack;
}

bool is_not_ready_mode(tlib::TAgentWorkMode mode) {
  return mode == tlib::AgentWorkModeUnknown || mode == tlib::AgentWorkModeAfterCallWork ||
         mode == tlib::AgentWorkModeAuxWork || mode == tlib::AgentWorkModeNoCallDisconnect ||
         mode == tlib::AgentWorkModeWalkAway;
}

void change_state(Core& core, Device& device, AgentState wanted, Asker asker) {
  Agent& agent = *device.agent;
  stop_work(core, agent);
  agent.state = std::move(wanted);
  tell_agent_state(core, device, asker);
  agent_acts(core, device);
}

std::optional<Refusal> set_ready(Core& core, Request& request) {
  const auto found = check_agent(core, request);
  if (!found) return found.error();
  Device& device = **found;
  if (!is_ready_mode(request.message.agentworkmode()))
    return refusal(tlib::TERR_INVALID_ATTR, "AgentWorkMode is not one of Ready");
  AgentState wanted = wanted_state(request, true);
  const auto guard = asked_legal_guard(request.message.extensions());
  if (guard) device.agent->asked.legal_guard = guard;
  if (!guard && same(device.agent->state, wanted)) return refusal(tlib::TERR_IN_SAME_STATE, "the agent is Ready so");
  change_state(core, device, std::move(wanted), request.asker());
  return std::nullopt;
}

std::optional<Refusal> set_not_ready(Core& core, Request& request) {
  const auto found = check_agent(core, request);
  if (!found) return found.error();
  Device& device = **found;
  if (!is_not_ready_mode(request.message.agentworkmode()))
    return refusal(tlib::TERR_INVALID_ATTR, "AgentWorkMode is not one of NotReady");
  if (kv_find(request.message.extensions(), "WrapUpTime") != nullptr && !asked_wrap_up(request.message.extensions()))
    return refusal(tlib::TERR_INVALID_ATTR, "WrapUpTime is neither a number of seconds nor untimed");
  AgentState wanted = wanted_state(request, false);
  if (wanted.mode == tlib::AgentWorkModeAfterCallWork) {
    ask_for_work(core, device, request.message.extensions(), std::move(wanted), request.asker());
    agent_acts(core, device);
    return std::nullopt;
  }
  if (same(device.agent->state, wanted)) return refusal(tlib::TERR_IN_SAME_STATE, "the agent is NotReady so");
  change_state(core, device, std::move(wanted), request.asker());
  return std::nullopt;
}

}  // namespace

void agent_no_answer(Core& core, Device& device, std::optional<NoAnswerAction> asked) {
  if (device.agent == nullptr) return;
  const NoAnswerAction action =
      asked ? *asked : agent_option(core, device, &AgentOptions::no_answer_action).value_or(NoAnswerAction::None);
  Agent& agent = *device.agent;
  if (action == NoAnswerAction::Logout) return log_out(core, device, "did not answer a routed call");
  const bool stays = !agent.state.ready && agent.work == Agent::Work::None;
  if (action == NoAnswerAction::None || stays) return;
  stop_work(core, agent);
  agent.state = {};
  core.log(LogLevel::Interaction, device.dn.str() + ": agent " + agent.id + " did not answer a routed call, NotReady");
  tell_agent_state(core, device);
  agent.active_at = core.now.steady;
}

void register_agent_state(Table& table) {
  table.serve(tlib::RequestAgentReady, set_ready);
  table.serve(tlib::RequestAgentNotReady, set_not_ready);
  table.makes({tlib::EventAgentReady, tlib::EventAgentNotReady});
}

}  // namespace tandem::tserver
