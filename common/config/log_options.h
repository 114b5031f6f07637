// Options of section log: the same for every program. What they do is in common/log/settings.h.
#pragma once

#include "common/config/option.h"

namespace tandem::config {

enum class Verbose { All, Debug, Trace, Interaction, Standard, None };
constexpr auto choices(Verbose) {
  return std::array{
      Choice<Verbose>{"all", Verbose::All},           Choice<Verbose>{"debug", Verbose::Debug},
      Choice<Verbose>{"trace", Verbose::Trace},       Choice<Verbose>{"interaction", Verbose::Interaction},
      Choice<Verbose>{"standard", Verbose::Standard}, Choice<Verbose>{"none", Verbose::None}};
}

enum class MessageFormat { Short, Full };
constexpr auto choices(MessageFormat) {
  return std::array{Choice<MessageFormat>{"short", MessageFormat::Short},
                    Choice<MessageFormat>{"full", MessageFormat::Full}};
}

enum class TimeFormat { Time, Locale, Iso8601 };
constexpr auto choices(TimeFormat) {
  return std::array{Choice<TimeFormat>{"time", TimeFormat::Time}, Choice<TimeFormat>{"locale", TimeFormat::Locale},
                    Choice<TimeFormat>{"ISO8601", TimeFormat::Iso8601}};
}

enum class TimeConvert { Local, Utc };
constexpr auto choices(TimeConvert) {
  return std::array{Choice<TimeConvert>{"local", TimeConvert::Local}, Choice<TimeConvert>{"utc", TimeConvert::Utc}};
}

struct LogSection : Section {
  constexpr LogSection() : Section("log", "Where log lines go and how they look.") {}
  using enum Effect;

  // clang-format off
  Option<Verbose> verbose{*this, "verbose", level::kApplication, "all", {}, Immediately, "Lowest level that is printed."};
  Option<LogOutputs> all{*this, "all", level::kApplication, "", {0, 16}, Immediately, "Outputs of every level: stdout, stderr or file names."};
  Option<LogOutputs> standard{*this, "standard", level::kApplication, "", {0, 16}, Immediately, "Outputs of level standard."};
  Option<LogOutputs> interaction{*this, "interaction", level::kApplication, "", {0, 16}, Immediately, "Outputs of levels standard and interaction."};
  Option<LogOutputs> trace{*this, "trace", level::kApplication, "", {0, 16}, Immediately, "Outputs of levels standard, interaction and trace."};
  Option<LogOutputs> debug{*this, "debug", level::kApplication, "", {0, 16}, Immediately, "Outputs of every level."};
  Option<bool> buffering{*this, "buffering", level::kApplication, "true", {}, Immediately, "Buffers what goes to the console; files are always written line by line."};
  Option<LogSegment> segment{*this, "segment", level::kApplication, "false", {}, Immediately, "Size or age at which a new log file is begun."};
  Option<LogExpire> expire{*this, "expire", level::kApplication, "10", {}, Immediately, "How many segments are kept, or for how many days."};
  Option<LogStartup> keep_startup_file{*this, "keep-startup-file", level::kApplication, "false", {}, AtStart, "Keeps the first segment after a start aside, with the segment's size or the one given."};
  Option<Integer> check_point{*this, "check-point", level::kApplication, "1", {0, 24}, Immediately, "Hours between check-point lines; 0 switches them off."};
  Option<MessageFormat> message_format{*this, "message-format", level::kApplication, "short", {}, Immediately, "Whether lines carry host and application besides time and level."};
  Option<TimeFormat> time_format{*this, "time-format", level::kApplication, "time", {}, Immediately, "How the time of a line is written."};
  Option<TimeConvert> time_convert{*this, "time-convert", level::kApplication, "local", {}, Immediately, "Whether times are local or UTC."};
  Option<List> hide_header{*this, "hide-header", level::kSwitch, "", {0, 64}, NextConnection, "Further headers of link messages whose value is printed as **** and its length."};
  // clang-format on
};

namespace options {
inline constexpr LogSection log;
}  // namespace options

}  // namespace tandem::config
