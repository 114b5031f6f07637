#include "tserver/client/tlib_options.h"

#include <boost/program_options.hpp>
#include <cmath>
#include <sstream>

namespace tandem::client {

namespace po = boost::program_options;

namespace {

constexpr double kLongest = 365 * 86400.0;  // seconds

po::options_description describe() {
  po::options_description all("options");
  const auto text = [] { return po::value<std::string>(); };
  const auto texts = [] { return po::value<std::vector<std::string>>()->composing(); };
  const auto seconds = [](double normal) { return po::value<double>()->default_value(normal)->value_name("S"); };
  all.add_options()("connect", text()->value_name("HOST:PORT[,HOST:PORT]"), "T-Server, or both of a pair")(
      "tls", "over TLS")("ca", text()->value_name("FILE"), "PEM file of who signs servers; the system's if not given")(
      "cert", text()->value_name("FILE"), "PEM file of the certificate shown to the server")(
      "key", text()->value_name("FILE"), "PEM file of its key")(
      "name", text()->default_value("tlib")->value_name("APP"), "application name")(
      "password", text()->value_name("TEXT"), "application password")("register", texts()->value_name("DN"),
                                                                      "register this DN first; may be repeated")(
      "route", texts()->value_name("RP=DEST[,DEST...]"),
      "register this routing point and answer each route request with the next destination; may be repeated")(
      "script", text()->value_name("FILE"), "read lines from this file in place of standard input")(
      "set", texts()->value_name("NAME=VALUE"), "value of ${NAME} in lines; may be repeated")(
      "linger", po::value<std::string>()->default_value("0")->value_name("S|inf"),
      "go on for so many seconds after the last line")("connect-timeout", seconds(10),
                                                       "give up if no server takes the session in this time")(
      "addp", seconds(10), "silence after which the server is given up; it is polled after half of it; 0: off")(
      "no-resume", "the session ends with its connection")("pretty", "events in columns for people in place of JSON")(
      "help", "this text");
  return all;
}

Result<std::chrono::milliseconds, Failure> duration(const char* name, double seconds) {
  if (!(seconds >= 0 && seconds <= kLongest)) return Failure{std::string("--") + name + ": expected seconds"};
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

// Fills in what is not plain text; nothing, or what is wrong.
std::optional<Failure> read_values(const po::variables_map& given, TlibOptions& options) {
  if (!given.contains("connect")) return Failure{"--connect is missing"};
  auto servers = parse_servers(given["connect"].as<std::string>());
  if (!servers) return Failure{"--connect: " + servers.error().text};
  options.servers = std::move(*servers);
  if (!options.tls.on && !(options.tls.ca + options.tls.certificate + options.tls.key).empty()) {
    return Failure{"--ca, --cert and --key need --tls"};
  }
  if (options.tls.certificate.empty() != options.tls.key.empty()) return Failure{"--cert and --key go together"};
  const auto& linger = given["linger"].as<std::string>();
  if (linger == "inf") {
    options.linger.reset();
  } else {
    std::istringstream in(linger);
    double seconds = -1;
    if (!(in >> seconds) || !in.eof()) return Failure{"--linger: expected seconds or inf"};
    const auto time = duration("linger", seconds);
    if (!time) return time.error();
    options.linger = *time;
  }
  const auto connect = duration("connect-timeout", given["connect-timeout"].as<double>());
  if (!connect) return connect.error();
  options.connect_timeout = *connect;
  const auto addp = duration("addp", given["addp"].as<double>());
  if (!addp) return addp.error();
  options.addp_timeout = *addp;
  if (given.contains("set")) {
    for (const auto& pair : given["set"].as<std::vector<std::string>>()) {
      const auto equals = pair.find('=');
      if (equals == std::string::npos || equals == 0)
        return Failure{"--set: expected NAME=VALUE, not \"" + pair + "\""};
      options.variables.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

}  // namespace

Result<TlibOptions, Failure> parse_tlib_options(const std::vector<std::string>& arguments) {
  po::variables_map given;
  try {
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing &
                       ~po::command_line_style::allow_short;
    const po::options_description all = describe();
    // No place is left for words that belong to no option.
    po::store(po::command_line_parser(arguments).options(all).positional({}).style(style).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    return Failure{error.what()};
  }
  TlibOptions options;
  const auto text = [&](const char* name, std::string& to) {
    if (given.contains(name)) to = given[name].as<std::string>();
  };
  const auto texts = [&](const char* name, std::vector<std::string>& to) {
    if (given.contains(name)) to = given[name].as<std::vector<std::string>>();
  };
  options.help = given.contains("help");
  if (options.help) return options;
  options.tls.on = given.contains("tls");
  options.pretty = given.contains("pretty");
  options.resume = !given.contains("no-resume");
  text("ca", options.tls.ca);
  text("cert", options.tls.certificate);
  text("key", options.tls.key);
  text("name", options.name);
  text("password", options.password);
  text("script", options.script);
  texts("register", options.registrations);
  texts("route", options.routes);
  if (auto failure = read_values(given, options)) return std::move(*failure);
  return options;
}

std::string tlib_usage() {
  std::ostringstream out;
  out << "usage: tlib --connect HOST:PORT[,HOST:PORT] [--tls --ca FILE --cert FILE --key FILE] [--register DN]...\n"
         "            [--route RP=DEST[,DEST...]]... [--script FILE] [--linger S] [--pretty]\n"
         "Sends the T-Library requests on standard input, one JSON object a line, and prints every event.\n"
      << describe();
  return out.str();
}

}  // namespace tandem::client
