#include "common/config/map_reader.h"

#include <algorithm>

namespace tandem::config {

std::string found_text(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::Null:
      return "empty";
    case YamlNode::Kind::Scalar:
      return quoted(node.text);
    case YamlNode::Kind::Sequence:
      return "a list";
    case YamlNode::Kind::Map:
      return "a map";
  }
  return {};
}

std::vector<const YamlNode*> items_of(const YamlNode& node) {
  std::vector<const YamlNode*> items;
  if (node.kind == YamlNode::Kind::Sequence)
    for (const auto& item : node.items) items.push_back(item.get());
  else if (node.kind != YamlNode::Kind::Null)
    items.push_back(&node);
  return items;
}

MapReader::MapReader(const YamlNode& node, std::string what, Report& report, Source at)
    : node_(node), what_(std::move(what)), report_(report), at_(at.line > 0 ? at : Source{node.line}) {
  if (node.kind != YamlNode::Kind::Map && node.kind != YamlNode::Kind::Null)
    report.fatal({node.line}, what_ + " is " + found_text(node) + "; expected a map of keys and values");
}

const YamlEntry* MapReader::take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  const auto found = std::find_if(node_.entries.begin(), node_.entries.end(),
                                  [&](const YamlEntry& entry) { return entry.key == key; });
  return found == node_.entries.end() ? nullptr : &*found;
}

const YamlEntry* MapReader::need(std::string_view key, std::string_view expected, Severity severity) {
  const YamlEntry* entry = take(key);
  if (!entry) report_.add(severity, at(), what_ + " has no " + quoted(key) + "; expected " + std::string(expected));
  return entry;
}

void MapReader::wrong(const YamlNode& value, std::string_view key, std::string_view expected, Severity severity) {
  report_.add(severity, {value.line},
              what_ + ": " + std::string(key) + " is " + found_text(value) + "; expected " + std::string(expected));
}

std::string MapReader::text_of(const YamlEntry& entry, std::string_view expected, Severity severity) {
  if (entry.value->kind == YamlNode::Kind::Scalar) return entry.value->text;
  wrong(*entry.value, entry.key, expected, severity);
  return {};
}

std::string MapReader::text(std::string_view key, std::string_view expected) {
  const YamlEntry* entry = take(key);
  return entry ? text_of(*entry, expected, Severity::Error) : std::string();
}

std::string MapReader::needed_text(std::string_view key, std::string_view expected, Severity severity) {
  const YamlEntry* entry = need(key, expected, severity);
  return entry ? text_of(*entry, expected, severity) : std::string();
}

bool MapReader::flag(std::string_view key, bool otherwise) {
  const YamlEntry* entry = take(key);
  if (!entry) return otherwise;
  const auto value =
      read_value(text_of(*entry, "true or false", Severity::Error), {}, static_cast<const bool*>(nullptr));
  if (!value && entry->value->kind == YamlNode::Kind::Scalar)
    wrong(*entry->value, key, "true or false", Severity::Error);
  return value.value_or(otherwise);
}

void MapReader::finish() {
  for (const auto& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end() || report_.full()) continue;
    report_.error({entry.line}, what_ + ": unknown key " + quoted(entry.key) + "; expected " + one_of(known_) +
                                    did_you_mean(entry.key, known_));
  }
}

bool good_name(const std::string& name, Source at, std::string_view kind, Report& report) {
  const bool graphic = std::none_of(name.begin(), name.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7f; });
  if (graphic && !name.empty() && name.size() <= 64) return true;
  report.fatal(at, std::string(kind) + " is named " + quoted(name) + "; expected at most 64 characters without spaces");
  return false;
}

Options read_options(const YamlNode& node, const std::string& what, Report& report) {
  Options options;
  if (node.kind != YamlNode::Kind::Map && node.kind != YamlNode::Kind::Null)
    report.error({node.line}, what + " is " + found_text(node) + "; expected sections of options");
  for (const auto& section : node.entries) {
    if (section.value->kind != YamlNode::Kind::Map && section.value->kind != YamlNode::Kind::Null) {
      report.error({section.line}, what + ": section " + quoted(section.key) + " is " + found_text(*section.value) +
                                       "; expected a map of options");
      continue;
    }
    OptionSection& into = options[section.key];
    for (const auto& option : section.value->entries) {
      Value value{{}, {option.line}};
      bool plain = option.value->kind != YamlNode::Kind::Map;
      for (const YamlNode* item : items_of(*option.value)) {
        const bool in_list = option.value->kind == YamlNode::Kind::Sequence;
        if (item->kind != YamlNode::Kind::Scalar || (in_list && item->text.find(',') != std::string::npos))
          plain = false;
        if (!value.text.empty()) value.text += ", ";
        value.text += item->text;
      }
      if (option.value->kind == YamlNode::Kind::Null) plain = false;
      if (plain)
        into.emplace(option.key, std::move(value));
      else
        report.error({option.line}, what + ": option " + section.key + "/" + option.key + " is " +
                                        found_text(*option.value) +
                                        "; expected one value, or a list of values without commas");
    }
  }
  return options;
}

}  // namespace tandem::config
