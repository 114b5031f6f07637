#include <fstream>
#include <sstream>

#include "common/config/report.h"
#include "example.h"

using namespace tandem::config;

namespace {

struct Case {
  std::string from, to;
  std::vector<std::string> expected;
};

const std::string kOne = "      c1: {hostname: 127.0.0.1, port: 9001, protocol: tcp}\n";
const std::string kAlice = R"(      - {number: "sip:alice@example.com", type: Extension})";

}  // namespace

TEST_CASE("the example is without a mistake", "[config]") {
  CHECK(told(read_environment(kExample, "f")).empty());
}

TEST_CASE("every mistake is told with its line, what was found and what was expected", "[config]") {
  const std::vector<Case> cases = {
      // Keys.
      {"    host: 127.0.0.1\n    ports:\n      tlib",
       "    hots: 127.0.0.1\n    ports:\n      tlib",
       {"f:2: fatal: application T1 has no \"host\"; expected a host name or address",
        "f:4: error: application T1: unknown key \"hots\"; expected like, type, host, ports, switch, redundancy, "
        "backup, tls or options; did you mean \"host\"?"}},
      {"switches:\n",
       "swiches:\n",
       {"f:1: fatal: the file has no \"switches\"; expected switches by name",
        "f:21: error: the file: unknown key \"swiches\"; expected applications or switches; did you mean "
        "\"switches\"?"}},
      {"type: connector",
       "type: conector",
       {"f:12: fatal: application C1: type is \"conector\"; expected tserver or connector"}},
      {"    switch: Main\n    options:\n      TServer",
       "    switch: Mian\n    options:\n      TServer",
       {"f:2: fatal: application T1: switch is \"Mian\"; expected a switch of this file; did you mean \"Main\"?"}},
      {"    host: 127.0.0.1\n    ports:\n      link",
       "    host: 127.0.0.1\n    host: 127.0.0.2\n    ports:\n      link",
       {"f:14: error: key \"host\" is already in line 13; expected it once"}},
      {"    annex: {}\n",
       "    annex: [1]\n",
       {"f:23: error: switch Main annex is a list; expected sections of options"}},
      // Ports.
      {"{port: 7000, transport: tcp}",
       "{port: 70000, transport: tcp}",
       {"f:6: fatal: application T1: port tlib: port is \"70000\"; expected a port from 1 to 65535"}},
      {"{port: 7000, transport: tcp}",
       "{port: 7000, transport: udp}",
       {"f:6: fatal: application T1: port tlib: transport is \"udp\"; expected tls or tcp"}},
      {"{port: 7000, transport: tcp}",
       "{port: 7000}",
       {"f:6: fatal: application T1: port tlib speaks TLS, but there is no tls; expected tls: {certificate: FILE, key: "
        "FILE, ca: FILE}"}},
      {"      tlib:",
       "      tlip:",
       {"f:5: fatal: application T1: ports have no \"tlib\"; a tserver needs it",
        "f:6: error: application T1: ports: unknown key \"tlip\"; expected tlib, ha-sync or http; did you mean "
        "\"tlib\"?"}},
      {"{range: 20000-20999}",
       "{range: 20001-20999}",
       {"f:17: fatal: application C1: port rtp: range is \"20001-20999\"; expected UDP ports as first-last, 1024 to "
        "65535, the first even, at least two"}},
      {"{range: 20000-20999}",
       "{range: 20999-20000}",
       {"f:17: fatal: application C1: port rtp: range is \"20999-20000\"; expected UDP ports as first-last, 1024 to "
        "65535, the first even, at least two"}},
      {"{range: 20000-20999}",
       "{range: 20000-20019}",
       {"f:17: warning: application C1: port rtp: range \"20000-20019\" is small; every party of a call takes two "
        "ports"}},
      {"{range: 20000-20999}",
       "{range: 5000-5999}",
       {"f:17: fatal: application C1: port rtp 5000-5999/udp on 127.0.0.1 collides with port sip 5060 of C1 in "
        "line 16"}},
      {"sip: {port: 5060}",
       "sip: [{port: 5060}, {port: 5060, transport: tcp}, {port: 9001, transport: tcp}]",
       {"f:16: fatal: application C1: port sip 9001/tcp on 127.0.0.1 collides with port link 9001 of C1 in line 15"}},
      {"link: {port: 9001, transport: tcp}",
       "link: {port: 7000, transport: tcp, address: 0.0.0.0}",
       {"f:15: fatal: application C1: port link 7000/tcp on 0.0.0.0 collides with port tlib 7000 of T1 in line 6"}},
      // Redundancy and likeness.
      {"    switch: Main\n    options:\n      TServer",
       "    switch: Main\n    redundancy: hot-standby\n    backup: C1\n    options:\n      TServer",
       {"f:2: error: application T1: backup is \"C1\"; expected another application of type tserver"}},
      {"    switch: Main\n    options:\n      TServer",
       "    switch: Main\n    redundancy: warm\n    options:\n      TServer",
       {"f:8: error: application T1: redundancy is \"warm\"; expected none or hot-standby"}},
      {"    switch: Main\n    options:\n      TServer",
       "    switch: Main\n    redundancy: hot-standby\n    options:\n      TServer",
       {"f:2: error: application T1: redundancy is hot-standby, but it has no backup and is nobody's; expected backup: "
        "NAME"}},
      {"    switch: Main\n    options:\n      TServer",
       "    switch: Main\n    redundancy: hot-standby\n    options:\n      ha: {arbiter: etcd}\n      TServer",
       {"f:2: error: application T1: redundancy is hot-standby, but it has no backup and is nobody's; expected backup: "
        "NAME",
        "f:2: fatal: application T1: option ha/arbiter is etcd, but ha/endpoints is empty; expected http://host:port or "
        "https://host:port of each member"}},
      {"    type: connector\n",
       "    type: connector\n    like: C11\n",
       {"f:13: fatal: application C1: like is \"C11\"; expected the name of an application; did you mean \"C1\"?"}},
      // Links.
      {"link-1-name: c1",
       "link-1-name: c2",
       {"f:2: fatal: application T1 has no link to a Connector; expected option TServer/link-1-name and the section it "
        "names",
        "f:9: error: option TServer/link-1-name is \"c2\"; expected the name of a section of this application with "
        "hostname and port",
        "f:10: error: unknown section \"c1\" at a T-Server application; a link section must be named by a link-n-name "
        "of section TServer; did you mean \"c2\"?"}},
      {"link-1-name: c1",
       "link-1-name: c1, link-2-name: c1",
       {"f:9: error: option TServer/link-2-name names section \"c1\" again; expected a section of its own"}},
      {"hostname: 127.0.0.1, ",
       "",
       {"f:10: fatal: a T-Server application has no option c1/hostname; expected string of 1 to 255 characters"}},
      {"port: 9001, protocol: tcp",
       "port: 9001, protocol: tcp, pool-name: West",
       {"f:10: warning: link section \"c1\": no first-level folder of switch Main names pool \"West\"; this link "
        "carries no calls"}},
      {"port: 9001, protocol: tcp",
       "port: 9001, protocol: tls",
       {"f:10: fatal: application T1: link c1 speaks TLS, but there is no tls; expected tls: {certificate: FILE, key: "
        "FILE, ca: FILE}"}},
      {"port: 9001, protocol: tcp",
       "port: 9001, protocol: tcp, reconnect-timeout: 20 sec",
       {"f:10: error: link section \"c1\": reconnect-timeout is longer than reconnect-timeout-max"}},
      {"c1: {hostname: 127.0.0.1, port: 9001, protocol: tcp}",
       "c1: {port: x}",
       {"f:2: fatal: a T-Server application has no option c1/hostname; expected string of 1 to 255 characters",
        "f:2: fatal: a T-Server application has no option c1/port; expected integer, 1 to 65535",
        "f:2: fatal: application T1: link c1 speaks TLS, but there is no tls; expected tls: {certificate: FILE, key: "
        "FILE, ca: FILE}",
        "f:10: error: option c1/port is \"x\"; expected integer, 1 to 65535"}},
      // Options.
      {"link-1-name: c1",
       "link-1-name: c1, router-timout: 5",
       {"f:9: error: unknown option TServer/router-timout at a T-Server application; did you mean "
        "\"router-timeout\"?"}},
      {"link-1-name: c1",
       "link-1-name: c1, xyz: 5",
       {"f:9: error: unknown option TServer/xyz at a T-Server application"}},
      {"link-1-name: c1",
       "link-1-name: c1, link-0-name: c1",
       {"f:9: error: unknown option TServer/link-0-name at a T-Server application; did you mean \"link-n-name\"?"}},
      {"link-1-name: c1",
       "link-1-name: c1, router-timeout: soon",
       {"f:9: error: option TServer/router-timeout is \"soon\"; expected seconds, 1 to 86400; or with unit: sec, min, "
        "hr"}},
      {"link-1-name: c1",
       "link-1-name: c1, no-answer-timeout: 601",
       {"f:9: error: option TServer/no-answer-timeout is \"601\"; expected seconds, 0 to 600; or with unit: sec, min, "
        "hr"}},
      {"link-1-name: c1",
       "link-1-name: c1, ani-distribution: all",
       {"f:9: error: option TServer/ani-distribution is \"all\"; expected inbound-calls-only | all-calls | "
        "suppressed"}},
      {"link-1-name: c1",
       "link-1-name: c1, default-redirect-limit: 3, default-redirection-limit: 4",
       {"f:9: error: options TServer/default-redirection-limit and default-redirect-limit are the same; expected one "
        "of them"}},
      {"link-1-name: c1",
       "link-1-name: c1, default-dn: \"sip:nobody@example.com\"",
       {"f:9: warning: option TServer/default-dn is \"sip:nobody@example.com\", which is no DN of switch Main"}},
      {"link-1-name: c1",
       "link-1-name: c1, default-dn: {a: b}",
       {"f:9: error: application T1: option TServer/default-dn is a map; expected one value, or a list of values "
        "without commas"}},
      {kOne,
       kOne + "      lgo: {all: stdout}\n",
       {"f:11: error: unknown section \"lgo\" at a T-Server application; expected c1, TServer, clients, ha, limits, "
        "security or log; did you mean \"log\"?"}},
      {kOne,
       kOne + "      log: {all: network}\n",
       {"f:11: error: option log/all is \"network\"; expected list of stdout, stderr and file names"}},
      {kOne,
       kOne + "      front-end: {realm: x}\n",
       {"f:11: error: section \"front-end\" isn't read at a T-Server application; it belongs to: Connector"}},
      {kAlice,
       R"(      - {number: "sip:alice@example.com", type: Extension, options: {TServer: {router-timeout: 5}}})",
       {"f:25: error: option TServer/router-timeout isn't read at a DN of type Extension; it belongs to: Routing "
        "Point, T-Server"}},
      {"{domains: [example.com]}",
       "{mode: external, domains: [example.com]}",
       {"f:11: fatal: application C1 has no option front-end/server-address; expected the address of the external "
        "proxy"}},
      {"{domains: [example.com]}",
       "{realm: x}",
       {"f:11: error: application C1 has no option front-end/domains; expected the SIP domains that are ours"}},
      {"{domains: [example.com]}",
       "{domains: [example.com], min-expires: 5000}",
       {"f:11: error: application C1: option front-end/min-expires is longer than max-expires"}},
      {"    annex: {}\n",
       "    annex: {conference-services: {uri-pattern: \"sip:conf{DDX}@example.com\"}}\n",
       {"f:11: error: application C1: option conference-services/uri-pattern is \"sip:conf{DDX}@example.com\"; "
        "expected "
        "such as sip:conf{DDD}@example.com"}},
      {"    annex: {}\n",
       "    annex: {conference-services: {uri-pattern: \"conf{DD}\", count: 100}}\n",
       {"f:11: error: application C1: option conference-services/uri-pattern has 2 digits, too few for count 100"}},
      // DNs, trunks, agents.
      {kAlice,
       R"(      - {number: "alice", type: Extension})",
       {"f:25: error: DN number is \"alice\"; expected a SIP URI in ASCII, such as sip:alice@example.com"}},
      {kAlice,
       "      - {number: \"sip:al\xc3\xad\x63\x65@example.com\", type: Extension}",
       {"f:25: error: DN number is \"sip:al\xc3\xad\x63\x65@example.com\"; expected a SIP URI in ASCII, such as "
        "sip:alice@example.com"}},
      {kAlice,
       R"(      - {number: "sip:alice@example.com", type: Extention})",
       {"f:25: error: DN sip:alice@example.com: type is \"Extention\"; expected Extension, Routing Point, External "
        "Routing Point, ACD Queue, Virtual Queue, Voice over IP Service or Trunk Group; did you mean \"Extension\"?"}},
      {kAlice,
       R"(      - {number: "sip:alice@example.com", type: Extension, register: maybe})",
       {"f:25: error: DN sip:alice@example.com: register is \"maybe\"; expected true or false"}},
      {kAlice,
       R"(      - {number: "svc", type: Voice over IP Service})",
       {"f:25: error: a DN of type Voice over IP Service has no option TServer/service-type; expected presence-profile "
        "| dialplan"}},
      {kAlice, "      - just text", {"f:25: error: DN is \"just text\"; expected {number: ..., type: ...}"}},
      {"contact: \"sip:192.0.2.1:5060\"",
       "contact: 192.0.2.1",
       {"f:28: error: trunk pstn: contact is \"192.0.2.1\"; expected a SIP URI such as sip:192.0.2.1:5060"}},
      {"prefix: \"+\"",
       "prefix: abc",
       {"f:28: error: trunk: prefix is \"abc\"; expected digits with or without a leading +, in quotes"}},
      {"      - {code: \"1001\", name: Alice}",
       "      - {code: \"1001\", name: Alice}\n      - {code: \"1001\", name: Bob}",
       {"f:31: error: agent login \"1001\" is already in line 30; expected it once"}},
  };
  for (const auto& one : cases) {
    INFO(one.from << " -> " << one.to);
    CHECK(told(read_environment(changed(one.from, one.to), "f")) == one.expected);
  }
}

TEST_CASE("two DNs that differ in case only: one goes in service, and it is told (MMC-60)", "[config]") {
  const auto loaded =
      read_environment(changed(kAlice, kAlice + "\n      - {number: \"sip:Alice@Example.com\", type: Extension}\n      "
                                                "- {number: \"sip:alice@example.com\", type: Extension}"),
                       "f");
  CHECK(told(loaded) == std::vector<std::string>{
                            "f:26: error: MSG_TS_COMMON_DN_MISCONFIGURED: DN \"sip:Alice@Example.com\" has the same "
                            "name as \"sip:alice@example.com\" in line 25, case apart; only that one goes in service",
                            "f:27: error: MSG_TS_COMMON_DN_MISCONFIGURED: DN \"sip:alice@example.com\" has the same "
                            "name as \"sip:alice@example.com\" in line 25; only that one goes in service"});
  CHECK(loaded.usable());
  CHECK_FALSE(loaded.faultless());
  const auto& dns = loaded.environment->switches.at(0).dns;
  REQUIRE(dns.size() == 4);
  CHECK_FALSE(dns[0].misconfigured);
  CHECK(dns[1].misconfigured);
  CHECK(dns[2].misconfigured);
  CHECK_FALSE(dns[3].misconfigured);
}

TEST_CASE("a circle of likes is told at each application in it, once", "[config]") {
  const auto text = changed("    type: connector\n", "    like: C2\n");
  const auto circle = changed("switches:\n",
                              "  C2:\n    like: C1\n    host: 127.0.0.2\n    ports: {link: {port: 1, transport: tcp}, "
                              "sip: {port: 5060}, rtp: {range: 20000-20999}}\nswitches:\n",
                              text);
  const auto lines = told(read_environment(circle, "f"));
  REQUIRE_FALSE(lines.empty());
  CHECK(std::count(lines.begin(), lines.end(),
                   "f:22: fatal: application C2: like \"C1\" leads back to itself; expected an application that isn't "
                   "like this one") == 1);
}

TEST_CASE("all mistakes are told, in the order of lines, an inherited one once", "[config]") {
  const auto text = changed(
      "link-1-name: c1", "link-1-name: c1, router-timeout: x",
      changed("switches:\n",
              "  T2:\n    host: 127.0.0.2\n    like: T1\n    ports: {tlib: {port: 0, transport: tcp}}\nswitches:\n"));
  CHECK(told(read_environment(text, "f")) ==
        std::vector<std::string>{
            "f:9: error: option TServer/router-timeout is \"x\"; expected seconds, 1 to 86400; or with unit: sec, min, "
            "hr",
            "f:24: fatal: application T2: port tlib: port is \"0\"; expected a port from 1 to 65535"});
}

TEST_CASE("a bad value counts as not given", "[config]") {
  const auto loaded = read_environment(changed("link-1-name: c1", "link-1-name: c1, router-timeout: x"), "f");
  CHECK(loaded.usable());
  CHECK_FALSE(loaded.environment->applications.at(0).options.at("TServer").contains("router-timeout"));
}

TEST_CASE("what isn't YAML is told with its line", "[config]") {
  CHECK(told(read_environment("a: b\nc: [1, 2\n", "f")).at(0).starts_with("f:2: fatal: not YAML: "));
  CHECK(told(read_environment("a: \"b\n", "f")).at(0).find("fatal: not YAML: ") != std::string::npos);
  CHECK(told(read_environment("", "f")) ==
        std::vector<std::string>{"f:1: fatal: the file is empty; expected applications and switches"});
  CHECK(told(read_environment("- 1\n- 2\n", "f")).at(0) ==
        "f:1: fatal: the file is a list; expected a map of keys and values");
  CHECK(told(read_environment("? [a]\n: b\n", "f")) ==
        std::vector<std::string>{"f:1: fatal: a key must be a plain word"});
}

TEST_CASE("files that stand for too much are refused", "[config][bounds]") {
  SECTION("depth") {
    const std::string deep(100, '[');
    CHECK(told(read_environment(deep, "f")) == std::vector<std::string>{"f:1: fatal: nested deeper than 16 levels"});
  }
  SECTION("depth by aliases") {
    std::string text = "a0: &a0 [[[[[[x]]]]]]\n";
    for (int i = 1; i < 10; ++i)
      text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [[*a" + std::to_string(i - 1) + "]]\n";
    CHECK(told(read_environment(text, "f")) == std::vector<std::string>{"f:6: fatal: nested deeper than 16 levels"});
  }
  SECTION("width by aliases") {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
      text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
      for (int j = 0; j < 16; ++j) text += "*a" + std::to_string(i - 1) + ", ";
      text += "]\n";
    }
    const auto lines = told(read_environment(text, "f"));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with("fatal: more than 4000000 values"));
  }
  SECTION("an alias inside of what it names") {
    CHECK(told(read_environment("a: &a [*a]\n", "f")).at(0).find("fatal:") != std::string::npos);
  }
  SECTION("size") {
    CHECK(told(read_environment(std::string(33u << 20, ' '), "f")) ==
          std::vector<std::string>{"f: fatal: larger than 32 MB"});
  }
  SECTION("mistakes") {
    std::string text = "switches:\n";
    for (int i = 0; i < 5000; ++i) text += "  s" + std::to_string(i) + ": 5\n";
    const auto lines = told(read_environment(kExample.substr(0, kExample.find("switches:")) + text, "f"));
    CHECK(lines.size() <= 2 * Report::kMost + 1);
  }
}

TEST_CASE("text of the file can't forge a line of the report", "[config]") {
  const auto lines = told(read_environment(changed("type: connector", "type: \"x\\nf:1: fatal: forged\\e[31m\""), "f"));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] ==
        "f:12: fatal: application C1: type is \"x\\x0af:1: fatal: forged\\x1b[31m\"; expected tserver or connector");
}

TEST_CASE("a file that can't be read is told in one line", "[config]") {
  CHECK(told(load_environment("/nowhere/tandem.yaml")) == std::vector<std::string>{"f: fatal: the file isn't there"});
  CHECK(told(load_environment("/tmp")) == std::vector<std::string>{"f: fatal: not a file"});
}

TEST_CASE("the nearest word is meant only if it is near", "[config]") {
  CHECK(nearest("rooter-timeout", {"router-timeout", "default-dn"}) == "router-timeout");
  CHECK(nearest("Router-Timeout", {"router-timeout"}) == "router-timeout");
  CHECK(nearest("timeout", {"default-dn", "verbose"}).empty());
  CHECK(nearest("a", {"b"}).empty());
}

TEST_CASE("names with control characters or without end are refused, and don't spoil the report", "[config]") {
  CHECK(told(read_environment(changed("  T1:", "  \"T\\n1\":"), "f")) ==
        std::vector<std::string>{
            "f:2: fatal: application is named \"T\\x0a1\"; expected at most 64 characters without spaces"});
  const auto lines = told(read_environment(std::string(1000, 'k') + ": 1\n", "f"));
  REQUIRE(lines.size() == 3);
  for (const auto& line : lines) CHECK(line.size() < 1100);
}
