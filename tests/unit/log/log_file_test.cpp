#include "common/log/log_file.h"

#include <catch2/catch.hpp>

#include "folder.h"

using namespace tandem;
using namespace std::chrono_literals;

namespace {

const LogFile::Clock::time_point kAt{std::chrono::milliseconds{1795139527123}};  // 2026-11-20T01:52:07.123Z
using Names = std::set<std::string>;

}  // namespace

TEST_CASE("a file is appended to and its folder is made", "[log]") {
  const TestFolder folder;
  const auto path = folder.path / "sub" / "t.log";
  {
    LogFile file(path);
    REQUIRE(file.open(kAt).has_value());
    CHECK(file.write("one\n", kAt));
  }
  LogFile file(path);
  REQUIRE(file.open(kAt).has_value());
  CHECK(file.write("two\n", kAt));
  CHECK(folder.text("sub/t.log") == "one\ntwo\n");
}

TEST_CASE("a file that can't be opened says why", "[log]") {
  const TestFolder folder;
  LogFile file(folder.path);  // a folder
  const auto opened = file.open(kAt);
  REQUIRE(opened.has_error());
  CHECK(opened.error().text == "Is a directory");
  CHECK_FALSE(file.write("x\n", kAt));
}

TEST_CASE("segments by size, the oldest are removed", "[log]") {
  const TestFolder folder;
  LogFile file(folder.path / "t.log");
  LogSettings settings;
  settings.segment_bytes = 10;
  settings.expire_files = 3;
  file.keep(settings);
  REQUIRE(file.open(kAt).has_value());
  auto at = kAt;
  for (int i = 0; i < 6; ++i, at += 1s) CHECK(file.write("line " + std::to_string(i) + "\n", at));
  CHECK(folder.names() == Names{"t.20261120_015211_123.log", "t.20261120_015212_123.log", "t.log"});
  CHECK(folder.text("t.20261120_015212_123.log") == "line 4\n");
  CHECK(folder.text("t.log") == "line 5\n");
}

TEST_CASE("two segments within a millisecond don't overwrite each other", "[log]") {
  const TestFolder folder;
  LogFile file(folder.path / "t.log");
  LogSettings settings;
  settings.segment_bytes = 2;
  settings.expire_files = 0;
  file.keep(settings);
  REQUIRE(file.open(kAt).has_value());
  for (const char* line : {"a\n", "b\n", "c\n"}) CHECK(file.write(line, kAt));
  CHECK(folder.names() == Names{"t.20261120_015207_123.log", "t.20261120_015207_124.log", "t.log"});
}

TEST_CASE("segments by age, removed by days", "[log]") {
  const TestFolder folder;
  LogFile file(folder.path / "t.log");
  LogSettings settings;
  settings.segment_age = 24h;
  settings.expire_files = 0;
  settings.expire_days = 2;
  file.keep(settings);
  REQUIRE(file.open(kAt).has_value());
  CHECK(file.write("a\n", kAt + 23h));
  CHECK(folder.names() == Names{"t.log"});
  CHECK(file.write("b\n", kAt + 24h));
  CHECK(file.write("c\n", kAt + 48h));
  CHECK(file.write("d\n", kAt + 72h));
  CHECK(file.write("e\n", kAt + 96h));
  CHECK(folder.names() ==
        Names{"t.20261122_015207_123.log", "t.20261123_015207_123.log", "t.20261124_015207_123.log", "t.log"});
}

TEST_CASE("the first segment after a start is kept aside, the last such one", "[log]") {
  const TestFolder folder;
  LogSettings settings;
  settings.segment_bytes = 1000;
  settings.expire_files = 2;
  settings.keep_startup = true;
  settings.startup_bytes = 5;
  for (int run = 0; run < 2; ++run) {
    LogFile file(folder.path / "t.log");
    file.keep(settings);
    REQUIRE(file.open(kAt).has_value());
    const auto at = kAt + run * 60s;
    CHECK(file.write("start\n", at));
    CHECK(file.write("then\n", at + 1s));
    CHECK(file.write("more\n", at + 2s));
  }
  // The second run found "then, more" of the first and began its own start with it.
  CHECK(folder.names() == Names{"t.20261120_015307_123.startup.log", "t.log"});
}

TEST_CASE("files of others in the folder are left alone", "[log]") {
  const TestFolder folder;
  for (const char* other :
       {"t.old.log", "t.20261120_015207_123.txt", "tt.20261120_015207_123.log", "t.20261120_015207_12x.log"})
    std::ofstream(folder.path / other) << "x";
  LogFile file(folder.path / "t.log");
  LogSettings settings;
  settings.segment_bytes = 2;
  settings.expire_files = 1;
  file.keep(settings);
  REQUIRE(file.open(kAt).has_value());
  for (const char* line : {"a\n", "b\n", "c\n"}) CHECK(file.write(line, kAt));
  CHECK(folder.names() == Names{"t.log", "t.old.log", "t.20261120_015207_123.txt", "tt.20261120_015207_123.log",
                                "t.20261120_015207_12x.log"});
}
