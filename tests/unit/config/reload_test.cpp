#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/config/reload.h"
#include "example.h"

using namespace tandem::config;

namespace {

std::vector<std::string> changes(const std::string& before, const std::string& after, const std::string& app = "T1") {
  std::vector<std::string> lines;
  const auto a = read_environment(before, "f"), b = read_environment(after, "f");
  CHECK(a.usable());
  CHECK(b.usable());
  for (const auto& change : compare(*a.environment, *b.environment, app)) lines.push_back(to_string(change));
  return lines;
}

using Lines = std::vector<std::string>;

// A folder of its own, gone with the test.
struct TestFolder {
  TestFolder() : path(std::filesystem::temp_directory_path() / ("tandem-config-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~TestFolder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& text) const {
    const auto file = path / "environment.yaml";
    std::ofstream(file) << text;
    return file.string();
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("nothing changed", "[config][reload]") {
  CHECK(changes(kExample, kExample).empty());
}

TEST_CASE("a changed option is told with when it takes effect", "[config][reload]") {
  CHECK(changes(kExample, changed("link-1-name: c1",
                                  "link-1-name: c1, router-timeout: 20, av-joining-timeout: 30, server-id: 5")) ==
        Lines{"application T1: TServer/av-joining-timeout changed from 60 (default) to 30, takes effect next call",
              "application T1: TServer/router-timeout changed from 10 (default) to 20, takes effect immediately",
              "application T1: TServer/server-id changed from 1 (default) to 5, takes effect at start"});
  CHECK(changes(changed("link-1-name: c1", "link-1-name: c1, router-timeout: 20"), kExample) ==
        Lines{"application T1: TServer/router-timeout changed from 20 to 10 (default), takes effect immediately"});
  CHECK(changes(kExample, changed("port: 9001, protocol: tcp", "port: 9002, protocol: tcp, pool-name: x")) ==
        Lines{"application T1: c1/pool-name changed from (none) to x, takes effect immediately",
              "application T1: c1/port changed from 9001 to 9002, takes effect next connection"});
}

TEST_CASE("changed ports need a start; other applications don't concern us", "[config][reload]") {
  CHECK(changes(kExample, changed("{port: 7000, transport: tcp}", "{port: 7001, transport: tcp}")) ==
        Lines{"application T1: ports changed from tlib 127.0.0.1:7000/tcp to tlib 127.0.0.1:7001/tcp, takes effect at "
              "start"});
  CHECK(changes(kExample, changed("{port: 7000, transport: tcp}", "{port: 7001, transport: tcp}"), "C1").empty());
}

TEST_CASE("objects of the switch come, go and change; passwords aren't shown", "[config][reload]") {
  const std::string alice = R"(      - {number: "sip:alice@example.com", type: Extension})";
  const auto with_password = [&](const std::string& password) {
    return changed(alice,
                   R"(      - {number: "sip:alice@example.com", type: Extension, sip: {password: )" + password + "}}");
  };
  CHECK(
      changes(with_password("one"), with_password("two")) ==
      Lines{
          "DN sip:alice@example.com: sip password changed from (hidden) to (hidden), takes effect next registration"});
  CHECK(changes(kExample, changed(alice, R"(      - {number: "sip:Bob@example.com", type: Extension})")) ==
        Lines{"DN sip:alice@example.com changed from there to removed, takes effect immediately",
              "DN sip:bob@example.com changed from (none) to added, takes effect immediately"});
  CHECK(
      changes(
          kExample,
          changed(
              alice,
              R"(      - {number: "sip:alice@example.com", type: Routing Point, options: {TServer: {router-timeout: 4}}})")) ==
      Lines{"DN sip:alice@example.com: type changed from Extension to Routing Point, takes effect immediately"});
  CHECK(changes(kExample, changed(R"(type: Routing Point})",
                                  R"(type: Routing Point, options: {TServer: {router-timeout: 4}}})")) ==
        Lines{"DN sip:support@example.com: TServer/router-timeout changed from 10 (default) to 4, takes effect "
              "immediately"});
  CHECK(changes(kExample, changed("prefix: \"+\"", "prefix: [\"+1\", \"00\"]")) ==
        Lines{"trunk pstn: prefix changed from + to +1, 00, takes effect next call"});
  CHECK(changes(kExample, changed("name: Alice", "name: Alicia")) ==
        Lines{"agent login 1001: name changed from Alice to Alicia, takes effect immediately"});
  CHECK(changes(kExample, changed("    annex: {}", "    annex: {connector: {ringback: ringing}}"), "C1") ==
        Lines{"switch Main: connector/ringback changed from early-media (default) to ringing, takes effect next call"});
}

TEST_CASE("a faulty file leaves the old one in force", "[config][reload]") {
  const TestFolder folder;
  const auto before = load_environment(folder.write(kExample));
  REQUIRE(before.usable());

  folder.write(changed("link-1-name: c1", "link-1-name: c1, router-timeout: 20"));
  const auto good = reload_environment(*before.environment, "T1");
  REQUIRE(good.environment);
  CHECK(good.changes.size() == 1);
  CHECK(good.problems.empty());

  folder.write(changed("link-1-name: c1", "link-1-name: c1, router-timeout: soon"));
  const auto bad = reload_environment(*before.environment, "T1");
  CHECK_FALSE(bad.environment);
  CHECK(bad.changes.empty());
  CHECK(bad.problems.size() == 1);

  folder.write("");
  CHECK_FALSE(reload_environment(*before.environment, "T1").environment);
  folder.write(changed("  T1:", "  T2:"));
  const auto gone = reload_environment(*before.environment, "T1");
  CHECK_FALSE(gone.environment);
  REQUIRE(gone.problems.size() == 1);
  CHECK(gone.problems[0].text == "application T1 is no longer there with its type");
  std::filesystem::remove(folder.path / "environment.yaml");
  CHECK_FALSE(reload_environment(*before.environment, "T1").environment);
}
