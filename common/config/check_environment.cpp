#include <algorithm>
#include <set>
#include <unordered_set>

#include "common/config/connector_options.h"
#include "common/config/reader.h"
#include "common/config/scope.h"
#include "common/config/tserver_options.h"

namespace tandem::config {
namespace {

class Checker {
 public:
  Checker(const Environment& environment, Report& report) : environment_(environment), report_(report) {}

  void check() {
    for (const auto& application : environment_.applications) {
      const bool known = check_switch(application);
      check_redundancy(application);
      check_tls(application);
      if (application.type == AppType::TServer)
        check_tserver(application, known);
      else
        check_connector(application);
    }
    for (const auto& of : environment_.switches) check_default_dns(of);
    check_ports();
  }

 private:
  std::vector<std::string_view> names(const auto& list) {
    std::vector<std::string_view> out;
    for (const auto& item : list) out.push_back(item.name);
    return out;
  }
  static std::string what(const Application& application) { return "application " + application.name; }

  bool check_switch(const Application& application) {
    if (application.switch_name.empty() || environment_.switches.empty()) return false;  // told already
    if (environment_.find_switch(application.switch_name)) return true;
    report_.fatal(application.at, what(application) + ": switch is " + quoted(application.switch_name) +
                                      "; expected a switch of this file" +
                                      did_you_mean(application.switch_name, names(environment_.switches)));
    return false;
  }

  void check_redundancy(const Application& application) {
    const bool standby = application.redundancy == Redundancy::HotStandby;
    const bool is_backup = std::any_of(environment_.applications.begin(), environment_.applications.end(),
                                       [&](const Application& other) { return other.backup == application.name; });
    if (application.backup.empty()) {
      if (standby && !is_backup)
        report_.error(application.at,
                      what(application) +
                          ": redundancy is hot-standby, but it has no backup and is nobody's; expected backup: NAME");
      return;
    }
    const Application* backup = environment_.application(application.backup);
    if (!backup || backup == &application || backup->type != application.type) {
      report_.error(application.at,
                    what(application) + ": backup is " + quoted(application.backup) +
                        "; expected another application of type " + std::string(to_string(application.type)) +
                        (backup ? "" : did_you_mean(application.backup, names(environment_.applications))));
      return;
    }
    if (!standby || backup->redundancy != Redundancy::HotStandby)
      report_.error(application.at,
                    what(application) + " and its backup " + backup->name + " must both have redundancy: hot-standby");
    for (const auto* side : {&application, backup})
      if (standby && side->type == AppType::TServer && !side->port("ha-sync"))
        report_.error(side->at, what(*side) + " has no port ha-sync; expected one for redundancy: hot-standby");
  }

  void check_tls(const Application& application) {
    for (const auto& port : application.ports)
      if (port.transport == Transport::Tls && !application.tls.given())
        report_.fatal(port.at,
                      what(application) + ": port " + port.name +
                          " speaks TLS, but there is no tls; expected tls: {certificate: FILE, key: FILE, ca: FILE}");
  }

  void check_tserver(const Application& application, bool known_switch) {
    const Scope scope = scope_of(environment_, application);
    std::set<std::string> used;
    std::size_t usable = 0;
    for (const auto& [n, section] : scope.each(options::tserver.link_n_name)) {
      const std::string name = "link-" + std::to_string(n) + "-name";
      const Source at = application.options.find("TServer")->second.find(name)->second.at;
      if (!application.options.contains(section))
        report_.error(at, "option TServer/" + name + " is " + quoted(section) +
                              "; expected the name of a section of this application with hostname and port");
      else if (!used.insert(section).second)
        report_.error(at, "option TServer/" + name + " names section " + quoted(section) +
                              " again; expected a section of its own");
      else
        ++usable;
    }
    if (application.redundancy == Redundancy::HotStandby && scope.get(options::ha.arbiter) == Arbiter::Etcd &&
        scope.get(options::ha.endpoints).empty())
      report_.fatal(application.at, what(application) +
                                        ": option ha/arbiter is etcd, but ha/endpoints is empty; expected "
                                        "http://host:port or https://host:port of each member");
    if (usable == 0)
      report_.fatal(application.at,
                    what(application) +
                        " has no link to a Connector; expected option TServer/link-1-name and the section it names");
    for (const auto& link : links_of(environment_, application)) {
      const OptionSection& section = application.options.find(link.section)->second;
      const Source at = section.empty() ? application.at : section.begin()->second.at;
      if (link.tls && !application.tls.given())
        report_.fatal(at,
                      what(application) + ": link " + link.section +
                          " speaks TLS, but there is no tls; expected tls: {certificate: FILE, key: FILE, ca: FILE}");
      if (link.reconnect_timeout > link.reconnect_timeout_max)
        report_.error(
            at, "link section " + quoted(link.section) + ": reconnect-timeout is longer than reconnect-timeout-max");
      if (known_switch) check_pool(application, link, at);
    }
  }

  void check_pool(const Application& application, const LinkConfig& link, Source at) {
    const Switch& of = *environment_.switch_of(application);
    if (!link.pool.empty() &&
        std::none_of(of.folders.begin(), of.folders.end(), [&](const Folder& f) { return f.pool == link.pool; }))
      report_.warn(at, "link section " + quoted(link.section) + ": no first-level folder of switch " + of.name +
                           " names pool " + quoted(link.pool) + "; this link carries no calls");
  }

  // default-dn wherever it may be set, against the DNs of its switch.
  void check_default_dns(const Switch& of) {
    std::unordered_set<Dn> known;
    for (const auto& dn : of.dns) known.insert(dn.dn);
    const auto check = [&](const Options& options) {
      const auto section = options.find("TServer");
      if (section == options.end()) return;
      const auto value = section->second.find("default-dn");
      if (value == section->second.end() || value->second.text.empty() || known.contains(Dn(value->second.text)))
        return;
      report_.warn(value->second.at, "option TServer/default-dn is " + quoted(value->second.text) +
                                         ", which is no DN of switch " + of.name);
    };
    for (const auto& application : environment_.applications)
      if (application.switch_name == of.name) check(application.options);
    for (const auto& folder : of.folders) check(folder.annex);
    for (const auto& dn : of.dns) check(dn.options);
  }

  void check_connector(const Application& application) {
    const Scope scope = scope_of(environment_, application);
    if (scope.get(options::front_end.mode) == FrontEndMode::External) {
      if (scope.get(options::front_end.server_address).empty())
        report_.fatal(
            application.at,
            what(application) + " has no option front-end/server-address; expected the address of the external proxy");
    }
    if (scope.get(options::front_end.domains).empty())
      report_.error(application.at,
                    what(application) + " has no option front-end/domains; expected the SIP domains that are ours");
    if (scope.get(options::front_end.min_expires) > scope.get(options::front_end.max_expires))
      report_.error(application.at, what(application) + ": option front-end/min-expires is longer than max-expires");
    check_conferences(application, scope.get(options::conference_services.uri_pattern),
                      scope.get(options::conference_services.count));
  }

  void check_conferences(const Application& application, const std::string& pattern, Integer count) {
    if (pattern.empty()) return;
    const auto open = pattern.find('{'), close = pattern.find('}', open);
    const auto digits = open == pattern.npos || close == pattern.npos ? 0 : close - open - 1;
    const bool run = digits > 0 && digits < 10 && pattern.find_first_not_of('D', open + 1) == close;
    if (!run)
      report_.error(application.at, what(application) + ": option conference-services/uri-pattern is " +
                                        quoted(pattern) + "; expected such as sip:conf{DDD}@example.com");
    else if (std::to_string(count).size() > digits)
      report_.error(application.at, what(application) + ": option conference-services/uri-pattern has " +
                                        std::to_string(digits) + " digits, too few for count " + std::to_string(count));
  }

  // Ports of all applications, two by two: those that would be bound to the same address on the same host.
  void check_ports() {
    struct Bound {
      const Application* application;
      const Port* port;
      unsigned first, last;
      bool udp;
    };
    std::vector<Bound> all;
    for (const auto& application : environment_.applications)
      for (const auto& port : application.ports)
        all.push_back({&application, &port, port.first ? port.first : port.port, port.last ? port.last : port.port,
                       port.transport == Transport::Udp});
    std::stable_sort(all.begin(), all.end(),
                     [](const Bound& a, const Bound& b) { return a.port->at.line < b.port->at.line; });
    const auto wildcard = [](const std::string& address) {
      return address == "0.0.0.0" || address == "::" || address == "*";
    };
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const Bound &a = all[i], &b = all[j];
        if (a.udp != b.udp || a.first > b.last || b.first > a.last) continue;
        const bool same_host = a.application->host == b.application->host;
        const bool wild = wildcard(a.port->address) || wildcard(b.port->address);
        if (a.port->address == b.port->address ? wild && !same_host : !(wild && same_host)) continue;
        report_.fatal(a.port->at, what(*a.application) + ": port " + a.port->name + " " + numbers(*a.port) + "/" +
                                      (a.udp ? "udp" : "tcp") + " on " + a.port->address + " collides with port " +
                                      b.port->name + " " + numbers(*b.port) + " of " + b.application->name +
                                      " in line " + std::to_string(b.port->at.line));
      }
  }
  static std::string numbers(const Port& port) {
    return port.first ? std::to_string(port.first) + "-" + std::to_string(port.last) : std::to_string(port.port);
  }

  const Environment& environment_;
  Report& report_;
};

}  // namespace

void check_environment(const Environment& environment, Report& report) {
  Checker(environment, report).check();
}

}  // namespace tandem::config
