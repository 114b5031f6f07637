#include "tserver/client/ctl_options.h"

#include <boost/program_options.hpp>
#include <cmath>
#include <map>
#include <sstream>

namespace tandem::client {

namespace po = boost::program_options;

namespace {

po::options_description describe() {
  po::options_description all("options");
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  all.add_options()("config", text("FILE"), "environment file")(
      "app", text("NAME"), "only this application; all T-Servers of the file if not given")(
      "ca", text("FILE"), "in place of the application's own: PEM file of who signs servers,")(
      "cert", text("FILE"), "  of the certificate shown to them,")("key", text("FILE"), "  and of its key")(
      "timeout", po::value<double>()->default_value(5)->value_name("S"), "how long a T-Server has for an answer")(
      "force", "stop: at once, calls are ended; switchover: whatever the backup knows")("help", "this text");
  return all;
}

}  // namespace

Result<CtlOptions, Failure> parse_ctl_options(const std::vector<std::string>& arguments) {
  using Verb = CtlOptions::Verb;
  static const std::map<std::string, Verb, std::less<>> verbs{
      {"status", Verb::Status}, {"check", Verb::Check},           {"calls", Verb::Calls}, {"agents", Verb::Agents},
      {"dns", Verb::Dns},       {"switchover", Verb::Switchover}, {"stop", Verb::Stop},   {"drain", Verb::Drain}};
  po::variables_map given;
  try {
    po::options_description all = describe();
    all.add_options()("verb", po::value<std::vector<std::string>>());
    po::positional_options_description rest;
    rest.add("verb", -1);
    // `-config` and `-app` mean the same as with two dashes.
    const int style = po::command_line_style::allow_long | po::command_line_style::allow_long_disguise |
                      po::command_line_style::long_allow_adjacent | po::command_line_style::long_allow_next;
    po::store(po::command_line_parser(arguments).options(all).positional(rest).style(style).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    return Failure{error.what()};
  }
  CtlOptions options;
  options.help = given.contains("help");
  if (options.help) return options;
  for (auto [name, to] : {std::pair{"config", &options.config},
                          {"app", &options.app},
                          {"ca", &options.ca},
                          {"cert", &options.cert},
                          {"key", &options.key}}) {
    if (given.contains(name)) *to = given[name].as<std::string>();
  }
  const double seconds = given["timeout"].as<double>();
  if (!(seconds > 0 && seconds <= 3600)) return Failure{"--timeout: expected seconds, at most 3600"};
  options.patience = std::chrono::milliseconds(std::llround(seconds * 1000));
  if (!given.contains("verb"))
    return Failure{"expected one of status, check, calls, agents, dns, switchover, drain, stop"};
  const auto& words = given["verb"].as<std::vector<std::string>>();
  const auto verb = verbs.find(words.front());
  if (words.size() > 1 || verb == verbs.end()) {
    return Failure{"expected one of status, check, calls, agents, dns, switchover, drain, stop, not \"" + words.back() +
                   "\""};
  }
  options.verb = verb->second;
  options.force = given.contains("force");
  if (options.force && options.verb != Verb::Stop && options.verb != Verb::Switchover)
    return Failure{"--force goes with stop and switchover"};
  if ((options.verb == Verb::Stop || options.verb == Verb::Drain) && options.app.empty())
    return Failure{words.front() + " needs --app NAME"};
  if (options.config.empty()) return Failure{"--config FILE is missing"};
  return options;
}

std::string ctl_usage() {
  std::ostringstream out;
  out << "usage: tandemctl --config FILE [--app NAME] status | check | calls | agents | dns | drain |\n"
         "                 stop [--force] | switchover [--force]\n"
         "  status      every T-Server of the file, and every Connector with a port http: role or state, links, "
         "calls;\n"
         "              exit status 1 if one is not reached\n"
         "  check       whether the file is right; every mistake is told\n"
         "  calls       calls in progress, with their parties\n"
         "  agents      who is logged in where, in which state, and with which calls\n"
         "  dns         DNs, whether in service, and their calls\n"
         "  switchover  the primary of a hot standby pair gives its role to the other one, which must know all it "
         "does;\n"
         "              --force: even if it doesn't\n"
         "  drain       the application takes no new calls and ends when the last one is over\n"
         "  stop        the same, and waits until it has ended; --force: at once\n"
      << describe();
  return out.str();
}

}  // namespace tandem::client
