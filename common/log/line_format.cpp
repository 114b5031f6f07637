#include "common/log/line_format.h"

#include <array>
#include <ctime>

#include "common/log/escape.h"

namespace tandem {

std::string_view short_name(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "Dbg";
    case LogLevel::Trace:
      return "Trc";
    case LogLevel::Interaction:
      return "Int";
    case LogLevel::Standard:
      return "Std";
  }
  return {};
}

LineFormat::LineFormat(const LogSettings& settings) : time_(settings.time), utc_(settings.utc) {
  if (settings.full_format) origin_ = escaped(settings.host) + " " + escaped(settings.application) + " ";
}

void LineFormat::write_second(std::int64_t second) {
  second_ = second;
  const std::time_t whole = second;
  std::tm parts{};
  if (utc_)
    gmtime_r(&whole, &parts);
  else
    localtime_r(&whole, &parts);
  std::array<char, 64> text{};
  const auto written = [&](const char* format) {
    return std::string(text.data(), std::strftime(text.data(), text.size(), format, &parts));
  };
  after_.clear();
  switch (time_) {
    case LogSettings::Time::Short:
      before_ = written("%H:%M:%S");
      return;
    case LogSettings::Time::Locale:
      before_ = written("%x %X");
      return;
    case LogSettings::Time::Iso8601:
      before_ = written("%Y-%m-%dT%H:%M:%S");
      after_ = utc_ ? "Z" : written("%z");
      if (after_.size() == 5) after_.insert(3, ":");
      return;
  }
}

void LineFormat::append(std::string& out, LogLevel level, Clock::time_point at, std::string_view text) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count();
  const std::int64_t second = ms >= 0 ? ms / 1000 : 0;
  if (second != second_) write_second(second);
  const auto rest = static_cast<int>(ms - second * 1000);
  const char digits[] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                         static_cast<char>('0' + rest % 10)};
  out += before_;
  out.append(digits, sizeof digits);
  out += after_;
  out += ' ';
  out += short_name(level);
  out += ' ';
  out += origin_;
  append_escaped(out, text);
  out += '\n';
}

}  // namespace tandem
