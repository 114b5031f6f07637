#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/config/command_line.h"
#include "example.h"

using namespace tandem::config;

namespace {

struct File {
  explicit File(const std::string& text)
      : path((std::filesystem::temp_directory_path() / ("tandem-command-" + std::to_string(::getpid()) + ".yaml"))
                 .string()) {
    std::ofstream(path) << text;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path;
};

Start start(std::vector<const char*> arguments, AppType type = AppType::TServer) {
  arguments.insert(arguments.begin(), "program");
  return start_program(static_cast<int>(arguments.size()), arguments.data(), type, "1.2.3");
}

}  // namespace

TEST_CASE("both spellings of the command line", "[config][command-line]") {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--config", "f", "--app", "T1"}, {"-config", "f", "-app", "T1"}, {"--config=f", "-app=T1"}}) {
    const auto line = parse_command_line(arguments);
    REQUIRE(line.has_value());
    CHECK(line->config == "f");
    CHECK(line->app == "T1");
    CHECK(line->action == CommandLine::Action::Run);
  }
  CHECK(parse_command_line({"-config", "f", "-app", "T1", "-check"})->action == CommandLine::Action::Check);
}

TEST_CASE("wrong use ends with 2, the reason and the usage", "[config][command-line]") {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{}, "tserver: --config FILE is missing\nusage: tserver "},
      {{"--config", "f"}, "tserver: --app NAME is missing\nusage: tserver "},
      {{"--config"}, "tserver: the required argument for option '--config' is missing\nusage: "},
      {{"--confg", "f"}, "tserver: unrecognised option '--confg'\nusage: "},
      {{"--config", "f", "--app", "a", "extra"}, "tserver: too many positional options have been specified"},
      {{"--config", "f", "--config", "g", "--app", "a"},
       "tserver: option '--config' cannot be specified more than once\nusage: "},
      {{"--check", "--version"},
       "tserver: only one of --check, --list-options, --version and --help makes sense\nusage: "},
      {{"--conf", "f", "--app", "a"}, "tserver: unrecognised option '--conf'\nusage: "},
  };
  for (const auto& [arguments, begin] : cases) {
    const auto result = start(arguments);
    INFO(result.err);
    CHECK(result.exit_code == 2);
    CHECK(result.err.starts_with(begin));
    CHECK(result.out.empty());
  }
}

TEST_CASE("version, help and options need no file", "[config][command-line]") {
  CHECK(start({"--version"}).out == "tserver 1.2.3\n");
  CHECK(start({"--help"}, AppType::Connector).out.starts_with("usage: connector --config FILE --app NAME"));
  CHECK(start({"--list-options"}).out.find("router-timeout") != std::string::npos);
  CHECK(start({"--list-options"}, AppType::Connector).out.find("ringback") != std::string::npos);
  for (const char* option : {"--version", "--help", "--list-options"}) CHECK(start({option}).exit_code == 0);
}

TEST_CASE("a good file: go on, or say so", "[config][command-line]") {
  const File file(kExample);
  const auto run = start({"--config", file.path.c_str(), "--app", "T1"});
  CHECK_FALSE(run.exit_code);
  CHECK(run.err.empty());
  REQUIRE(run.application);
  CHECK(run.application->name == "T1");
  const auto check = start({"--config", file.path.c_str(), "--app", "C1", "--check"}, AppType::Connector);
  CHECK(check.exit_code == 0);
  CHECK(check.out == file.path + ": good for C1\n");
}

TEST_CASE("a file with mistakes: fatal ones stop the program, --check fails with any", "[config][command-line]") {
  const File file(changed("link-1-name: c1", "link-1-name: c1, router-timeout: soon"));
  const auto run = start({"--config", file.path.c_str(), "--app", "T1"});
  CHECK_FALSE(run.exit_code);
  CHECK(run.err.find(":9: error: option TServer/router-timeout is \"soon\"") != std::string::npos);
  CHECK(start({"--config", file.path.c_str(), "--app", "T1", "--check"}).exit_code == 1);

  const auto other = start({"--config", file.path.c_str(), "--app", "T9"});
  CHECK(other.exit_code == 1);
  CHECK(other.err.find("no application is named \"T9\"") != std::string::npos);
  const auto type = start({"--config", file.path.c_str(), "--app", "C1"});
  CHECK(type.exit_code == 1);
  CHECK(type.err.find("application C1 is of type connector, not tserver") != std::string::npos);

  const auto missing = start({"--config", "/nowhere/f.yaml", "--app", "T1"});
  CHECK(missing.exit_code == 1);
  CHECK(missing.err == "/nowhere/f.yaml: fatal: the file isn't there\n");
}
