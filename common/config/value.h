// Types of option values: how each is written, read and checked.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/dial_plan_rule.h"
#include "common/base/result.h"

namespace tandem::config {

// Bounds of a number, in the unit of the type; for strings and lists, of the length.
struct Range {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  bool bounded() const { return min != Range{}.min || max != Range{}.max; }
};

using Integer = std::int64_t;
using Seconds = std::chrono::seconds;  // written "10", "10 sec", "5 min", "1 hr"
struct WrapUp {                        // written as seconds, or "untimed"
  Seconds time{0};
  bool untimed = false;
};
using Milliseconds = std::chrono::milliseconds;  // a plain number is milliseconds; units as above and "ms"
using List = std::vector<std::string>;           // written "a, b" or [a, b]
struct Bytes {                                   // written "65536", "64 KB", "1 MB"
  std::uint64_t count = 0;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};
struct Path {  // relative ones start at the folder of the environment file
  std::string text;
};
struct Uri {  // sip: or sips: address
  std::string text;
};
struct DialRule {  // a rule of a dial plan; see common/base/dial_plan_rule.h
  std::optional<DialPlanRule> rule;
};

// Log outputs: "stdout", "stderr" or file names.
struct LogOutputs {
  List names;
};
// When a new log file is begun: neither, or one of the two.
struct LogSegment {  // written "false", "50 MB", "24 hr"
  std::uint64_t bytes = 0;
  std::chrono::seconds age{0};
};
// Which closed segments are removed.
struct LogExpire {  // written "false", "10", "10 files", "3 day"
  int files = 0;
  int days = 0;
};
// Whether the first segment is kept aside; 0 bytes: the segment's own size.
struct LogStartup {  // written "false", "true", "1 MB"
  bool keep = false;
  std::uint64_t bytes = 0;
};

// Type-erased face of a value type, for checking a whole file and for printing the tables.
struct ValueType {
  std::string_view name;  // "seconds"
  // Why `text` can't be read, in the form "an integer from 0 to 15"; none: it can.
  std::optional<std::string> (*check)(std::string_view text, const Range& range);
  std::string (*expected)(const Range& range);
};

// An enumeration E is read by `choices(E)`, found next to it: an array of Choice.
template <class E>
struct Choice {
  std::string_view name;
  E value;
};

std::optional<Integer> read_value(std::string_view text, const Range& range, const Integer*);
std::optional<bool> read_value(std::string_view text, const Range& range, const bool*);
std::optional<Seconds> read_value(std::string_view text, const Range& range, const Seconds*);
std::optional<WrapUp> read_value(std::string_view text, const Range& range, const WrapUp*);
std::optional<Milliseconds> read_value(std::string_view text, const Range& range, const Milliseconds*);
std::optional<Bytes> read_value(std::string_view text, const Range& range, const Bytes*);
std::optional<std::string> read_value(std::string_view text, const Range& range, const std::string*);
std::optional<List> read_value(std::string_view text, const Range& range, const List*);
std::optional<Path> read_value(std::string_view text, const Range& range, const Path*);
std::optional<DialRule> read_value(std::string_view text, const Range& range, const DialRule*);
std::optional<Uri> read_value(std::string_view text, const Range& range, const Uri*);
std::optional<LogOutputs> read_value(std::string_view text, const Range& range, const LogOutputs*);
std::optional<LogSegment> read_value(std::string_view text, const Range& range, const LogSegment*);
std::optional<LogExpire> read_value(std::string_view text, const Range& range, const LogExpire*);
std::optional<LogStartup> read_value(std::string_view text, const Range& range, const LogStartup*);

std::string expected_value(const Range& range, const Integer*);
std::string expected_value(const Range& range, const bool*);
std::string expected_value(const Range& range, const Seconds*);
std::string expected_value(const Range& range, const WrapUp*);
std::string expected_value(const Range& range, const Milliseconds*);
std::string expected_value(const Range& range, const Bytes*);
std::string expected_value(const Range& range, const std::string*);
std::string expected_value(const Range& range, const List*);
std::string expected_value(const Range& range, const Path*);
std::string expected_value(const Range& range, const Uri*);
std::string expected_value(const Range& range, const DialRule*);
std::string expected_value(const Range& range, const LogOutputs*);
std::string expected_value(const Range& range, const LogSegment*);
std::string expected_value(const Range& range, const LogExpire*);
std::string expected_value(const Range& range, const LogStartup*);

constexpr std::string_view value_name(const Integer*) {
  return "integer";
}
constexpr std::string_view value_name(const bool*) {
  return "boolean";
}
constexpr std::string_view value_name(const Seconds*) {
  return "seconds";
}
constexpr std::string_view value_name(const WrapUp*) {
  return "seconds or untimed";
}
constexpr std::string_view value_name(const Milliseconds*) {
  return "milliseconds";
}
constexpr std::string_view value_name(const Bytes*) {
  return "bytes";
}
constexpr std::string_view value_name(const std::string*) {
  return "string";
}
constexpr std::string_view value_name(const List*) {
  return "list";
}
constexpr std::string_view value_name(const Path*) {
  return "path";
}
constexpr std::string_view value_name(const DialRule*) {
  return "dial plan rule";
}
constexpr std::string_view value_name(const Uri*) {
  return "URI";
}
constexpr std::string_view value_name(const LogOutputs*) {
  return "list";
}
constexpr std::string_view value_name(const LogSegment*) {
  return "size or duration";
}
constexpr std::string_view value_name(const LogExpire*) {
  return "count or days";
}
constexpr std::string_view value_name(const LogStartup*) {
  return "boolean or size";
}

template <class E>
concept Enumeration = requires {
  choices(E{});
};

template <Enumeration E>
constexpr std::string_view value_name(const E*) {
  return "enumeration";
}
template <Enumeration E>
std::optional<E> read_value(std::string_view text, const Range&, const E*) {
  for (const auto& choice : choices(E{}))
    if (choice.name == text) return choice.value;
  return std::nullopt;
}
template <Enumeration E>
std::string expected_value(const Range&, const E*) {
  std::string names;
  for (const auto& choice : choices(E{})) names += (names.empty() ? "" : " | ") + std::string(choice.name);
  return names;
}

// Several of an enumeration, in the order given: "SHA-256, MD5".
template <Enumeration E>
struct ListOf {
  std::vector<E> items;
};
template <Enumeration E>
constexpr std::string_view value_name(const ListOf<E>*) {
  return "list";
}
template <Enumeration E>
std::optional<ListOf<E>> read_value(std::string_view text, const Range& range, const ListOf<E>*) {
  const auto names = read_value(text, range, static_cast<const List*>(nullptr));
  if (!names) return std::nullopt;
  ListOf<E> list;
  for (const auto& name : *names) {
    const auto item = read_value(name, range, static_cast<const E*>(nullptr));
    if (!item) return std::nullopt;
    list.items.push_back(*item);
  }
  return list;
}
template <Enumeration E>
std::string expected_value(const Range& range, const ListOf<E>*) {
  return "list of: " + expected_value(range, static_cast<const E*>(nullptr));
}

template <class T>
inline constexpr ValueType value_type_of{
    value_name(static_cast<const T*>(nullptr)),
    [](std::string_view text, const Range& range) -> std::optional<std::string> {
      if (read_value(text, range, static_cast<const T*>(nullptr))) return std::nullopt;
      return expected_value(range, static_cast<const T*>(nullptr));
    },
    [](const Range& range) { return expected_value(range, static_cast<const T*>(nullptr)); }};

}  // namespace tandem::config
