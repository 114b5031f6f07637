#include "agent_options.h"

namespace tandem::tserver::test {

bool set_agent_option(AgentOptions& options, const std::string& name, const std::string& value) {
  if (name == "wrap-up-time") {
    options.wrap_up = value == "untimed" ? WrapUp{{}, true} : WrapUp{std::chrono::seconds(std::stol(value)), false};
  } else if (name == "no-answer-action") {
    options.no_answer_action = value == "logout"     ? NoAnswerAction::Logout
                               : value == "notready" ? NoAnswerAction::NotReady
                                                     : NoAnswerAction::None;
  } else if (name == "agent-emu-login-on-call") {
    options.login_on_call = value == "true";
  } else if (name == "logout-on-disconnect") {
    options.logout_on_disconnect = value == "true";
  } else if (name == "auto-logout-timeout") {
    options.auto_logout = std::chrono::minutes(std::stol(value));
  } else if (name == "legal-guard-time") {
    options.legal_guard = std::chrono::seconds(std::stol(value));
  } else {
    return false;
  }
  return true;
}

bool set_agents_option(AgentSettings& agents, const std::string& name, const std::string& value) {
  if (name == "agent-strict-id") {
    agents.strict_id = value == "passwd" ? StrictId::Password
                       : value == "true" ? StrictId::Configured
                                         : StrictId::AnyId;
  } else if (name == "emulated-login-state") {
    agents.login_state = value == "ready"       ? LoginState::Ready
                         : value == "not-ready" ? LoginState::NotReady
                                                : LoginState::PerRequest;
  } else if (name == "logout-on-out-of-service") {
    agents.logout_on_out_of_service = value == "true";
  } else if (name == "auto-logout-ready") {
    agents.auto_logout_ready = value == "true";
  } else if (name == "timed-acw-in-idle") {
    agents.timed_acw_in_idle = value == "true";
  } else if (name == "acw-in-idle-force-ready") {
    agents.acw_in_idle_force_ready = value == "true";
  } else if (name == "agents") {
    agents.limit = static_cast<std::uint32_t>(std::stoul(value));
  } else {
    return set_agent_option(agents.options, name, value);
  }
  return true;
}

}  // namespace tandem::tserver::test
