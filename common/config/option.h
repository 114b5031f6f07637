// One option is one row: name, where it may be set, type, default, range, when a change takes effect, a sentence of
// help. A row is a constant that carries the C++ type of its value, so a misspelt option or a wrong type doesn't build:
//
//   std::chrono::seconds wait = scope.get(options::tserver.router_timeout);
//
// Adding one is one line in the section it belongs to (tserver_options.h, connector_options.h, log_options.h).
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "common/config/value.h"

namespace tandem::config {

// Objects whose options or annex may hold a row; bits, the strongest last (options of the same name: the stronger
// wins).
using Levels = std::uint32_t;
namespace level {
inline constexpr Levels kTServer = 1u << 0;    // application of type tserver
inline constexpr Levels kConnector = 1u << 1;  // application of type connector
inline constexpr Levels kSwitch = 1u << 2;     // annex of the switch
inline constexpr Levels kFolder = 1u << 3;     // annex of a first-level DN folder that names a pool
inline constexpr Levels kExtension = 1u << 4;
inline constexpr Levels kRoutingPoint = 1u << 5;
inline constexpr Levels kExternalRoutingPoint = 1u << 6;
inline constexpr Levels kAcdQueue = 1u << 7;
inline constexpr Levels kVirtualQueue = 1u << 8;
inline constexpr Levels kVoipService = 1u << 9;
inline constexpr Levels kTrunkGroup = 1u << 10;
inline constexpr Levels kAgentLogin = 1u << 11;
inline constexpr Levels kApplication = kTServer | kConnector;
inline constexpr int kCount = 12;
}  // namespace level

// When a running program follows a changed value.
enum class Effect { Immediately, NextCall, NextConnection, NextRegistration, AtStart, NotInUseYet };
std::string_view to_string(Effect effect);

class Section;

// What all rows have in common, whatever their type.
class Row {
 public:
  struct Extras {
    std::string_view alias = {};  // another spelling that is accepted
    bool mandatory = false;       // must be given wherever its section is
    bool numbered = false;        // the "n" of the name stands for a number from 1
  };

  constexpr Row(Section& section, std::string_view row_name, Levels row_levels, std::string_view row_initial,
                Range row_range, Effect row_effect, std::string_view row_help, Extras row_extras,
                const ValueType& row_type);
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  std::string_view section;
  std::string_view name;
  Levels levels;
  std::string_view initial;  // the default, as it would be written in the file
  Range range;
  Effect effect;
  std::string_view help;
  Extras extras;
  const ValueType* type;
  const Row* next = nullptr;  // of the same section
};

// The rows of one section, in the order they are declared.
class Section {
 public:
  constexpr explicit Section(std::string_view section_name, std::string_view section_help)
      : name(section_name), help(section_help) {}
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  std::string_view name;
  std::string_view help;
  const Row* first = nullptr;
  Row* last = nullptr;  // only while the section is being built
  int rows = 0;
};

constexpr Row::Row(Section& row_section, std::string_view row_name, Levels row_levels, std::string_view row_initial,
                   Range row_range, Effect row_effect, std::string_view row_help, Extras row_extras,
                   const ValueType& row_type)
    : section(row_section.name),
      name(row_name),
      levels(row_levels),
      initial(row_initial),
      range(row_range),
      effect(row_effect),
      help(row_help),
      extras(row_extras),
      type(&row_type) {
  if (row_section.rows++ > 0)  // not "if (last)": g++ with -fsanitize=undefined finds that no constant expression
    row_section.last->next = this;
  else
    row_section.first = this;
  row_section.last = this;
}

template <class T>
class Option : public Row {
 public:
  constexpr Option(Section& row_section, std::string_view row_name, Levels row_levels, std::string_view row_initial,
                   Range row_range, Effect row_effect, std::string_view row_help, Extras row_extras = {})
      : Row(row_section, row_name, row_levels, row_initial, row_range, row_effect, row_help, row_extras,
            value_type_of<T>) {}
};

}  // namespace tandem::config
