// Command line and start of the two servers, shared by both: everything up to a checked environment, as a value.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/environment.h"

namespace tandem::config {

struct CommandLine {
  enum class Action { Run, Check, ListOptions, Version, Help };
  Action action = Action::Run;
  std::string config;
  std::string app;
};

// `-config`, `-app` mean the same as `--config`, `--app`. The failure's text is the reason without usage.
Result<CommandLine, Failure> parse_command_line(const std::vector<std::string>& arguments);
std::string usage(std::string_view program);

// What the program must do: go on with `environment` and `application`, or print and end with `exit_code`.
struct Start {
  std::optional<int> exit_code;  // 0, 1: can't start, 2: wrong usage
  std::string out, err;          // for standard output and standard error; err also when going on (warnings, errors)
  CommandLine command_line;
  std::shared_ptr<const Environment> environment;
  const Application* application = nullptr;  // inside `environment`
};

// main(): auto start = config::start_program(argc, argv, config::AppType::TServer, "0.1.0");
//         std::cout << start.out; std::cerr << start.err; if (start.exit_code) return *start.exit_code;
Start start_program(int argc, const char* const* argv, AppType type, std::string_view version);

// Its second half, for Run and Check: reads and checks the file.
Start load_program(const CommandLine& line, AppType type);

}  // namespace tandem::config
