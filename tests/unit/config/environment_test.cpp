#include <fstream>
#include <sstream>

#include "common/config/connector_options.h"
#include "common/config/log_settings.h"
#include "common/config/scope.h"
#include "common/config/tserver_options.h"
#include "example.h"

using namespace tandem;
using namespace tandem::config;
using namespace std::chrono_literals;

namespace {

std::string sample() {
  std::ifstream file(TANDEM_TEST_DATA "/sample.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::shared_ptr<const Environment> sample_environment() {
  const auto loaded = read_environment(sample(), "/etc/tandem/environment.yaml");
  CHECK(told(loaded).empty());
  return loaded.environment;
}

}  // namespace

TEST_CASE("the sample environment, whole", "[config]") {
  const auto environment = sample_environment();
  REQUIRE(environment->applications.size() == 4);
  const auto& tserver = environment->applications[0];
  CHECK(tserver.name == "TServer_1");
  CHECK(tserver.type == AppType::TServer);
  CHECK(tserver.redundancy == Redundancy::HotStandby);
  CHECK(tserver.backup == "TServer_2");
  CHECK(tserver.tls.certificate == "/etc/tandem/certs/tserver1.pem");
  CHECK(tserver.at.line == 5);
  REQUIRE(tserver.ports.size() == 3);
  CHECK(tserver.port("tlib")->port == 7000);
  CHECK(tserver.port("tlib")->transport == Transport::Tls);
  CHECK(tserver.port("ha-sync")->transport == Transport::Tls);
  CHECK(tserver.port("http")->transport == Transport::Tcp);

  // like: type, switch, tls and options come from the other, own keys win; ports, host and redundancy don't.
  const auto& second = *environment->application("TServer_2");
  CHECK(second.switch_name == "Main");
  CHECK(second.backup.empty());
  CHECK(second.port("tlib")->port == 7010);
  CHECK(second.tls.certificate == "/etc/tandem/certs/tserver2.pem");
  CHECK(second.options.at("TServer").at("router-timeout").text == "10");
  const auto& connector = *environment->application("Connector_2");
  CHECK(connector.type == AppType::Connector);
  CHECK(connector.options.at("startup").at("persistent-storage-path").text == "run/connector2");
  CHECK(connector.options.at("front-end").at("domains").text == "tandem.test");
  std::vector<std::pair<int, Transport>> sip;
  for (const auto& port : connector.ports)
    if (port.name == "sip") sip.emplace_back(port.port, port.transport);
  CHECK(sip ==
        std::vector<std::pair<int, Transport>>{{5060, Transport::Udp}, {5060, Transport::Tcp}, {5061, Transport::Tls}});
  CHECK(connector.port("rtp")->first == 25000);
  CHECK(connector.port("rtp")->last == 29999);
  CHECK(connector.port("sip")->address == "127.0.0.2");

  const auto& of = *environment->find_switch("Main");
  REQUIRE(of.dns.size() == 7);
  CHECK(of.dns[0].dn == Dn("sip:alice@tandem.test"));
  CHECK(of.dns[0].sip_password == "alice-secret");
  CHECK(of.dns[3].type == DnType::RoutingPoint);
  CHECK(of.dns[4].association == "14155551212");
  CHECK(of.dns[5].type == DnType::VoipService);
  CHECK(of.dns[6].folder == "West");
  CHECK(of.pool_of(of.dns[6]) == "Pool1");
  CHECK(of.pool_of(of.dns[0]).empty());
  REQUIRE(of.trunks.size() == 1);
  CHECK(of.trunks[0].contact == "sip:127.0.0.1:5080");
  CHECK(of.trunks[0].prefixes == std::vector<std::string>{"+"});
  REQUIRE(of.agent_logins.size() == 2);
  CHECK(of.agent_logins[0].code == "1001");
}

TEST_CASE("links of a T-Server in the order of their numbers, with defaults", "[config]") {
  const auto environment = sample_environment();
  const auto links = links_of(*environment, environment->applications[0]);
  REQUIRE(links.size() == 2);
  CHECK(links[0].section == "connector1");
  CHECK(links[1].number == 2);
  CHECK(links[1].hostname == "127.0.0.1");
  CHECK(links[1].port == 9002);
  CHECK(links[1].tls);
  CHECK(links[1].pool.empty());
  CHECK(links[1].reconnect_timeout == 500ms);

  const auto many = read_environment(
      changed("link-1-name: c1", "link-12-name: c1, link-2-name: c2",
              changed("      c1:", "      c2: {hostname: b, port: 2, protocol: tcp, pool-name: default}\n      c1:")),
      "f");
  CHECK(told(many).empty());
  const auto ordered = links_of(*many.environment, many.environment->applications[0]);
  REQUIRE(ordered.size() == 2);
  CHECK(ordered[0].section == "c2");
  CHECK(ordered[0].pool.empty());
  CHECK(ordered[1].number == 12);
}

TEST_CASE("one first-level folder speaks for a pool (MMC-299, MMC-300, MMC-301)", "[config]") {
  const auto loaded = read_environment(R"(applications:
  T1:
    type: tserver
    host: 127.0.0.1
    ports: {tlib: {port: 7000, transport: tcp}}
    switch: Main
    options:
      TServer: {link-1-name: c1}
      c1: {hostname: 127.0.0.1, port: 9001, protocol: tcp, pool-name: West}
switches:
  Main:
    dns:
      - folder: One
        annex: {connector: {pool-name: West}}
        dns: [{folder: Deeper, annex: {connector: {pool-name: East}}, dns: [{number: "sip:a@x", type: Extension}]}]
      - {folder: Two, annex: {connector: {pool-name: West}}, dns: [{number: "sip:b@x", type: Extension}]}
      - {folder: Three, annex: {connector: {pool-name: default}}, dns: [{number: "sip:c@x", type: Extension}]}
      - {folder: Four, dns: [{number: "sip:d@x", type: Extension}]}
)",
                                       "/e/f.yaml");
  const Switch& of = loaded.environment->switches[0];
  REQUIRE(of.dns.size() == 4);
  CHECK(of.pool_of(of.dns[0]) == "West");
  CHECK(of.pool_of(of.dns[2]).empty());
  CHECK(of.pool_of(of.dns[3]).empty());
  const auto lines = told(loaded);
  CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("folder \"Two\" names pool \"West\" as folder \"One\" does") != std::string::npos;
  }));
}

TEST_CASE("the stronger level wins, then the weaker ones, then the default (MMC-302, MMC-304)", "[config]") {
  const auto loaded = read_environment(R"(applications:
  T1:
    type: tserver
    host: 127.0.0.1
    ports: {tlib: {port: 7000, transport: tcp}}
    switch: Main
    options:
      TServer: {link-1-name: c1, router-timeout: 7, default-dn: "sip:all@x"}
      c1: {hostname: 127.0.0.1, port: 9001, protocol: tcp, pool-name: West}
  C1:
    type: connector
    host: 127.0.0.1
    ports: {link: {port: 9001, transport: tcp}, sip: {port: 5060}, rtp: {range: 20000-20999}}
    switch: Main
    options: {front-end: {domains: [x]}, connector: {ringback: early-media, fork-timeout: 5 sec}}
switches:
  Main:
    annex: {connector: {ringback: ringing, ringtone-file-path: tone.wav}}
    dns:
      - {number: "sip:all@x", type: Routing Point}
      - {number: "sip:own@x", type: Routing Point, options: {TServer: {router-timeout: 3, default-dn: "sip:all@x"}}}
      - folder: West
        annex: {connector: {pool-name: West, ringtone-file-path: west.wav}, TServer: {default-dn: "sip:west@x"}}
        dns:
          - {number: "sip:west@x", type: Routing Point}
          - {folder: Inner, dns: [{number: "sip:inner@x", type: Extension}]}
      - folder: Plain
        annex: {TServer: {default-dn: "sip:west@x"}}
        dns: [{number: "sip:plain@x", type: Extension}]
    agent-logins:
      - {code: "1", options: {TServer: {wrap-up-time: 2 min}}}
)",
                                       "/e/f.yaml");
  CHECK(told(loaded).empty());
  const Environment& e = *loaded.environment;
  const Application &t = e.applications[0], &c = e.applications[1];
  const Switch& s = e.switches[0];
  const auto& row = options::tserver;
  const auto dn = [&](std::string_view name) -> const DnObject& {
    return *std::find_if(s.dns.begin(), s.dns.end(), [&](const DnObject& d) { return d.number == name; });
  };
  CHECK(scope_of(e, t).get(row.router_timeout) == 7s);
  CHECK(scope_of(e, t).get(row.av_joining_timeout) == 60s);
  CHECK_FALSE(scope_of(e, t).has(row.av_joining_timeout));
  CHECK(scope_of(e, t, s, dn("sip:all@x")).get(row.router_timeout) == 7s);
  CHECK(scope_of(e, t, s, dn("sip:own@x")).get(row.router_timeout) == 3s);
  CHECK(scope_of(e, t, s, dn("sip:own@x")).get(row.default_dn) == "sip:all@x");
  // A folder speaks for its pool, also for DNs in folders below; one without a pool doesn't.
  CHECK(scope_of(e, t, s, dn("sip:west@x")).get(row.default_dn) == "sip:west@x");
  CHECK(scope_of(e, t, s, dn("sip:inner@x")).get(row.default_dn) == "sip:west@x");
  CHECK(scope_of(e, t, s, dn("sip:plain@x")).get(row.default_dn) == "sip:all@x");
  CHECK(scope_of_pool(e, t, "West").get(row.default_dn) == "sip:west@x");
  CHECK(scope_of_pool(e, t, "").get(row.default_dn) == "sip:all@x");
  // What a non-default pool doesn't set comes from the default pool.
  CHECK(scope_of(e, t, s, dn("sip:west@x")).get(row.router_timeout) == 7s);
  CHECK(scope_of(e, t, s, dn("sip:inner@x"), s.agent_logins[0]).get(row.wrap_up_time).time == 120s);
  CHECK(scope_of(e, t, s, dn("sip:inner@x")).get(row.wrap_up_time).time == 0s);
  // A Connector is in the pool that a link section puts it in.
  CHECK(pool_of_connector(e, c) == "West");
  CHECK(scope_of(e, c).get(options::connector.ringtone_file_path).text == "/e/west.wav");
  CHECK(scope_of(e, c).get(options::connector.ringback) == Ringback::Ringing);
  CHECK(scope_of(e, c).get(options::connector.fork_timeout) == 5s);
  CHECK(server_id_of(e, t) == 1);
}

TEST_CASE("both spellings of the redirection limit", "[config]") {
  for (const std::string name : {"default-redirection-limit", "default-redirect-limit"}) {
    const auto loaded = read_environment(changed("link-1-name: c1", "link-1-name: c1, " + name + ": 2"), "f");
    CHECK(told(loaded).empty());
    CHECK(scope_of(*loaded.environment, loaded.environment->applications[0])
              .get(options::tserver.default_redirection_limit) == 2);
  }
}

TEST_CASE("server-id, or the place in the file", "[config]") {
  const auto loaded = read_environment(changed("link-1-name: c1", "link-1-name: c1, server-id: 0"), "f");
  CHECK(server_id_of(*loaded.environment, loaded.environment->applications[0]) == 0);
  const auto environment = sample_environment();
  CHECK(server_id_of(*environment, environment->applications[1]) == 2);
}

TEST_CASE("log options become log settings", "[config][log]") {
  const auto loaded =
      read_environment(changed("      c1:",
                               "      log: {verbose: trace, all: [stdout, logs/t.log], standard: stderr, segment: 50 "
                               "MB, expire: 3 day, keep-startup-file: 1 MB, buffering: false, time-format: ISO8601, "
                               "time-convert: utc, message-format: full, check-point: 0}\n      c1:",
                               changed("    annex: {}", "    annex: {log: {hide-header: [Digits]}}")),
                       "/e/f.yaml");
  CHECK(told(loaded).empty());
  const auto settings = log_settings(*loaded.environment, loaded.environment->applications[0]);
  CHECK(settings.verbose == LogLevel::Trace);
  REQUIRE(settings.outputs.size() == 3);
  CHECK(settings.outputs[0].name == "stdout");
  CHECK(settings.outputs[1].name == "/e/logs/t.log");
  CHECK(settings.outputs[1].lowest == LogLevel::Debug);
  CHECK(settings.outputs[2].name == "stderr");
  CHECK(settings.outputs[2].lowest == LogLevel::Standard);
  CHECK(settings.segment_bytes == 50u << 20);
  CHECK(settings.expire_files == 0);
  CHECK(settings.expire_days == 3);
  CHECK(settings.keep_startup);
  CHECK(settings.startup_bytes == 1u << 20);
  CHECK_FALSE(settings.buffering);
  CHECK(settings.time == LogSettings::Time::Iso8601);
  CHECK(settings.utc);
  CHECK(settings.full_format);
  CHECK(settings.check_point == 0h);
  const auto headers = hidden_headers(*loaded.environment, loaded.environment->applications[0]);
  CHECK(headers.hides("Data"));
  CHECK(headers.hides("digits"));
  CHECK_FALSE(headers.hides("Conversation-ID"));
}

TEST_CASE("YAML of any style, with aliases", "[config]") {
  const auto text =
      changed("{domains: [example.com]}", "&f\n        domains:\n        - example.com\n        - example.org",
              changed("switches:\n",
                      "  C2:\n    type: connector\n    host: 127.0.0.2\n    ports:\n      link: {port: 9001, "
                      "transport: tcp}\n      sip: {port: 5060}\n      rtp: {range: 20000-20999}\n    switch: Main\n   "
                      " options:\n      front-end: *f\nswitches:\n"));
  const auto loaded = read_environment(text, "f");
  CHECK(told(loaded).empty());
  CHECK(scope_of(*loaded.environment, loaded.environment->applications[2]).get(options::front_end.domains) ==
        List{"example.com", "example.org"});
}

TEST_CASE("files that tls names are looked for on this machine", "[config]") {
  const auto loaded = read_environment(sample(), "/nowhere/f.yaml");
  std::vector<std::string> lines;
  for (const auto& problem : check_files(*loaded.environment, loaded.environment->applications[0]))
    lines.push_back(to_string(problem, "f"));
  CHECK(lines == std::vector<std::string>{"f:15: fatal: application TServer_1: tls certificate file "
                                          "/nowhere/certs/tserver1.pem isn't there; expected a readable PEM file",
                                          "f:15: fatal: application TServer_1: tls key file "
                                          "/nowhere/certs/tserver1.key isn't there; expected a readable PEM file",
                                          "f:15: fatal: application TServer_1: tls ca file /nowhere/certs/ca.pem isn't "
                                          "there; expected a readable PEM file"});
}

TEST_CASE("fifty thousand DNs", "[config]") {
  std::string text = kExample.substr(0, kExample.find("    dns:")) + "    dns:\n";
  for (int i = 0; i < 50000; ++i)
    text += "      - {number: \"sip:phone" + std::to_string(i) +
            "@example.com\", type: Extension, sip: {password: \"x\"}}\n";
  const auto loaded = read_environment(text, "f");
  CHECK(told(loaded).empty());
  CHECK(loaded.environment->switches[0].dns.size() == 50000);
}
