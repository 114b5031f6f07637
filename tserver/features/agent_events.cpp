#include "tserver/features/agent.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {

std::optional<WrapUp> asked_wrap_up(const tlib::KVList& extensions) {
  const tlib::KVPair* pair = kv_find(extensions, "WrapUpTime");
  if (pair == nullptr) return std::nullopt;
  if (pair->str() == "untimed" || pair->unicode() == "untimed") return WrapUp{{}, true};
  const auto seconds = kv_integer(extensions, "WrapUpTime");
  if (!seconds || *seconds < 0) return std::nullopt;
  return WrapUp{std::chrono::seconds(*seconds), false};
}

std::optional<std::chrono::seconds> asked_legal_guard(const tlib::KVList& extensions) {
  const auto seconds = kv_integer(extensions, "LegalGuardTime");
  if (!seconds || *seconds < 0) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::optional<NoAnswerAction> asked_no_answer_action(const tlib::KVList& extensions) {
  const tlib::KVPair* pair = kv_find(extensions, "NO_ANSWER_ACTION");
  if (pair == nullptr) return std::nullopt;
  const std::string& text = pair->Value_case() == tlib::KVPair::kUnicode ? pair->unicode() : pair->str();
  if (text == "none") return NoAnswerAction::None;
  if (text == "notready" || text == "not ready") return NoAnswerAction::NotReady;
  if (text == "logout") return NoAnswerAction::Logout;
  return std::nullopt;
}

Event new_agent_event(const Core& core, tlib::MessageType type, const Device& device) {
  const Agent& agent = *device.agent;
  Event event = new_event(core.now, type);
  event->set_thisdn(device.dn.str());
  event->set_agentid(agent.id);
  event->set_agenttype(agent.type);
  if (!agent.queue.empty()) event->set_thisqueue(agent.queue);
  return event;
}

void tell_agent_state(Core& core, Device& device, Asker asker, const tlib::KVList* extensions) {
  const AgentState& state = device.agent->state;
  Event event = new_agent_event(core, state.ready ? tlib::EventAgentReady : tlib::EventAgentNotReady, device);
  event->set_agentworkmode(state.mode);
  if (state.reasons.pairs_size() > 0) *event->mutable_reasons() = state.reasons;
  if (state.extensions.pairs_size() > 0) *event->mutable_extensions() = state.extensions;
  if (extensions != nullptr) kv_attach(*event->mutable_extensions(), *extensions);
  core.tell(device, std::move(event), asker);
}

}  // namespace tandem::tserver
