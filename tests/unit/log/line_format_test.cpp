#include "common/log/line_format.h"

#include <catch2/catch.hpp>
#include <regex>

using namespace tandem;
using namespace std::chrono_literals;

namespace {

const LineFormat::Clock::time_point kAt{std::chrono::milliseconds{1795139527123}};  // 2026-11-20T01:52:07.123Z

std::string line(const LogSettings& settings, LogLevel level = LogLevel::Standard, std::string_view text = "text") {
  LineFormat format(settings);
  std::string out;
  format.append(out, level, kAt, text);
  return out;
}

}  // namespace

TEST_CASE("the documented formats of time", "[log]") {
  LogSettings settings;
  settings.utc = true;
  CHECK(line(settings) == "01:52:07.123 Std text\n");
  settings.time = LogSettings::Time::Iso8601;
  CHECK(line(settings) == "2026-11-20T01:52:07.123Z Std text\n");
  settings.utc = false;
  CHECK(std::regex_match(line(settings),
                         std::regex("2026-11-(19|20|21)T[0-9:]{8}\\.123[+-][0-9]{2}:[0-9]{2} Std text\n")));
  settings.time = LogSettings::Time::Locale;
  CHECK(std::regex_match(line(settings), std::regex(".*[0-9:]{8}\\.123 Std text\n")));
}

TEST_CASE("levels and origin", "[log]") {
  LogSettings settings;
  settings.utc = true;
  CHECK(line(settings, LogLevel::Interaction) == "01:52:07.123 Int text\n");
  CHECK(line(settings, LogLevel::Trace) == "01:52:07.123 Trc text\n");
  CHECK(line(settings, LogLevel::Debug) == "01:52:07.123 Dbg text\n");
  settings.full_format = true;
  settings.host = "10.0.0.1";
  settings.application = "TServer_1";
  CHECK(line(settings) == "01:52:07.123 Std 10.0.0.1 TServer_1 text\n");
}

TEST_CASE("a line is one line", "[log]") {
  LogSettings settings;
  settings.utc = true;
  CHECK(line(settings, LogLevel::Standard, "a\nb") == "01:52:07.123 Std a\\nb\n");
}

TEST_CASE("seconds move on", "[log]") {
  LogSettings settings;
  settings.utc = true;
  LineFormat format(settings);
  std::string out;
  format.append(out, LogLevel::Standard, kAt, "a");
  format.append(out, LogLevel::Standard, kAt + 7ms, "b");
  format.append(out, LogLevel::Standard, kAt + 900ms, "c");
  format.append(out, LogLevel::Standard, kAt - 200ms, "d");
  CHECK(out == "01:52:07.123 Std a\n01:52:07.130 Std b\n01:52:08.023 Std c\n01:52:06.923 Std d\n");
}
