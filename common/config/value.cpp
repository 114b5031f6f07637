#include "common/config/value.h"

#include <algorithm>
#include <charconv>

namespace tandem::config {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

struct Measure {
  std::uint64_t number = 0;
  std::string_view unit;
};

// "50 MB", "50MB", "50".
std::optional<Measure> measure(std::string_view text) {
  text = trimmed(text);
  Measure m;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), m.number);
  if (error != std::errc{} || m.number > std::uint64_t{1} << 53) return std::nullopt;
  m.unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  return m;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kTimes[] = {{"ms", 1},        {"msec", 1},         {"s", 1000},         {"sec", 1000},
                           {"second", 1000}, {"seconds", 1000},   {"min", 60'000},     {"hr", 3'600'000},
                           {"h", 3'600'000}, {"day", 86'400'000}, {"days", 86'400'000}};
constexpr Unit kSizes[] = {{"B", 1},         {"KB", 1u << 10}, {"kB", 1u << 10}, {"K", 1u << 10},
                           {"MB", 1u << 20}, {"M", 1u << 20},  {"GB", 1u << 30}, {"G", 1u << 30}};

template <std::size_t N>
std::optional<std::uint64_t> scaled(std::string_view text, const Unit (&units)[N], std::uint64_t plain) {
  const auto m = measure(text);
  if (!m) return std::nullopt;
  std::uint64_t factor = plain;
  if (!m->unit.empty()) {
    const auto* unit =
        std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return u.name == m->unit; });
    if (unit == std::end(units)) return std::nullopt;
    factor = unit->factor;
  }
  if (m->number > (std::uint64_t{1} << 62) / factor) return std::nullopt;
  return m->number * factor;
}

bool within(std::int64_t value, const Range& range) {
  return value >= range.min && value <= range.max;
}
bool within(std::size_t value, const Range& range) {
  return within(static_cast<std::int64_t>(value), range);
}

std::string with_range(std::string text, const Range& range) {
  if (range.bounded()) text += ", " + std::to_string(range.min) + " to " + std::to_string(range.max);
  return text;
}

}  // namespace

std::optional<Integer> read_value(std::string_view text, const Range& range, const Integer*) {
  text = trimmed(text);
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !within(value, range)) return std::nullopt;
  return value;
}

std::optional<bool> read_value(std::string_view text, const Range&, const bool*) {
  for (const std::string_view yes : {"true", "yes", "on", "1"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "no", "off", "0"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<WrapUp> read_value(std::string_view text, const Range& range, const WrapUp*) {
  if (text == "untimed") return WrapUp{Seconds(0), true};
  const auto time = read_value(text, range, static_cast<const Seconds*>(nullptr));
  if (!time) return std::nullopt;
  return WrapUp{*time, false};
}

std::optional<Milliseconds> read_value(std::string_view text, const Range& range, const Milliseconds*) {
  const auto value = scaled(text, kTimes, 1);
  if (!value || !within(*value, range)) return std::nullopt;
  return Milliseconds{*value};
}

std::optional<Seconds> read_value(std::string_view text, const Range& range, const Seconds*) {
  const auto value = scaled(text, kTimes, 1000);
  if (!value || *value % 1000 != 0 || !within(*value / 1000, range)) return std::nullopt;
  return Seconds{*value / 1000};
}

std::optional<Bytes> read_value(std::string_view text, const Range& range, const Bytes*) {
  const auto value = scaled(text, kSizes, 1);
  if (!value || !within(*value, range)) return std::nullopt;
  return Bytes{*value};
}

std::optional<std::string> read_value(std::string_view text, const Range& range, const std::string*) {
  if (has_control(text) || !within(text.size(), range)) return std::nullopt;
  return std::string(text);
}

std::optional<List> read_value(std::string_view text, const Range& range, const List*) {
  if (has_control(text)) return std::nullopt;
  List items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (const auto item = trimmed(text.substr(0, comma)); !item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (!within(items.size(), range)) return std::nullopt;
  return items;
}

std::optional<Path> read_value(std::string_view text, const Range& range, const Path*) {
  if (has_control(text) || !within(text.size(), range)) return std::nullopt;
  return Path{std::string(text)};
}

std::optional<DialRule> read_value(std::string_view text, const Range&, const DialRule*) {
  if (text.empty()) return DialRule{};
  auto rule = DialPlanRule::parse(text);
  if (!rule) return std::nullopt;
  return DialRule{std::move(rule)};
}

std::optional<Uri> read_value(std::string_view text, const Range& range, const Uri*) {
  const bool graphic = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  const std::size_t scheme = text.starts_with("sip:") ? 4 : text.starts_with("sips:") ? 5 : 0;
  if (!graphic || scheme == 0 || text.size() == scheme || !within(text.size(), range)) return std::nullopt;
  if (text.find_first_of("<>\"") != text.npos) return std::nullopt;
  return Uri{std::string(text)};
}

std::optional<LogOutputs> read_value(std::string_view text, const Range& range, const LogOutputs*) {
  auto names = read_value(text, range, static_cast<const List*>(nullptr));
  if (!names) return std::nullopt;
  for (const auto& name : *names)
    if (name == "network" || name == "memory") return std::nullopt;
  return LogOutputs{std::move(*names)};
}

std::optional<LogSegment> read_value(std::string_view text, const Range&, const LogSegment*) {
  if (text == "false") return LogSegment{};
  if (const auto m = measure(text); m && m->unit == "hr" && m->number >= 1 && m->number <= 24 * 365)
    return LogSegment{0, std::chrono::hours{m->number}};
  const auto size = scaled(text, kSizes, 1024);
  if (!size || *size < 1024 || *size > std::uint64_t{1} << 40) return std::nullopt;
  return LogSegment{*size, {}};
}

std::optional<LogExpire> read_value(std::string_view text, const Range&, const LogExpire*) {
  if (text == "false") return LogExpire{};
  const auto m = measure(text);
  if (!m || m->number < 1) return std::nullopt;
  if ((m->unit.empty() || m->unit == "file" || m->unit == "files") && m->number <= 1000)
    return LogExpire{static_cast<int>(m->number), 0};
  if ((m->unit == "day" || m->unit == "days") && m->number <= 100) return LogExpire{0, static_cast<int>(m->number)};
  return std::nullopt;
}

std::optional<LogStartup> read_value(std::string_view text, const Range& range, const LogStartup*) {
  if (text == "false") return LogStartup{};
  if (text == "true") return LogStartup{true, 0};
  const auto segment = read_value(text, range, static_cast<const LogSegment*>(nullptr));
  if (!segment || segment->bytes == 0) return std::nullopt;
  return LogStartup{true, segment->bytes};
}

std::string expected_value(const Range& range, const Integer*) {
  return with_range("integer", range);
}
std::string expected_value(const Range&, const bool*) {
  return "true | false";
}
std::string expected_value(const Range& range, const Seconds*) {
  return with_range("seconds", range) + "; or with unit: sec, min, hr";
}
std::string expected_value(const Range& range, const WrapUp*) {
  return expected_value(range, static_cast<const Seconds*>(nullptr)) + ", or untimed";
}

std::string expected_value(const Range& range, const Milliseconds*) {
  return with_range("milliseconds", range) + "; or with unit: ms, sec, min, hr";
}
std::string expected_value(const Range& range, const Bytes*) {
  return with_range("bytes", range) + "; or with unit: KB, MB";
}
std::string expected_value(const Range& range, const std::string*) {
  if (range.min > 0)
    return "string of " + std::to_string(range.min) + " to " + std::to_string(range.max) + " characters";
  return range.bounded() ? "string of at most " + std::to_string(range.max) + " characters" : "string";
}
std::string expected_value(const Range& range, const List*) {
  return range.bounded() ? "list of at most " + std::to_string(range.max) : "list";
}
std::string expected_value(const Range&, const Path*) {
  return "path";
}
std::string expected_value(const Range&, const DialRule*) {
  return "a pattern with D, S, # and * inside pairs of braces, or pattern=>????";
}

std::string expected_value(const Range&, const Uri*) {
  return "sip: or sips: URI";
}
std::string expected_value(const Range&, const LogOutputs*) {
  return "list of stdout, stderr and file names";
}
std::string expected_value(const Range&, const LogSegment*) {
  return "false, a size (50 MB) or an age (24 hr)";
}
std::string expected_value(const Range&, const LogExpire*) {
  return "false, 1 to 1000 files, or 1 to 100 day";
}
std::string expected_value(const Range&, const LogStartup*) {
  return "false, true, or a size (1 MB)";
}

}  // namespace tandem::config
