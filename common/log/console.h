// Standard output or standard error as a place for log lines. Not safe for two threads at once.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace tandem {

class Console {
 public:
  using Clock = std::chrono::system_clock;
  static constexpr std::size_t kMost = 32 * 1024;     // held back at most
  static constexpr std::chrono::seconds kLongest{1};  // and for so long at most, if lines keep coming

  explicit Console(int fd);
  // A line that may be held back waits for others, for flush(), or for the bounds above; never on a terminal.
  void write(std::string_view line, bool hold, Clock::time_point now);
  void flush(Clock::time_point now);

 private:
  int fd_;
  bool terminal_;
  std::string held_;
  Clock::time_point flushed_{};
};

}  // namespace tandem
