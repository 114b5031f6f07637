// Reads a map of the environment file key by key, and tells of the keys nobody asked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/report.h"
#include "common/config/value.h"
#include "common/config/yaml_tree.h"

namespace tandem::config {

class MapReader {
 public:
  // `what` names the object in problems: "application TServer_1". `at` is its line, if not where the map begins.
  MapReader(const YamlNode& node, std::string what, Report& report, Source at = {});

  // The value of a key, or null. Every key asked for is a known one.
  const YamlEntry* take(std::string_view key);
  // The same, told as fatal (or an error) if it isn't there.
  const YamlEntry* need(std::string_view key, std::string_view expected, Severity severity = Severity::Fatal);

  // A scalar; anything else is told, and empty.
  std::string text(std::string_view key, std::string_view expected);
  std::string needed_text(std::string_view key, std::string_view expected, Severity severity = Severity::Fatal);
  bool flag(std::string_view key, bool otherwise);
  // Tells of the keys that are left.
  void finish();

  Source at() const { return at_; }
  const std::string& what() const { return what_; }
  void wrong(const YamlNode& value, std::string_view key, std::string_view expected, Severity severity);

 private:
  std::string text_of(const YamlEntry& entry, std::string_view expected, Severity severity);

  const YamlNode& node_;
  std::string what_;
  Report& report_;
  Source at_;
  std::vector<std::string_view> known_;
};

// What stands there, in words: "a list", or the text in quotes.
std::string found_text(const YamlNode& node);
// The items of a list; of a single value, that; of nothing, none.
std::vector<const YamlNode*> items_of(const YamlNode& node);
// Tells of a name that is empty, longer than 64 bytes or not graphic: it goes into logs and protocols.
bool good_name(const std::string& name, Source at, std::string_view kind, Report& report);
// Sections of options: a map of maps of scalars or lists of scalars.
Options read_options(const YamlNode& node, const std::string& what, Report& report);

}  // namespace tandem::config
