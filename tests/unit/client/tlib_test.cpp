#include "tserver/client/tlib.h"

#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "fake_server.h"
#include "messages.h"
#include "tserver/client/tlib_options.h"

using namespace tandem;
using namespace tandem::client;
using namespace tandem::client::test;

namespace {

// Both ends of a pipe.
class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_.data()) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    ::close(ends_[0]);
    close();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reader() const { return ends_[0]; }
  void write(const std::string& text) {
    if (::write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("pipe");
  }
  void close() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }

 private:
  std::array<int, 2> ends_{};
};

// The program, run on this loop with a pipe for its input.
struct Program {
  Program(net::EventLoop& loop, FakeServer& server, std::vector<std::string> more = {}, bool fatal = true) {
    std::vector<std::string> arguments{"--connect", "127.0.0.1:" + std::to_string(server.port())};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto options = parse_tlib_options(arguments);
    REQUIRE(options.has_value());
    Routes routes;
    for (const auto& route : options->routes) REQUIRE(!routes.add(route));
    TlibStreams streams;
    streams.input = input.reader();
    streams.output = [this](const std::string& line) { output.push_back(line); };
    streams.complaints = [this](const std::string& line) { complaints.push_back(line); };
    streams.fatal = fatal;
    program = std::make_unique<Tlib>(loop, std::move(*options), nullptr, std::move(routes), std::move(streams));
    program->start();
  }
  Pipe input;
  std::vector<std::string> output, complaints;
  std::unique_ptr<Tlib> program;
};

bool has(const std::vector<std::string>& lines, const std::string& part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("Registrations first, then the lines, then the end", "[tlib]") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = [](FakeServer::Session& session, const tlib::Message& request) {
    FakeServer::accept(session, request);
    if (request.type() == tlib::RequestMakeCall) {
      session.send(R"({"event":"EventDialing","ConnID":"0071024a1b2c3d4e","ThisDN":"a","ReferenceID":)" +
                   std::to_string(request.referenceid()) + "}");
      session.send(R"({"event":"EventEstablished","ConnID":"0071024a1b2c3d4e","ThisDN":"a"})");
    }
    if (request.type() == tlib::RequestReleaseCall) {
      session.send(R"({"event":"EventError","ErrorCode":56,"ReferenceID":)" + std::to_string(request.referenceid()) +
                   "}");
    }
  };
  Program tlib(loop, server, {"--register", "a", "--register", "b", "--name", "test"});
  tlib.input.write(R"({"request":"RequestMakeCall","ThisDN":"a","OtherDN":"b"}
# and then
{"wait":"EventEstablished","ThisDN":"a"}
{"request":"RequestReleaseCall","ThisDN":"a","ConnID":"${ConnID}"})");
  tlib.input.close();
  loop.run();
  CHECK(tlib.program->exit_code() == 0);
  CHECK(tlib.complaints.empty());

  const auto& received = server.session().received;
  REQUIRE(received.size() == 5);
  CHECK(received[0].applicationname() == "test");
  CHECK(received[1].thisdn() == "a");
  CHECK(received[2].thisdn() == "b");
  CHECK(received[3].type() == tlib::RequestMakeCall);
  CHECK(received[4].connid() == 0x0071024a1b2c3d4e);
  REQUIRE(tlib.output.size() == 8);
  CHECK(tlib.output[0].starts_with(R"({"event":"EventServerConnected",)"));
  CHECK(tlib.output[2] == R"({"event":"EventRegistered","ReferenceID":2,"ThisDN":"a"})");
  CHECK(tlib.output[5] == R"({"event":"EventEstablished","ConnID":"0071024a1b2c3d4e","ThisDN":"a"})");
  CHECK(tlib.output[6] == R"({"event":"EventError","ReferenceID":5,"ErrorCode":56,"ErrorName":"TERR_INV_CONNID"})");
  CHECK(tlib.output[7].starts_with(R"({"event":"EventServerDisconnected",)"));
}

TEST_CASE("A wait in vain, or a wrong line, ends the program with 1 unless at a terminal", "[tlib]") {
  net::EventLoop loop;
  FakeServer server(loop);
  const std::string wait = R"({"wait":"EventRinging","timeout":0.01})";
  std::string line, complaint;
  SECTION("wait") {
    line = wait;
    complaint = "line 1: waited 10 ms in vain for {\"event\":\"EventRinging\"}";
  }
  SECTION("not JSON") {
    line = "hello";
    complaint = "line 1: not JSON: syntax error at column 1";
  }
  {
    Program tlib(loop, server);
    tlib.input.write(line + "\n{\"request\":\"RequestQueryServer\"}\n");
    loop.run();
    CHECK(tlib.program->exit_code() == 1);
    CHECK(tlib.complaints == std::vector<std::string>{complaint});
    CHECK(server.session().received.size() == 1);
  }
  Program tlib(loop, server, {}, false);
  tlib.input.write(line + "\n{\"request\":\"RequestQueryServer\"}\n");
  REQUIRE(until(loop, [&] { return server.sessions.size() == 2 && server.session(1).received.size() == 2; }));
  CHECK(tlib.complaints == std::vector<std::string>{complaint});
  tlib.program->stop();
  loop.run();
  CHECK(tlib.program->exit_code() == 0);
}

TEST_CASE("Routing mode answers route requests of its routing points, and registers anew after a loss", "[tlib]") {
  net::EventLoop loop;
  FakeServer server(loop);
  Program tlib(loop, server, {"--route", "rp=x,y", "--register", "z", "--linger", "inf"});
  const auto ask = [](FakeServer::Session& session) {
    session.send(R"({"event":"EventRouteRequest","ConnID":"0000000000000001","ThisDN":"rp"})");
  };
  const auto received = [&](std::size_t session, std::size_t count) {
    return [&server, session, count] {
      return server.sessions.size() > session && server.session(session).received.size() >= count;
    };
  };
  REQUIRE(until(loop, received(0, 3)));
  ask(server.session());
  ask(server.session());
  REQUIRE(until(loop, received(0, 5)));
  CHECK(server.session().received[3].otherdn() == "x");
  CHECK(server.session().received[4].otherdn() == "y");
  server.session().connection->close("restart");
  REQUIRE(until(loop, received(1, 3)));
  CHECK(has(tlib.complaints, "connection lost: closed by the other side"));
  ask(server.session(1));
  REQUIRE(until(loop, received(1, 4)));
  CHECK(server.session(1).received[3].otherdn() == "x");
}

TEST_CASE("The linger hears what comes late; answers due are waited for without it", "[tlib]") {
  net::EventLoop loop;
  FakeServer server(loop);
  net::Timer later(loop);
  SECTION("an answer due") {
    server.on_request = [&](FakeServer::Session& session, const tlib::Message& request) {
      FakeServer::accept(session, request);
      if (request.type() != tlib::RequestQueryServer) return;
      later.start_in(30ms, [&session, reference = request.referenceid()] {
        session.send(R"({"event":"EventServerInfo","ReferenceID":)" + std::to_string(reference) + "}");
      });
    };
    Program tlib(loop, server);
    tlib.input.write("{\"request\":\"RequestQueryServer\"}\n");
    tlib.input.close();
    loop.run();
    CHECK(has(tlib.output, "EventServerInfo"));
    CHECK(tlib.program->exit_code() == 0);
  }
  SECTION("linger") {
    Program tlib(loop, server, {"--linger", "0.2", "--pretty"});
    tlib.input.close();
    REQUIRE(until(loop, [&] { return !server.sessions.empty(); }));
    later.start_in(30ms, [&] { server.session().send(R"({"event":"EventRinging"})"); });
    loop.run();
    CHECK(has(tlib.output, "EventRinging"));
    CHECK(tlib.output[0].starts_with("time "));
    CHECK(tlib.program->exit_code() == 0);
  }
}

TEST_CASE("No server, and registrations refused", "[tlib]") {
  net::EventLoop loop;
  FakeServer server(loop);
  SECTION("nobody there") {
    Program tlib(loop, server, {"--connect-timeout", "0.3"});
    server.listener.reset();
    loop.run();
    CHECK(tlib.program->exit_code() == 1);
    REQUIRE(tlib.complaints.size() == 1);
    CHECK(tlib.complaints[0].ends_with("Connection refused"));
    CHECK(tlib.output.empty());
  }
  SECTION("a DN that is not configured is told, the rest goes on") {
    server.on_request = [](FakeServer::Session& session, const tlib::Message& request) {
      if (request.thisdn() != "b") return FakeServer::accept(session, request);
      session.send(R"({"event":"EventError","ErrorCode":59,"ErrorMessage":"no such DN","ReferenceID":)" +
                   std::to_string(request.referenceid()) + "}");
    };
    Program tlib(loop, server, {"--register", "b"});
    tlib.input.close();
    loop.run();
    CHECK(tlib.program->exit_code() == 0);
    CHECK(tlib.complaints == std::vector<std::string>{"not registered: TERR_NOT_CONFIGURED no such DN"});
  }
}

TEST_CASE("Command line of tlib", "[tlib]") {
  const auto refused = [](std::vector<std::string> arguments) {
    const auto options = parse_tlib_options(arguments);
    REQUIRE(!options.has_value());
    return options.error().text;
  };
  CHECK(refused({}) == "--connect is missing");
  CHECK(refused({"--connect", "a:1", "--linger", "x"}) == "--linger: expected seconds or inf");
  CHECK(refused({"--connect", "a:1", "--linger", "-1"}) == "--linger: expected seconds");
  CHECK(refused({"--connect", "a:1", "--ca", "f"}) == "--ca, --cert and --key need --tls");
  CHECK(refused({"--connect", "a:1", "--tls", "--cert", "f"}) == "--cert and --key go together");
  CHECK(refused({"--connect", "a:1", "--set", "=x"}) == "--set: expected NAME=VALUE, not \"=x\"");
  CHECK(refused({"--connect", "a:1", "--conn", "b:2"}) == "unrecognised option '--conn'");
  const auto options = parse_tlib_options(
      {"--connect=h:1,i:2", "--tls", "--ca",       "A", "--cert",   "C", "--key",    "K",   "--name", "N",
       "--register",        "x",     "--register", "y", "--script", "S", "--linger", "1.5", "--set",  "a=b=c",
       "--pretty"});
  REQUIRE(options.has_value());
  CHECK(options->servers.size() == 2);
  CHECK(options->tls.key == "K");
  CHECK(options->registrations == std::vector<std::string>{"x", "y"});
  CHECK(options->linger == 1500ms);
  CHECK(options->variables == std::vector<std::pair<std::string, std::string>>{{"a", "b=c"}});
  CHECK(!parse_tlib_options({"--connect", "h:1", "--linger", "inf"})->linger);
  CHECK(parse_tlib_options({"--help"})->help);
}
