// Emulated agents: steps that their features share, and what calls and DNs tell them. The hooks do nothing where nobody
// is logged in.
#pragma once

#include "tserver/features/checks.h"

namespace tandem::tserver {

// --- What happens to agents from outside ---

// A party that was established is about to be released: after-call work or legal guard time begins, which is told
// before EventReleased (MMC-248). Not while the DN talks on in a further call (MMC-245); who leaves several in the same
// breath (Party::leaving), such as a call and the consultation when a transfer is completed, has it before the first
// event.
void agent_call_ends(Core& core, Device& device, const Call& call);
// A routed call rang out on the DN; `asked`: NO_ANSWER_ACTION of the instruction (MMC-307 to MMC-310).
void agent_no_answer(Core& core, Device& device, std::optional<NoAnswerAction> asked);
// The client unregisters the DN or is gone; `asked`: LogoutOnDisconnect of its registration (MMC-242, MMC-423).
void agent_client_gone(Core& core, Device& device, SessionId client, std::optional<bool> asked);
void agent_out_of_service(Core& core, Device& device, bool deleted);
// Options may be others now.
void review_agents(Core& core);

// WrapUpTime as EventEstablished announces it; nothing where no after-call work will follow (MMC-247).
std::optional<tlib::KVList> expected_wrap_up(const Core& core, const Device& device);

// --- Between the agent features ---

// An option of the agent on this DN: asked for in this session, else of its Agent Login, the DN, the application.
template <class T>
std::optional<T> agent_option(const Core& core, const Device& device, std::optional<T> AgentOptions::*option) {
  const AgentSettings& all = core.settings().agents;
  if (device.agent != nullptr) {
    if (device.agent->asked.*option) return device.agent->asked.*option;
    const auto login = all.logins.find(device.agent->id);
    if (login != all.logins.end() && login->second.options.*option) return login->second.options.*option;
  }
  if (device.settings.agent.*option) return device.settings.agent.*option;
  return all.options.*option;
}

// WrapUpTime, LegalGuardTime and NO_ANSWER_ACTION of a request.
std::optional<WrapUp> asked_wrap_up(const tlib::KVList& extensions);
std::optional<std::chrono::seconds> asked_legal_guard(const tlib::KVList& extensions);
std::optional<NoAnswerAction> asked_no_answer_action(const tlib::KVList& extensions);

// An event about the agent on this DN: AgentID, ThisQueue, work mode, reasons; EventAgentReady or EventAgentNotReady by
// its state.
Event new_agent_event(const Core& core, tlib::MessageType type, const Device& device);
void tell_agent_state(Core& core, Device& device, Asker asker = {}, const tlib::KVList* extensions = nullptr);

void log_out(Core& core, Device& device, const std::string& why, Asker asker = {},
             const tlib::KVList* reasons = nullptr);
// The agent does something: inactivity counts anew.
void agent_acts(Core& core, Device& device);
// Ends after-call work or legal guard time, without a word.
void stop_work(Core& core, Agent& agent);
// RequestAgentNotReady with work mode AfterCallWork.
void ask_for_work(Core& core, Device& device, const tlib::KVList& extensions, AgentState wanted, Asker asker);

}  // namespace tandem::tserver
