// All rows of all sections, for whoever walks them: the check of a file, --list-options, docs/configuration.md.
#pragma once

#include <span>
#include <string>

#include "common/config/option.h"

namespace tandem::config {

std::span<const Section* const> all_sections();

// Objects a row may be set at, in words: "T-Server application, Routing Point DN".
std::string level_names(Levels levels);

// What --list-options prints: every row that concerns programs of these levels.
std::string list_options(Levels levels);
// The generated part of docs/configuration.md.
std::string markdown_tables();

}  // namespace tandem::config
