#include "common/config/command_line.h"

#include <boost/program_options.hpp>

#include "common/config/tables.h"

namespace tandem::config {
namespace {

namespace po = boost::program_options;

po::options_description description() {
  po::options_description known;
  known.add_options()("config", po::value<std::string>())("app", po::value<std::string>())("check", "")(
      "list-options", "")("version", "")("help", "");
  return known;
}

std::size_t count_from(const std::vector<Problem>& problems, Severity severity) {
  std::size_t count = 0;
  for (const auto& problem : problems) count += problem.severity >= severity ? 1 : 0;
  return count;
}

std::string plural(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace

Result<CommandLine, Failure> parse_command_line(const std::vector<std::string>& arguments) {
  using Action = CommandLine::Action;
  CommandLine line;
  try {
    const auto known = description();
    po::variables_map given;
    const int style = po::command_line_style::allow_long | po::command_line_style::allow_long_disguise |
                      po::command_line_style::long_allow_adjacent | po::command_line_style::long_allow_next;
    const po::positional_options_description nothing;
    po::store(po::command_line_parser(arguments).options(known).positional(nothing).style(style).run(), given);
    int actions = 0;
    const auto action = [&](const char* name, Action value) {
      if (!given.count(name)) return;
      line.action = value;
      ++actions;
    };
    action("check", Action::Check);
    action("list-options", Action::ListOptions);
    action("version", Action::Version);
    action("help", Action::Help);
    if (actions > 1) return Failure{"only one of --check, --list-options, --version and --help makes sense"};
    if (given.count("config")) line.config = given["config"].as<std::string>();
    if (given.count("app")) line.app = given["app"].as<std::string>();
  } catch (const po::error& error) {
    return Failure{error.what()};
  }
  if (line.action == Action::Run || line.action == Action::Check) {
    if (line.config.empty()) return Failure{"--config FILE is missing"};
    if (line.app.empty()) return Failure{"--app NAME is missing"};
  }
  return line;
}

std::string usage(std::string_view program) {
  return "usage: " + std::string(program) +
         " --config FILE --app NAME [--check]\n"
         "       " +
         std::string(program) +
         " --list-options | --version | --help\n"
         "  --config FILE   environment file\n"
         "  --app NAME      application of that file to run as\n"
         "  --check         check the file, tell every mistake, and end: 0 without one, 1 with any\n"
         "  --list-options  print every option with values, default and where it may be set\n";
}

Start start_program(int argc, const char* const* argv, AppType type, std::string_view version) {
  using Action = CommandLine::Action;
  const std::string program(to_string(type));
  Start start;
  const auto line =
      parse_command_line(argc > 1 ? std::vector<std::string>(argv + 1, argv + argc) : std::vector<std::string>{});
  if (!line) {
    start.exit_code = 2;
    start.err = program + ": " + line.error().text + "\n" + usage(program);
    return start;
  }
  start.command_line = *line;
  if (line->action == Action::Version || line->action == Action::Help || line->action == Action::ListOptions) {
    start.exit_code = 0;
    if (line->action == Action::Version) start.out = program + " " + std::string(version) + "\n";
    if (line->action == Action::Help) start.out = usage(program);
    if (line->action == Action::ListOptions)
      start.out = list_options(type == AppType::TServer ? ~Levels{level::kConnector}
                                                        : level::kConnector | level::kSwitch | level::kFolder);
    return start;
  }
  return load_program(*line, type);
}

Start load_program(const CommandLine& line, AppType type) {
  const std::string program(to_string(type));
  Start start;
  start.command_line = line;
  Loaded loaded = load_environment(line.config);
  const Application* application = loaded.environment->application(line.app);
  if (loaded.usable() && !application)
    loaded.problems.push_back(
        {Severity::Fatal,
         {},
         "no application is named \"" + line.app + "\"; expected --app with a name from the file"});
  if (application && application->type != type)
    loaded.problems.push_back(
        {Severity::Fatal, application->at,
         "application " + line.app + " is of type " + std::string(to_string(application->type)) + ", not " + program});
  if (application)
    for (auto& problem : check_files(*loaded.environment, *application)) loaded.problems.push_back(std::move(problem));

  for (const auto& problem : loaded.problems) start.err += to_string(problem, line.config) + "\n";
  const bool check = line.action == CommandLine::Action::Check;
  const std::size_t bad = count_from(loaded.problems, check ? Severity::Error : Severity::Fatal);
  if (bad > 0) {
    start.exit_code = 1;
    if (loaded.problems.size() > 1)
      start.err += program + (check ? ": " : ": can't start: ") + plural(bad, "error") + " in " + line.config + "\n";
    return start;
  }
  if (check) {
    start.exit_code = 0;
    const std::size_t warnings = loaded.problems.size();
    start.out =
        line.config + ": good for " + line.app + (warnings ? ", with " + plural(warnings, "warning") : "") + "\n";
    return start;
  }
  start.environment = std::move(loaded.environment);
  start.application = application;
  return start;
}

}  // namespace tandem::config
