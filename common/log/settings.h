// How log lines are filtered, written and kept: the options of section log as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/log/log.h"

namespace tandem {

// One output and the lowest level it takes.
struct LogOutput {
  std::string name;  // "stdout", "stderr" or a path
  LogLevel lowest = LogLevel::Debug;
};

struct LogSettings {
  enum class Time { Short, Locale, Iso8601 };  // 01:52:07.123 · as the locale has it · 2026-11-21T01:52:07.123Z

  std::optional<LogLevel> verbose = LogLevel::Debug;  // lowest level printed anywhere; none: nothing is
  std::vector<LogOutput> outputs;                     // none: level standard goes to standard error
  bool buffering = true;                              // console only; files are written line by line
  std::uint64_t segment_bytes = 0;                    // a file that would grow above it is begun anew; 0: no bound
  std::chrono::seconds segment_age{0};                // the same by age; 0: no bound
  int expire_files = 10;                              // segments kept, with the current one; 0: all
  int expire_days = 0;                                // segments older are removed; 0: none for their age
  bool keep_startup = false;                          // the first segment after a start is kept aside
  std::uint64_t startup_bytes = 0;                    // size of that one; 0: as segment_bytes
  std::chrono::hours check_point{1};                  // a check-point line at this interval; 0: none
  bool full_format = false;                           // host and application in each line
  Time time = Time::Short;
  bool utc = false;
  std::string host, application;  // for the full format
};

}  // namespace tandem
