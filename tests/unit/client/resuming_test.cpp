// A client whose session outlives its connection, with servers that say what a T-Server would.
#include <catch2/catch.hpp>

#include "fake_server.h"
#include "tserver/client/client.h"

using namespace tandem;
using namespace tandem::client;
using namespace tandem::client::test;

namespace {

struct App {
  App(net::EventLoop& loop, const std::vector<std::uint16_t>& ports)
      : client(
            loop, with(ports), [this](const tlib::Message& event) { events.push_back(event); },
            [this](const std::string& line) { trouble.push_back(line); }) {
    client.open();
  }
  static ClientOptions with(const std::vector<std::uint16_t>& ports) {
    ClientOptions options;
    options.resume = true;
    for (const std::uint16_t port : ports) options.servers.push_back({"127.0.0.1", port});
    options.backoff = {.first = 1ms, .limit = 20ms};
    return options;
  }
  // "EventServerConnected EventLinkConnected:1 ..."
  std::string heard() const {
    std::string all;
    for (const tlib::Message& one : events) {
      all += (all.empty() ? "" : " ") + tlib::MessageType_Name(one.type());
      if (one.has_streamnumber()) all += ":" + std::to_string(one.streamnumber());
    }
    return all;
  }
  std::vector<tlib::Message> events;
  std::vector<std::string> trouble;
  Client client;
};

tlib::Message query() {
  tlib::Message request;
  request.set_type(tlib::RequestQueryServer);
  return request;
}

std::string token_of(const tlib::Message& request) {
  return R"(,"SessionToken":")" + request.sessiontoken() + R"(")";
}
std::string reference_of(const tlib::Message& request) {
  return R"("ReferenceID":)" + std::to_string(request.referenceid());
}

// A new session, which is kept for so long.
auto opens(int kept_ms = 30000) {
  return [kept_ms](FakeServer::Session& session, const tlib::Message& request) {
    if (request.type() != tlib::RequestRegisterClient) return;
    session.send(R"({"event":"EventLinkConnected","ServerRole":"ServerRolePrimary","StreamNumber":1,)" +
                 reference_of(request) + token_of(request) + R"(,"SessionKept":)" + std::to_string(kept_ms) + "}");
  };
}
void resumes(FakeServer::Session& session, const tlib::Message& request) {
  if (request.type() != tlib::RequestRegisterClient) return;
  session.send(R"({"event":"EventSessionResumed",)" + reference_of(request) + token_of(request) +
               R"(,"SessionKept":30000})");
}
void is_backup(FakeServer::Session& session, const tlib::Message& request) {
  if (request.type() != tlib::RequestRegisterClient) return;
  session.send(R"({"event":"EventLinkDisconnected","ServerRole":"ServerRoleBackup","StreamNumber":1,)" +
               reference_of(request) + "}");
}

}  // namespace

TEST_CASE("a lost connection is made anew, the session goes on, and the application hears nothing of it") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = opens();
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.heard() == "EventServerConnected EventLinkConnected:1"; }));
  const tlib::Message opened = server.session().received.at(0);
  CHECK(opened.sessiontoken().size() == 32);
  CHECK(opened.sessionattempt() == 1);
  CHECK_FALSE(opened.has_streamnumber());

  const auto first = app.client.send(query());
  const auto second = app.client.send(query());
  REQUIRE(until(loop, [&] { return server.session().received.size() == 3; }));
  CHECK(server.session().received[1].requestid() == 1);
  CHECK(server.session().received[1].streamnumber() == 1);
  server.session().send(R"({"event":"EventServerInfo","StreamNumber":2,"ReferenceID":)" + std::to_string(first) + "}");
  REQUIRE(until(loop, [&] { return app.events.size() == 3; }));

  server.on_request = resumes;
  server.session().connection->close("cut");
  REQUIRE(until(loop, [&] { return server.sessions.size() == 2 && server.session(1).received.size() == 2; }));
  CHECK(app.client.connected());
  const tlib::Message& again = server.session(1).received[0];
  CHECK(again.sessiontoken() == opened.sessiontoken());
  CHECK(again.sessionattempt() == 2);
  CHECK(again.streamnumber() == 2);
  // What has no answer is sent again, as it was.
  CHECK(server.session(1).received[1].requestid() == 2);
  CHECK(server.session(1).received[1].referenceid() == second);

  server.session(1).send(R"({"event":"EventRinging","StreamNumber":2})");  // had already
  server.session(1).send(R"({"event":"EventServerInfo","StreamNumber":3,"ReferenceID":)" + std::to_string(second) +
                         "}");
  REQUIRE(until(loop, [&] { return app.events.size() == 4; }));
  CHECK(app.heard() == "EventServerConnected EventLinkConnected:1 EventServerInfo:2 EventServerInfo:3");

  // What is confirmed by nothing else is confirmed after a while.
  REQUIRE(until(loop, [&] { return server.session(1).received.size() == 3; }));
  CHECK(to_json_line(server.session(1).received[2]) == R"({"message":"ConfirmEvents","StreamNumber":3})");

  app.client.close();
  REQUIRE(until(loop, [&] { return server.session(1).closed.has_value() && app.events.size() == 5; }));
  CHECK(server.session(1).received.back().type() == tlib::EndSession);
  CHECK(app.events.back().type() == tlib::EventServerDisconnected);
  CHECK(app.events.back().errormessage() == "closed by the application");
}

TEST_CASE("what is asked while there is no connection waits for the next one") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = opens();
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  server.on_request = nullptr;
  server.session().connection->close("cut");
  REQUIRE(until(loop, [&] { return server.sessions.size() == 2 && server.session(1).received.size() == 1; }));
  CHECK(app.client.send(query()) > 0);
  resumes(server.session(1), server.session(1).received[0]);
  REQUIRE(until(loop, [&] { return server.session(1).received.size() == 2; }));
  CHECK(server.session(1).received[1].requestid() == 1);
}

TEST_CASE("a session that can't be resumed is a loss, and what was asked in it is asked no more") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = opens();
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  app.client.send(query());
  server.session().connection->close("cut");
  REQUIRE(until(loop, [&] { return app.events.size() == 5; }));
  CHECK(app.heard() ==
        "EventServerConnected EventLinkConnected:1 EventServerDisconnected EventServerConnected EventLinkConnected:1");
  CHECK(app.events[2].errormessage() == "the session could not be resumed");
  app.client.send(query());
  REQUIRE(until(loop, [&] { return server.session(1).received.size() == 2; }));
  CHECK(server.session(1).received[1].requestid() == 1);
}

TEST_CASE("a gap in the stream ends the session: it can't be trusted any more") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = opens();
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  server.session().send(R"({"event":"EventRinging","StreamNumber":3})");
  REQUIRE(until(loop, [&] { return app.events.size() == 5; }));
  CHECK(app.events[2].errormessage() == "events are missing before number 3");
  CHECK(server.session(1).received[0].sessiontoken() != server.session(0).received[0].sessiontoken());
}

TEST_CASE("who isn't let back in time has no session any more") {
  net::EventLoop loop;
  FakeServer server(loop);
  server.on_request = opens(50);
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  server.on_request = nullptr;  // takes connections, says nothing
  server.session().connection->close("cut");
  REQUIRE(until(loop, [&] { return app.events.size() == 3; }));
  CHECK(app.events[2].type() == tlib::EventServerDisconnected);
  CHECK(app.events[2].errormessage() == "not resumed within 50 ms");
  CHECK_FALSE(app.client.connected());
  server.on_request = opens(50);
  REQUIRE(until(loop, [&] { return app.events.size() == 5; }));
}

TEST_CASE("a server that keeps no session gives one that ends with its connection") {
  net::EventLoop loop;
  FakeServer server(loop);  // says nothing of SessionToken
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  app.client.send(query());
  REQUIRE(until(loop, [&] { return server.session().received.size() == 2; }));
  CHECK_FALSE(server.session().received[1].has_requestid());
  server.session().connection->close("gone");
  REQUIRE(until(loop, [&] { return app.events.size() == 5; }));
  CHECK(app.heard() ==
        "EventServerConnected EventLinkConnected EventServerDisconnected EventServerConnected EventLinkConnected");
}

TEST_CASE("of a pair the primary has the session, and the other one when it says that it is primary now (MMC-92)") {
  net::EventLoop loop;
  auto first = std::make_unique<FakeServer>(loop);
  FakeServer second(loop);
  first->on_request = opens();
  second.on_request = is_backup;
  App app(loop, {first->port(), second.port()});
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  REQUIRE(until(loop, [&] { return second.sessions.size() == 1 && !second.session().received.empty(); }));
  app.client.send(query());
  REQUIRE(until(loop, [&] { return first->session().received.size() == 2; }));
  const std::string token = first->session().received[0].sessiontoken();

  second.on_request = resumes;
  SECTION("the primary dies") {
    first.reset();
  }
  SECTION("the primary hangs: nobody knows yet") {}
  net::Timer soon(loop);  // the backup hears of it in its own time
  soon.start_in(
      20ms, [&] { second.session().send(R"({"event":"EventLinkDisconnected","ServerRole":"ServerRolePrimary"})"); });
  const auto at_second = [&] { return second.session().received.size(); };
  REQUIRE(until(loop, [&] { return at_second() >= 2 && second.session().received.back().has_requestid(); }));
  const tlib::Message& asked = second.session().received[at_second() - 2];
  CHECK(asked.type() == tlib::RequestRegisterClient);
  CHECK(asked.sessiontoken() == token);
  CHECK(asked.streamnumber() == 1);
  CHECK(second.session().received.back().requestid() == 1);
  second.session().send(R"({"event":"EventLinkConnected","ServerRole":"ServerRolePrimary","StreamNumber":2})");
  REQUIRE(until(loop, [&] { return app.events.size() == 3; }));
  CHECK(app.heard() == "EventServerConnected EventLinkConnected:1 EventLinkConnected:2");
}
