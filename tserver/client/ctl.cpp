#include "tserver/client/ctl.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/config/environment.h"
#include "tserver/client/connect.h"
#include "tserver/client/ctl_operator.h"
#include "tserver/client/ctl_report.h"
#include "tserver/client/inquiry.h"

namespace tandem::client {

namespace {

using config::Application;
using config::Environment;
using Verb = CtlOptions::Verb;

// Told to connect where the server listens on every address.
std::string reachable(const std::string& address) {
  if (address == "0.0.0.0") return "127.0.0.1";
  if (address == "::") return "::1";
  return address;
}

std::string shown(const net::HostPort& server) {
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

tlib::Message question(tlib::MessageType type) {
  tlib::Message message;
  message.set_type(type);
  return message;
}

// DNs that are T-Library objects; the others only hold options.
std::vector<const config::DnObject*> monitored(const config::Switch* of) {
  std::vector<const config::DnObject*> dns;
  if (of == nullptr) return dns;
  for (const config::DnObject& dn : of->dns) {
    const bool object = dn.type != config::DnType::VoipService && dn.type != config::DnType::TrunkGroup;
    if (object && !dn.misconfigured) dns.push_back(&dn);
  }
  return dns;
}

// One T-Server and what it said.
struct Asked {
  const Application* application;
  net::HostPort server;
  std::vector<const config::DnObject*> dns;  // asked for after the server itself
  Inquiry::Outcome outcome;
};

std::vector<tlib::Message> questions(const Asked& asked) {
  std::vector<tlib::Message> list{question(tlib::RequestQueryServer)};
  for (const config::DnObject* dn : asked.dns) {
    list.push_back(question(tlib::RequestQueryAddress));
    list.back().set_thisdn(dn->dn.str());
    list.back().set_infotype(tlib::AddressInfoDNStatus);
  }
  return list;
}

using Questions = std::function<std::vector<tlib::Message>(const Asked&)>;

Result<ClientOptions, Failure> client_options(const CtlOptions& options, const Asked& asked) {
  ClientOptions made;
  made.servers = {asked.server};
  made.application = "tandemctl";
  made.addp.timeout = options.patience;
  made.open_timeout = made.connect_timeout = options.patience;
  const config::TlsFiles& own = asked.application->tls;
  TlsFiles files;
  files.on = asked.application->port("tlib")->transport == config::Transport::Tls;
  files.ca = options.ca.empty() ? own.ca : options.ca;
  files.certificate = options.cert.empty() ? own.certificate : options.cert;
  files.key = options.key.empty() ? own.key : options.key;
  auto tls = tls_context(files);
  if (!tls) return tls.error();
  made.tls = std::move(*tls);
  return made;
}

void ask_all(const CtlOptions& options, std::vector<Asked>& all, const Questions& questions) {
  net::EventLoop loop;
  std::vector<std::unique_ptr<Inquiry>> inquiries;
  std::size_t open = 0;
  for (Asked& asked : all) {
    auto made = client_options(options, asked);
    if (!made) {
      asked.outcome.failure = made.error().text;
      continue;
    }
    ++open;
    inquiries.push_back(std::make_unique<Inquiry>(loop, std::move(*made), questions(asked), options.patience,
                                                  [&](Inquiry::Outcome outcome) {
                                                    asked.outcome = std::move(outcome);
                                                    if (--open == 0) loop.stop();
                                                  }));
  }
  if (open > 0) loop.run();
}

ServerStatus status_of(const Asked& asked) {
  ServerStatus status{asked.application->name, shown(asked.server), asked.outcome.failure, {}};
  if (status.failure.empty()) status.info = asked.outcome.answers.front();
  return status;
}

template <class Status>
std::string complaints(const std::vector<Status>& servers) {
  std::string text;
  for (const Status& server : servers) {
    if (!server.failure.empty()) text += "tandemctl: " + server.name + ": " + server.failure + "\n";
  }
  return text;
}

CtlResult check(const CtlOptions& options, const config::Loaded& loaded) {
  std::vector<config::Problem> problems = loaded.problems;
  for (const Application& application : loaded.environment->applications) {
    if (!options.app.empty() && application.name != options.app) continue;
    for (auto& problem : config::check_files(*loaded.environment, application)) problems.push_back(std::move(problem));
  }
  if (loaded.usable() && !options.app.empty() && loaded.environment->application(options.app) == nullptr) {
    problems.push_back({config::Severity::Fatal, {}, "no application is named \"" + options.app + "\""});
  }
  CtlResult result;
  for (const auto& problem : problems) result.err += config::to_string(problem, options.config) + "\n";
  const auto bad = std::ranges::count_if(
      problems, [](const config::Problem& problem) { return problem.severity >= config::Severity::Error; });
  result.exit_code = bad > 0 ? 1 : 0;
  if (bad == 0) result.out = options.config + ": good\n";
  return result;
}

// What the primary says of the DNs; without a primary, the first that answers.
CtlResult report_dns(Verb verb, const std::vector<Asked>& all, const std::vector<ServerStatus>& servers) {
  const auto answers = [](const ServerStatus& status) { return status.failure.empty(); };
  auto chosen = std::ranges::find_if(servers, [&](const ServerStatus& status) {
    return answers(status) && status.info.serverrole() == tlib::ServerRolePrimary;
  });
  if (chosen == servers.end()) chosen = std::ranges::find_if(servers, answers);
  if (chosen == servers.end()) return {1, {}, complaints(servers)};
  const Asked& asked = all[static_cast<std::size_t>(chosen - servers.begin())];
  std::vector<DnStatus> dns;
  for (std::size_t i = 0; i < asked.dns.size(); ++i) {
    const config::DnObject& dn = *asked.dns[i];
    dns.push_back({dn.dn.str(), std::string(config::to_string(dn.type)), asked.outcome.answers[i + 1]});
  }
  if (verb == Verb::Agents) return {0, agents_table(dns), {}};
  return {0, verb == Verb::Dns ? dns_table(dns) : calls_table(dns), {}};
}

// The pair to which `--app` belongs, if it is given; else the first that has a primary.
CtlResult switch_over(const CtlOptions& options, const std::vector<Asked>& all,
                      const std::vector<ServerStatus>& servers) {
  const auto fail = [](const std::string& why) { return CtlResult{1, {}, "tandemctl: " + why + "\n"}; };
  const auto paired = [&](const ServerStatus& a, const ServerStatus& b) {
    return all[static_cast<std::size_t>(&a - servers.data())].application->backup == b.name ||
           all[static_cast<std::size_t>(&b - servers.data())].application->backup == a.name;
  };
  const auto primary = std::ranges::find_if(servers, [&](const ServerStatus& server) {
    const bool meant =
        options.app.empty() || server.name == options.app || std::ranges::any_of(servers, [&](const auto& other) {
          return other.name == options.app && paired(server, other);
        });
    return meant && server.failure.empty() && server.info.serverrole() == tlib::ServerRolePrimary;
  });
  if (primary == servers.end()) return fail("no primary T-Server answers");
  const auto backup = std::ranges::find_if(servers, [&](const ServerStatus& server) {
    return paired(server, *primary) && server.failure.empty() && server.info.serverrole() == tlib::ServerRoleBackup;
  });
  if (backup == servers.end() && !options.force)
    return fail(primary->name + " stays primary: no backup T-Server answers");
  std::vector<Asked> asked{all[static_cast<std::size_t>(primary - servers.begin())]};
  asked.front().outcome = {};
  ask_all(options, asked, [&](const Asked&) {
    tlib::Message request = question(tlib::RequestSwitchover);
    if (options.force) {
      tlib::KVPair& force = *request.mutable_extensions()->add_pairs();
      force.set_key("force");
      force.set_str("true");
    }
    return std::vector{std::move(request)};
  });
  const Inquiry::Outcome& outcome = asked.front().outcome;
  if (!outcome.failure.empty()) return fail(primary->name + ": " + outcome.failure);
  const tlib::Message& answer = outcome.answers.front();
  if (answer.type() != tlib::EventACK) return fail(primary->name + " refuses: " + answer.errormessage());
  const std::string taker = backup == servers.end() ? "no backup T-Server answers" : backup->name + " takes it";
  return {0, primary->name + " gives its role up, " + taker + "\n", {}};
}

}  // namespace

CtlResult run_ctl(const CtlOptions& options) {
  const config::Loaded loaded = config::load_environment(options.config);
  const Environment& environment = *loaded.environment;
  if (options.verb == Verb::Check || !loaded.usable()) return check(options, loaded);

  if (options.verb == Verb::Stop || options.verb == Verb::Drain) {
    const Application* application = environment.application(options.app);
    if (application == nullptr) return {1, {}, "tandemctl: no application is named \"" + options.app + "\"\n"};
    const auto said = end_program(options, *application, options.force, options.verb == Verb::Stop);
    if (!said) return {1, {}, "tandemctl: " + said.error().text + "\n"};
    return {0, *said + "\n", {}};
  }

  std::vector<ConnectorStatus> connectors;
  if (options.verb == Verb::Status) connectors = ask_connectors(options, environment);
  std::vector<Asked> all;
  for (const Application& application : environment.applications) {
    // A switchover concerns the other one of the pair, too.
    if (!options.app.empty() && application.name != options.app && options.verb != Verb::Switchover) continue;
    if (application.type != config::AppType::TServer) continue;
    const config::Port* port = application.port("tlib");
    if (port == nullptr) continue;
    Asked asked{&application, {reachable(port->address), port->port}, {}, {}};
    if (options.verb != Verb::Status && options.verb != Verb::Switchover)
      asked.dns = monitored(environment.switch_of(application));
    all.push_back(std::move(asked));
  }
  if (all.empty() && connectors.empty()) {
    const std::string which = options.app.empty() ? "with a tlib port" : "named " + options.app;
    return {1, {}, "tandemctl: " + options.config + " has no T-Server " + which + "\n"};
  }
  ask_all(options, all, questions);
  std::vector<ServerStatus> servers;
  std::ranges::transform(all, std::back_inserter(servers), status_of);
  if (options.verb == Verb::Switchover) return switch_over(options, all, servers);
  if (options.verb != Verb::Status) return report_dns(options.verb, all, servers);
  const auto reached = [](const auto& one) { return one.failure.empty(); };
  const bool whole = std::ranges::all_of(servers, reached) && std::ranges::all_of(connectors, reached);
  std::string out = servers.empty() ? std::string() : status_table(servers);
  if (!connectors.empty()) out += (out.empty() ? "" : "\n") + connectors_table(connectors);
  return {whole ? 0 : 1, std::move(out), complaints(servers) + complaints(connectors)};
}

}  // namespace tandem::client
