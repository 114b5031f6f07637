#include "common/log/server_log.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <regex>
#include <thread>

#include "common/log/console.h"
#include "folder.h"

using namespace tandem;

namespace {

// The lines of a file, without their times.
std::vector<std::string> lines(const TestFolder& folder, const std::string& name) {
  std::istringstream in(folder.text(name));
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line.substr(line.find(' ') + 1));
  return out;
}

// What is written to standard error (2) or output (1) while it lives goes to a file.
struct Captured {
  Captured(int descriptor, const std::filesystem::path& path) : fd(descriptor), saved(::dup(descriptor)) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(file, fd);
    ::close(file);
  }
  ~Captured() {
    ::dup2(saved, fd);
    ::close(saved);
  }
  int fd, saved;
};

using Lines = std::vector<std::string>;

LogSettings to(const std::vector<LogOutput>& outputs, std::optional<LogLevel> verbose = LogLevel::Debug) {
  LogSettings settings;
  settings.outputs = outputs;
  settings.verbose = verbose;
  settings.utc = true;
  return settings;
}

void write_all_levels(Logger& log) {
  log.write(LogLevel::Debug, "debug");
  log.write(LogLevel::Trace, "trace");
  log.write(LogLevel::Interaction, "interaction");
  log.write(LogLevel::Standard, "standard");
}

}  // namespace

TEST_CASE("each output gets its level and those above it, once", "[log]") {
  const TestFolder folder;
  const auto path = [&](const char* name) { return (folder.path / name).string(); };
  {
    ServerLog log(to({{path("all"), LogLevel::Debug},
                      {path("trace"), LogLevel::Trace},
                      {path("standard"), LogLevel::Standard},
                      {path("twice"), LogLevel::Standard},
                      {path("twice"), LogLevel::Interaction}}));
    write_all_levels(log);
  }
  CHECK(lines(folder, "all") == Lines{"Dbg debug", "Trc trace", "Int interaction", "Std standard"});
  CHECK(lines(folder, "trace") == Lines{"Trc trace", "Int interaction", "Std standard"});
  CHECK(lines(folder, "standard") == Lines{"Std standard"});
  CHECK(lines(folder, "twice") == Lines{"Int interaction", "Std standard"});
}

TEST_CASE("verbose bounds all outputs, and enabled() knows", "[log]") {
  const TestFolder folder;
  const std::string path = (folder.path / "all").string();
  {
    ServerLog log(to({{path, LogLevel::Debug}}, LogLevel::Interaction));
    CHECK_FALSE(log.enabled(LogLevel::Debug));
    CHECK_FALSE(log.enabled(LogLevel::Trace));
    CHECK(log.enabled(LogLevel::Interaction));
    write_all_levels(log);
    log.apply(to({{path, LogLevel::Debug}}, std::nullopt));
    CHECK_FALSE(log.enabled(LogLevel::Standard));
    write_all_levels(log);
    log.apply(to({{path, LogLevel::Standard}}));
    CHECK_FALSE(log.enabled(LogLevel::Interaction));
    write_all_levels(log);
  }
  CHECK(lines(folder, "all") == Lines{"Int interaction", "Std standard", "Std standard"});
}

TEST_CASE("no output: what an operator must know goes to standard error", "[log]") {
  const TestFolder folder;
  {
    const Captured captured(STDERR_FILENO, folder.path / "err");
    ServerLog log(to({}));
    write_all_levels(log);
  }
  CHECK(lines(folder, "err") == Lines{"Std standard"});
}

TEST_CASE("a file that can't be opened is told in one line, and standard error takes its place", "[log]") {
  const TestFolder folder;
  {
    const Captured captured(STDERR_FILENO, folder.path / "err");
    ServerLog log(to({{folder.path.string(), LogLevel::Debug}}));
    log.write(LogLevel::Trace, "one");
    log.write(LogLevel::Standard, "two");
  }
  CHECK(lines(folder, "err") == Lines{"Std Log file " + folder.path.string() +
                                          " can't be opened: Is a directory; its lines go to standard error",
                                      "Trc one", "Std two"});
}

TEST_CASE("a full disk is told once, and its lines aren't lost", "[log]") {
  if (::access("/dev/full", W_OK) != 0) return;
  const TestFolder folder;
  {
    const Captured captured(STDERR_FILENO, folder.path / "err");
    ServerLog log(to({{"/dev/full", LogLevel::Debug}}));
    CHECK(log.failing() == 0);
    log.write(LogLevel::Standard, "one");
    log.write(LogLevel::Standard, "two");
    CHECK(log.failing() == 1);
  }
  CHECK(lines(folder, "err") ==
        Lines{"Std Log file /dev/full can't be written: No space left on device; its lines go to standard error",
              "Std one", "Std two"});
}

TEST_CASE("a console holds lines back until flush, one that may not wait, a bound, or a second", "[log]") {
  const TestFolder folder;
  const int fd = ::open((folder.path / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  Console console(fd);
  const Console::Clock::time_point at{std::chrono::hours{1}};
  console.flush(at);
  console.write("a\n", true, at);
  CHECK(folder.text("out").empty());
  console.flush(at);
  CHECK(folder.text("out") == "a\n");
  console.write("b\n", true, at);
  console.write("c\n", false, at);
  CHECK(folder.text("out") == "a\nb\nc\n");
  console.write("d\n", true, at + std::chrono::milliseconds{999});
  CHECK(folder.text("out") == "a\nb\nc\n");
  console.write("e\n", true, at + std::chrono::seconds{1});
  CHECK(folder.text("out") == "a\nb\nc\nd\ne\n");
  console.write(std::string(Console::kMost, 'x'), true, at + std::chrono::seconds{1});
  CHECK(folder.text("out").size() == 10 + Console::kMost);
  ::close(fd);
}

TEST_CASE("level standard, flush and buffering=false get through to the console", "[log]") {
  const TestFolder folder;
  Lines flushed, standard, unbuffered;
  {
    const Captured captured(STDOUT_FILENO, folder.path / "out");
    ServerLog log(to({{"stdout", LogLevel::Debug}}));
    log.write(LogLevel::Trace, "held");
    log.flush();
    flushed = lines(folder, "out");
    log.write(LogLevel::Trace, "held again");
    log.write(LogLevel::Standard, "now");
    standard = lines(folder, "out");
    auto settings = to({{"stdout", LogLevel::Debug}});
    settings.buffering = false;
    log.apply(settings);
    log.write(LogLevel::Trace, "at once");
    unbuffered = lines(folder, "out");
  }
  CHECK(flushed == Lines{"Trc held"});
  CHECK(standard == Lines{"Trc held", "Trc held again", "Std now"});
  CHECK(unbuffered.back() == "Trc at once");
}

TEST_CASE("reopen follows a file that was moved away", "[log]") {
  const TestFolder folder;
  ServerLog log(to({{(folder.path / "t.log").string(), LogLevel::Debug}}));
  log.write(LogLevel::Standard, "one");
  std::filesystem::rename(folder.path / "t.log", folder.path / "t.log.1");
  log.write(LogLevel::Standard, "two");
  log.reopen();
  log.write(LogLevel::Standard, "three");
  CHECK(lines(folder, "t.log.1") == Lines{"Std one", "Std two"});
  CHECK(lines(folder, "t.log") == Lines{"Std three"});
}

TEST_CASE("many threads write whole lines", "[log]") {
  const TestFolder folder;
  auto settings = to({{(folder.path / "t.log").string(), LogLevel::Debug}});
  settings.segment_bytes = 20000;
  settings.expire_files = 0;
  {
    ServerLog log(settings);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log, t] {
        for (int i = 0; i < 500; ++i)
          log.write(LogLevel::Trace, "thread " + std::to_string(t) + " line\n" + std::to_string(i));
      });
    for (int i = 0; i < 20; ++i) {
      log.apply(settings);
      log.reopen();
    }
    for (auto& thread : threads) thread.join();
  }
  const std::regex whole("Trc thread [0-3] line\\\\n[0-9]+");
  std::size_t count = 0;
  for (const auto& name : folder.names())
    for (const auto& line : lines(folder, name)) {
      ++count;
      if (!std::regex_match(line, whole)) FAIL_CHECK(line);
    }
  CHECK(count == 2000);
}

// Not a check: prints the cost of a line. Run it with "[.cost]".
TEST_CASE("cost of a line", "[.cost]") {
  const TestFolder folder;
  ServerLog log(to({{(folder.path / "t.log").string(), LogLevel::Debug}}));
  const std::string text =
      "ConnID 0071024a1b2c3d4e EventRouteRequest DN sip:support@example.com from sip:alice@example.com Call-ID "
      "3848276298220188511@10.0.0.1";
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 200000; ++i) log.write(LogLevel::Trace, text);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  WARN("microseconds a line: " << took.count() / 200000);
}
