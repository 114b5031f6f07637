#include "common/log/console.h"

#include <unistd.h>

#include <cerrno>

namespace tandem {

Console::Console(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {}

void Console::write(std::string_view line, bool hold, Clock::time_point now) {
  held_ += line;
  if (!hold || terminal_ || held_.size() >= kMost || now - flushed_ >= kLongest) flush(now);
}

void Console::flush(Clock::time_point now) {
  std::string_view left = held_;
  while (!left.empty()) {
    const auto written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;  // nobody is left to tell
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  held_.clear();
  flushed_ = now;
}

}  // namespace tandem
