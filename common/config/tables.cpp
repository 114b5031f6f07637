#include "common/config/tables.h"

#include <algorithm>
#include <array>

#include "common/config/connector_options.h"
#include "common/config/log_options.h"
#include "common/config/tserver_options.h"

namespace tandem::config {
namespace {

constexpr std::array<const Section*, 15> kSections{&options::tserver,
                                                   &options::link,
                                                   &options::clients,
                                                   &options::ha,
                                                   &options::tserver_limits,
                                                   &options::startup,
                                                   &options::front_end,
                                                   &options::connector,
                                                   &options::sip,
                                                   &options::media,
                                                   &options::connector_link,
                                                   &options::connector_limits,
                                                   &options::conference_services,
                                                   &options::security,
                                                   &options::log};

constexpr std::string_view kLevelNames[level::kCount] = {"T-Server",
                                                         "Connector",
                                                         "Switch",
                                                         "pool folder",
                                                         "Extension",
                                                         "Routing Point",
                                                         "External Routing Point",
                                                         "ACD Queue",
                                                         "Virtual Queue",
                                                         "Voice over IP Service",
                                                         "Trunk Group",
                                                         "Agent Login"};

std::string written_default(const Row& row) {
  if (row.extras.mandatory) return "mandatory";
  return row.initial.empty() ? "none" : std::string(row.initial);
}

bool concerns(const Section& section, Levels levels) {
  for (const Row* row = section.first; row; row = row->next)
    if (row->levels & levels) return true;
  return false;
}

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::Immediately:
      return "immediately";
    case Effect::NextCall:
      return "next call";
    case Effect::NextConnection:
      return "next connection";
    case Effect::NextRegistration:
      return "next registration";
    case Effect::AtStart:
      return "at start";
    case Effect::NotInUseYet:
      return "not in use yet";
  }
  return {};
}

std::span<const Section* const> all_sections() {
  return kSections;
}

std::string level_names(Levels levels) {
  std::string out;
  for (int bit = level::kCount - 1; bit >= 0; --bit)
    if (levels & (1u << bit)) out += (out.empty() ? "" : ", ") + std::string(kLevelNames[bit]);
  return out;
}

std::string list_options(Levels levels) {
  std::string out;
  for (const Section* section : kSections) {
    if (!concerns(*section, levels)) continue;
    out += (out.empty() ? "[" : "\n[") + std::string(section->name) + "]  " + std::string(section->help) + "\n";
    for (const Row* row = section->first; row; row = row->next) {
      if (!(row->levels & levels)) continue;
      out += "  " + std::string(row->name);
      if (!row->extras.alias.empty()) out += " (or " + std::string(row->extras.alias) + ")";
      out += "\n      " + row->type->expected(row->range) + "\n      default: " + written_default(*row) +
             "; set at: " + level_names(row->levels) +
             "; a change takes effect: " + std::string(to_string(row->effect)) + "\n      " + std::string(row->help) +
             "\n";
    }
  }
  return out;
}

std::string markdown_tables() {
  std::string out;
  for (const Section* section : kSections) {
    Levels anywhere = 0;
    for (const Row* row = section->first; row; row = row->next) anywhere |= row->levels;
    const bool twice = std::count_if(std::begin(kSections), std::end(kSections),
                                     [&](const Section* s) { return s->name == section->name; }) > 1;
    out += "### " + std::string(section->name);
    if (twice) out += anywhere & level::kTServer ? " (T-Server)" : " (Connector)";
    out += "\n\n" + std::string(section->help) +
           "\n\n| option | values | default | set at | change takes effect | meaning |\n|---|---|---|---|---|---|\n";
    for (const Row* row = section->first; row; row = row->next) {
      out += "| " + std::string(row->name);
      if (!row->extras.alias.empty()) out += ", " + std::string(row->extras.alias);
      out += " | " + escaped(row->type->expected(row->range)) + " | " + escaped(written_default(*row)) + " | " +
             level_names(row->levels) + " | " + std::string(to_string(row->effect)) + " | " +
             escaped(std::string(row->help)) + " |\n";
    }
    out += "\n";
  }
  return out;
}

}  // namespace tandem::config
