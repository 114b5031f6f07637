// The shape of a log line: "01:52:07.123 Std text", by the options message-format, time-format and time-convert.
#pragma once

#include <chrono>
#include <string>

#include "common/log/settings.h"

namespace tandem {

std::string_view short_name(LogLevel level);  // Std, Int, Trc, Dbg

// Keeps the written second, so one object serves one thread at a time.
class LineFormat {
 public:
  using Clock = std::chrono::system_clock;
  explicit LineFormat(const LogSettings& settings);
  // Appends one whole line with its end.
  void append(std::string& out, LogLevel level, Clock::time_point at, std::string_view text);

 private:
  void write_second(std::int64_t second);

  LogSettings::Time time_;
  bool utc_;
  std::string origin_;  // "host application ", or empty
  std::int64_t second_ = -1;
  std::string before_, after_;  // of the milliseconds
};

}  // namespace tandem
