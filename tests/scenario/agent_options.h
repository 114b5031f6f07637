// Options of agents in scenarios: set wrap-up-time=10 (all), dn bob wrap-up-time=5, agent 1001 password=x
// wrap-up-time=7.
#pragma once

#include <string>

#include "tserver/model/settings.h"

namespace tandem::tserver::test {

// False: no such option.
bool set_agent_option(AgentOptions& options, const std::string& name, const std::string& value);
bool set_agents_option(AgentSettings& agents, const std::string& name, const std::string& value);

}  // namespace tandem::tserver::test
