// One log file on disk: begun anew by size or age, old segments removed. Not safe for two threads at once.
//
// The current segment always has the configured name. A closed one is renamed: "tserver.log" becomes
// "tserver.20261121_015207_123.log" (UTC), the first after a start "tserver.20261121_015207_123.startup.log" if it is
// kept.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/log/settings.h"

namespace tandem {

class LogFile {
 public:
  using Clock = std::chrono::system_clock;

  explicit LogFile(std::filesystem::path path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Opens it for appending, making its folder; opening again closes the old one first. The failure says why not.
  Result<void, Failure> open(Clock::time_point now);
  // How it is segmented from the next line on.
  void keep(const LogSettings& settings);
  // Whole lines. False: not written (disk full, ...).
  bool write(std::string_view lines, Clock::time_point now);

 private:
  void begin_anew(Clock::time_point now);
  void remove_expired(Clock::time_point now) const;
  void close();

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  Clock::time_point begun_{};
  bool startup_ = true;  // still the first segment after the start
  std::uint64_t segment_bytes_ = 0, startup_bytes_ = 0;
  std::chrono::seconds segment_age_{0};
  int expire_files_ = 0, expire_days_ = 0;
  bool keep_startup_ = false;
};

}  // namespace tandem
