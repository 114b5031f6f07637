#include "tserver/client/ctl.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fake_server.h"
#include "tserver/client/ctl_report.h"
#include "tserver/client/inquiry.h"

using namespace tandem;
using namespace tandem::client;
using namespace tandem::client::test;

namespace {

tlib::Message message(std::string_view line) {
  auto read = from_json_line(line);
  REQUIRE(read.has_value());
  return *read;
}

const char* const kServerInfo =
    R"("event":"EventServerInfo","ServerVersion":"0.1.0","ServerRole":"ServerRolePrimary","ServerStartTime":1700000000,)"
    R"("Extensions":{"role":"primary","epoch":"7","links-up":1,"links-total":2,"calls":3,"clients":4,"dns":5})";

// Answers like a T-Server with one call.
void answer(FakeServer::Session& session, const tlib::Message& request) {
  FakeServer::accept(session, request);
  const std::string reference = R"({"ReferenceID":)" + std::to_string(request.referenceid()) + ",";
  if (request.type() == tlib::RequestQueryServer) session.send(reference + kServerInfo + "}");
  if (request.type() == tlib::RequestSwitchover && request.extensions().pairs_size() == 1)  // force
    session.send(reference + R"("event":"EventACK"})");
  if (request.type() != tlib::RequestQueryAddress) return;
  std::string extensions = R"({"status":1})";
  if (request.thisdn().starts_with("sip:alice")) {
    extensions =
        R"({"status":1,"AgentStatus":4,"conn-0":"0071024a1b2c3d4e","ps-0":12,"ct-0":2,"mt-0":0},"AgentID":"1001")";

  } else if (request.thisdn().starts_with("sip:bob")) {
    extensions = R"({"status":0,"conn-0":"0071024a1b2c3d4e","ps-0":65548,"ct-0":2})";
  } else if (request.thisdn().starts_with("sip:support")) {
    extensions = R"({"status":1,"conn-0":"0071024a1b2c3d4f"})";
  } else {
    return session.send(reference + R"("event":"EventError","ErrorCode":59})");
  }
  session.send(reference + R"("event":"EventAddressInfo","ThisDN":")" + request.thisdn() + R"(","Extensions":)" +
               extensions + "}");
}

// A T-Server on a thread of its own, and the environment that names it.
class Site {
 public:
  Site()
      : server_(loop_),
        folder_(std::filesystem::temp_directory_path() / ("tandemctl-test-" + std::to_string(::getpid()))) {
    server_.on_request = answer;
    std::filesystem::create_directories(folder_);
    std::ofstream(config()) << R"(
applications:
  TServer_1:
    type: tserver
    host: 127.0.0.1
    ports: {tlib: {port: )" << server_.port()
                            << R"(, transport: tcp}}
    switch: Main
    options: {TServer: {link-1-name: c1}, c1: {hostname: 127.0.0.1, port: 9001, protocol: tcp}}
switches:
  Main:
    dns:
      - {number: "sip:Alice@tandem.test", type: Extension}
      - {number: "sip:bob@tandem.test", type: Extension}
      - {number: "sip:carol@tandem.test", type: Extension}
      - {number: "sip:support@tandem.test", type: Routing Point}
      - {number: "presence-default", type: Voice over IP Service, options: {TServer: {service-type: presence-profile}}}
)";
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Site() {
    stop();
    std::filesystem::remove_all(folder_);
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  std::string config() const { return (folder_ / "env.yaml").string(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.post([this] {
      server_.listener.reset();
      loop_.stop();
    });
    thread_.join();
  }

 private:
  net::EventLoop loop_;
  FakeServer server_;
  const std::uint16_t port_ = server_.port();
  std::filesystem::path folder_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("Questions to a T-Server: all answers in order, or why not", "[ctl]") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = answer;
  ClientOptions options;
  options.servers = {{"127.0.0.1", server.port()}};
  std::vector<tlib::Message> questions(200, message(R"({"request":"RequestQueryAddress","ThisDN":"sip:bob"})"));
  questions[7] = message(R"({"request":"RequestQueryServer"})");
  questions[199] = message(R"({"request":"RequestQueryAddress","ThisDN":"x"})");
  std::optional<Inquiry::Outcome> outcome;
  const auto done = [&](Inquiry::Outcome result) { outcome = std::move(result); };
  SECTION("answered") {
    Inquiry inquiry(loop, options, questions, 20s, done);
    REQUIRE(until(loop, [&] { return outcome.has_value(); }));
    CHECK(outcome->failure.empty());
    REQUIRE(outcome->answers.size() == 200);
    CHECK(outcome->answers[6].type() == tlib::EventAddressInfo);
    CHECK(outcome->answers[7].type() == tlib::EventServerInfo);
    CHECK(outcome->answers[199].errorcode() == tlib::TERR_NOT_CONFIGURED);
  }
  SECTION("the session takes too long") {
    server.on_request = nullptr;
    Inquiry inquiry(loop, options, questions, 20ms, done);
    REQUIRE(until(loop, [&] { return outcome.has_value(); }));
    CHECK(outcome->failure == "no answer within 20 ms");
  }
  SECTION("an answer never comes") {
    server.on_request = FakeServer::accept;
    Inquiry inquiry(loop, options, questions, 50ms, done);
    REQUIRE(until(loop, [&] { return outcome.has_value(); }));
    CHECK(outcome->failure == "no answer within 50 ms");
  }
  SECTION("nobody listens") {
    server.listener.reset();
    Inquiry inquiry(loop, options, questions, 20s, done);
    REQUIRE(until(loop, [&] { return outcome.has_value(); }));
    CHECK(outcome->failure.ends_with("Connection refused"));
  }
}

TEST_CASE("tandemctl asks the T-Servers of the file", "[ctl]") {
  Site site;
  CtlOptions options;
  options.config = site.config();
  SECTION("status") {
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    CHECK(result.out == table({{"APPLICATION", "ADDRESS", "ROLE", "EPOCH", "SYNC", "LINKS", "CALLS", "CLIENTS", "DNS",
                                "VERSION", "UP SINCE"},
                               {"TServer_1", site.address(), "primary", "7", "-", "1/2", "3", "4", "5", "0.1.0",
                                "2023-11-14T22:13:20Z"}}));
  }
  SECTION("switchover without anybody to take the role") {
    options.verb = CtlOptions::Verb::Switchover;
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 1);
    CHECK(result.err == "tandemctl: TServer_1 stays primary: no backup T-Server answers\n");
  }
  SECTION("switchover by force, without anybody to take the role") {
    options.verb = CtlOptions::Verb::Switchover;
    options.force = true;
    const CtlResult result = run_ctl(options);
    CHECK(result.err.empty());
    CHECK(result.out == "TServer_1 gives its role up, no backup T-Server answers\n");
    CHECK(result.exit_code == 0);
  }
  SECTION("status of a server that isn't there") {
    site.stop();
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 1);
    CHECK(result.out.find("TServer_1    " + site.address() + "  not reached\n") != std::string::npos);
    CHECK(result.err.starts_with("tandemctl: TServer_1: " + site.address() + " not reached: "));
    CHECK(result.err.ends_with("Connection refused\n"));
  }
  SECTION("dns") {
    options.verb = CtlOptions::Verb::Dns;
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 0);
    CHECK(result.out ==
          "DN                       TYPE           STATE                         CALLS\n"
          "sip:alice@tandem.test    Extension      in service                    0071024a1b2c3d4e connected\n"
          "sip:bob@tandem.test      Extension      out of service                0071024a1b2c3d4e connected+dialing\n"
          "sip:carol@tandem.test    Extension      refused: TERR_NOT_CONFIGURED\n"
          "sip:support@tandem.test  Routing Point  in service                    0071024a1b2c3d4f queued\n");
  }
  SECTION("calls") {
    options.verb = CtlOptions::Verb::Calls;
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 0);
    CHECK(result.out ==
          "CONNID            TYPE     PARTIES\n"
          "0071024a1b2c3d4e  Inbound  sip:alice@tandem.test connected, sip:bob@tandem.test connected+dialing\n"
          "0071024a1b2c3d4f           sip:support@tandem.test queued\n");
  }
  SECTION("agents") {
    options.verb = CtlOptions::Verb::Agents;
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 0);
    CHECK(result.out ==
          "AGENT  DN                     STATE            CALLS\n"
          "1001   sip:alice@tandem.test  after-call work  0071024a1b2c3d4e connected\n");
  }
  SECTION("an application that the file does not have") {
    options.app = "TServer_9";
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 1);
    CHECK(result.err == "tandemctl: " + site.config() + " has no T-Server named TServer_9\n");
  }
  SECTION("check") {
    options.verb = CtlOptions::Verb::Check;
    CHECK(run_ctl(options).exit_code == 0);
    options.app = "TServer_9";
    CHECK(run_ctl(options).exit_code == 1);
    std::ofstream(site.config()) << "applications: [";
    options.app.clear();
    const CtlResult result = run_ctl(options);
    CHECK(result.exit_code == 1);
    CHECK(result.err.find("env.yaml:1: fatal: ") != std::string::npos);
  }
}

TEST_CASE("Command line of tandemctl", "[ctl]") {
  const auto refused = [](const std::vector<std::string>& arguments) {
    const auto options = parse_ctl_options(arguments);
    REQUIRE(!options.has_value());
    return options.error().text;
  };
  CHECK(refused({"--config", "f"}) == "expected one of status, check, calls, agents, dns, switchover, drain, stop");
  CHECK(refused({"--config", "f", "end"}) ==
        R"(expected one of status, check, calls, agents, dns, switchover, drain, stop, not "end")");
  CHECK(refused({"--config", "f", "stop"}) == "stop needs --app NAME");
  CHECK(refused({"--config", "f", "--app", "a", "drain", "--force"}) == "--force goes with stop and switchover");
  CHECK(refused({"--config", "f", "status", "dns"}) ==
        R"(expected one of status, check, calls, agents, dns, switchover, drain, stop, not "dns")");
  CHECK(refused({"status"}) == "--config FILE is missing");
  CHECK(refused({"--config", "f", "status", "--timeout", "0"}) == "--timeout: expected seconds, at most 3600");
  const auto options = parse_ctl_options({"-config", "f", "-app", "a", "calls"});
  REQUIRE(options.has_value());
  CHECK(options->config == "f");
  CHECK(options->app == "a");
  CHECK(options->verb == CtlOptions::Verb::Calls);
}
