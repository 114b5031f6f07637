// The steps from a YAML tree to a checked Environment. Internal to this room.
#pragma once

#include "common/config/environment.h"
#include "common/config/report.h"
#include "common/config/yaml_tree.h"

namespace tandem::config {

// The `applications` of the file, `like` resolved.
void read_applications(const YamlNode& node, Environment& environment, Report& report);
// The `switches` of the file; of DNs with the same name all but the first are marked misconfigured (MMC-60).
void read_switches(const YamlNode& node, Environment& environment, Report& report);
// Every option against its row: those that nobody knows and those that can't be read are told and removed, and other
// spellings are replaced by the name of the row.
void check_options(Environment& environment, Report& report);
// What only shows when all is read: names that name nothing, colliding ports, pools, missing links.
void check_environment(const Environment& environment, Report& report);

}  // namespace tandem::config
