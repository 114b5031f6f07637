// The Logger of the servers: files and console, by the documented options. Any thread may write; a line costs about a
// microsecond and one write() for each file, and never more than that waits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/log/settings.h"

namespace tandem {

class ServerLog final : public Logger {
 public:
  // A file that can't be opened is told in one line on standard error, which then takes its place.
  explicit ServerLog(const LogSettings& settings);
  ~ServerLog() override;  // flushes

  bool enabled(LogLevel level) const override;
  // Control characters and broken UTF-8 are written as \n, \x1b ...: a line stays one line, whoever made its text.
  void write(LogLevel level, std::string_view line) override;

  // Takes over changed settings. Files that stay are not closed.
  void apply(const LogSettings& settings);
  // Opens the files by their names again, for who moves them away (SIGHUP).
  void reopen();
  // Files that can't be written now: a full disk, a folder that is gone. Their lines go to standard error.
  std::size_t failing() const;
  // Writes out what console buffering holds back. Call it about once a second.
  void flush();

 private:
  class Sink;
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace tandem
