// The switch that scenarios play in, and how its lines "set", "dn" and "agent" change it.
#pragma once

#include <string>

#include "tserver/model/settings.h"
#include "words.h"

namespace tandem::tserver::test {

Settings the_switch();

// Each says what is wrong with it, if anything is.
std::string set_option(Settings& settings, const std::string& name, const std::string& value);
std::string set_dn(Settings& settings, const Words& words);
std::string set_agent(Settings& settings, const Words& words);

}  // namespace tandem::tserver::test
