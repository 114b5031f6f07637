#include "common/log/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

namespace tandem {
namespace {

constexpr std::string_view kStartup = ".startup";
constexpr std::size_t kStampSize = 19;  // 20261121_015207_123

std::string stamp(LogFile::Clock::time_point at) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count();
  const std::time_t whole = ms / 1000;
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%d_%H%M%S_", &parts);
  const std::string fraction = std::to_string(1000 + ms % 1000);
  return text.data() + fraction.substr(1);
}

bool is_stamp(std::string_view text) {
  if (text.size() < kStampSize || text[8] != '_' || text[15] != '_') return false;
  for (std::size_t i = 0; i < kStampSize; ++i)
    if (i != 8 && i != 15 && (text[i] < '0' || text[i] > '9')) return false;
  return true;
}

}  // namespace

LogFile::LogFile(std::filesystem::path path) : path_(std::move(path)) {}
LogFile::~LogFile() {
  close();
}

void LogFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void, Failure> LogFile::open(Clock::time_point now) {
  close();
  std::error_code ignored;
  if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), ignored);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd_ < 0) return Failure{std::strerror(errno)};
  struct stat status {};
  size_ = ::fstat(fd_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  begun_ = now;
  return {};
}

void LogFile::keep(const LogSettings& settings) {
  segment_bytes_ = settings.segment_bytes;
  segment_age_ = settings.segment_age;
  expire_files_ = settings.expire_files;
  expire_days_ = settings.expire_days;
  keep_startup_ = settings.keep_startup;
  startup_bytes_ = settings.startup_bytes;
}

bool LogFile::write(std::string_view lines, Clock::time_point now) {
  const std::uint64_t most = startup_ && keep_startup_ && startup_bytes_ > 0 ? startup_bytes_ : segment_bytes_;
  const bool big = most > 0 && size_ > 0 && size_ + lines.size() > most;
  const bool old = segment_age_.count() > 0 && now - begun_ >= segment_age_;
  if (big || old) begin_anew(now);
  if (fd_ < 0 && !open(now)) return false;
  while (!lines.empty()) {
    const auto written = ::write(fd_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    size_ += static_cast<std::uint64_t>(written);
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void LogFile::begin_anew(Clock::time_point now) {
  const std::string base = path_.stem().string(), end = path_.extension().string();
  const std::string mark = std::string(startup_ && keep_startup_ ? kStartup : "");
  std::error_code error;
  auto closed = path_;
  auto at = now;
  do {
    closed.replace_filename(base + "." + stamp(at) + mark + end);
    at += std::chrono::milliseconds{1};  // two within a millisecond
  } while (std::filesystem::exists(closed, error));
  std::filesystem::rename(path_, closed, error);
  if (error) {  // go on in the same file, and try again only after another segment's worth
    size_ = 0;
    begun_ = now;
    return;
  }
  startup_ = false;
  if (open(now)) remove_expired(now);
}

void LogFile::remove_expired(Clock::time_point now) const {
  const std::string base = path_.stem().string() + ".", end = path_.extension().string();
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  std::vector<std::string> closed, startups;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(base) || !name.ends_with(end) || name.size() < base.size() + end.size()) continue;
    const auto middle = std::string_view(name).substr(base.size(), name.size() - base.size() - end.size());
    if (!is_stamp(middle)) continue;
    if (middle.size() == kStampSize)
      closed.push_back(name);
    else if (middle.substr(kStampSize) == kStartup)
      startups.push_back(name);
  }
  std::sort(closed.begin(), closed.end());  // the stamps sort by age
  std::sort(startups.begin(), startups.end());
  const auto remove_first = [&](const std::vector<std::string>& names, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) std::filesystem::remove(folder / names[i], error);
  };
  if (startups.size() > 1) remove_first(startups, startups.size() - 1);
  if (expire_files_ > 0) {
    const auto others = static_cast<std::size_t>(expire_files_) - 1;
    if (closed.size() > others) remove_first(closed, closed.size() - others);
  } else if (expire_days_ > 0) {
    const std::string oldest = base + stamp(now - std::chrono::hours{24 * expire_days_});
    remove_first(closed,
                 static_cast<std::size_t>(std::lower_bound(closed.begin(), closed.end(), oldest) - closed.begin()));
  }
}

}  // namespace tandem
