#include "tserver/client/client.h"

#include <catch2/catch.hpp>

#include "../net/certificates.h"
#include "fake_server.h"
#include "messages.h"
#include "tserver/client/connect.h"

using namespace tandem;
using namespace tandem::client;
using namespace tandem::client::test;

namespace {

// An application that keeps all it hears.
struct App {
  App(net::EventLoop& loop, std::vector<std::uint16_t> ports, ClientOptions options = {})
      : client(
            loop, with(std::move(options), ports),
            [this](const tlib::Message& event) {
              events.push_back(event);
              if (on_event) on_event(event);
            },
            [this](const std::string& line) { trouble.push_back(line); }) {
    client.open();
  }
  static ClientOptions with(ClientOptions options, const std::vector<std::uint16_t>& ports) {
    for (const std::uint16_t port : ports) options.servers.push_back({"127.0.0.1", port});
    options.backoff = {.first = 1ms, .limit = 20ms};
    return options;
  }
  std::size_t count(tlib::MessageType type) const {
    return static_cast<std::size_t>(std::ranges::count(events, type, &tlib::Message::type));
  }
  std::vector<tlib::Message> events;
  std::vector<std::string> trouble;
  std::function<void(const tlib::Message&)> on_event;
  Client client;
};

tlib::Message query() {
  tlib::Message request;
  request.set_type(tlib::RequestQueryServer);
  return request;
}

// A port on which nobody listens.
std::uint16_t dead_port(net::EventLoop& loop) {
  return FakeServer(loop).port();
}

}  // namespace

TEST_CASE("A session: registration, events, rising reference ids, end (LTB: EventServerConnected is the library's)") {
  net::EventLoop loop;
  FakeServer server(loop);
  ClientOptions options;
  options.application = "desk";
  options.password = "secret";
  App app(loop, {server.port()}, options);
  CHECK(app.client.send(query()) == 0);  // no session yet
  REQUIRE(until(loop, [&] { return app.events.size() == 2; }));
  CHECK(app.client.connected());

  const tlib::Message& opened = server.session().received.at(0);
  CHECK(to_json_line(opened) ==
        R"({"request":"RequestRegisterClient","ProtocolVersion":"tserver protocol 4.2","ReferenceID":1,)"
        R"("ApplicationName":"desk","ApplicationPassword":"secret"})");
  CHECK(app.events[0].type() == tlib::EventServerConnected);
  CHECK(app.events[0].host() == "127.0.0.1");
  CHECK(app.events[0].port() == server.port());
  CHECK(app.events[0].timeinsecs() > 0);
  CHECK(to_json_line(app.events[1]) == R"({"event":"EventLinkConnected","ReferenceID":1,"SessionID":1})");

  CHECK(app.client.send(query()) == 2);
  CHECK(app.client.send(query()) == 3);
  auto own = query();
  own.set_referenceid(77);
  CHECK(app.client.send(own) == 77);
  CHECK(app.client.send(query()) == 4);
  REQUIRE(until(loop, [&] { return server.session().received.size() == 5; }));
  CHECK(server.session().received[2].referenceid() == 3);

  app.client.close();
  REQUIRE(until(loop, [&] { return app.events.size() == 3 && server.session().closed.has_value(); }));
  CHECK(app.events[2].type() == tlib::EventServerDisconnected);
  CHECK(app.events[2].errormessage() == "closed by the application");
  CHECK(!app.client.connected());
  CHECK(app.trouble.empty());
}

TEST_CASE("Of several servers the next is tried, and after a loss the session is made anew") {
  net::EventLoop loop;
  FakeServer server(loop);
  App app(loop, {dead_port(loop), server.port()});
  REQUIRE(until(loop, [&] { return app.client.connected(); }));
  REQUIRE(app.trouble.size() == 1);
  CHECK(app.trouble[0].ends_with("Connection refused"));

  server.session().connection->close("gone");
  REQUIRE(until(loop, [&] { return app.count(tlib::EventServerConnected) == 2; }));
  REQUIRE(app.events.size() >= 4);
  CHECK(app.events[2].type() == tlib::EventServerDisconnected);
  CHECK(app.events[2].errormessage() == "closed by the other side");
  CHECK(app.events[3].type() == tlib::EventServerConnected);
  CHECK(server.session(1).received.at(0).referenceid() > server.session(0).received.at(0).referenceid());
}

TEST_CASE("A server that refuses the session is heard, and asked again (LTB: TERR_PROTO_VERS)") {
  net::EventLoop loop;
  FakeServer server(loop);
  int asked = 0;
  server.on_request = [&](FakeServer::Session& session, const tlib::Message& request) {
    if (++asked > 1) return FakeServer::accept(session, request);
    session.send(R"({"event":"EventError","ReferenceID":1,"ErrorCode":55,"ErrorMessage":"speak version 2"})");
  };
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.client.connected(); }));
  CHECK(app.events.at(0).errorcode() == tlib::TERR_PROTO_VERS);
  CHECK(app.events.at(1).type() == tlib::EventServerConnected);
  CHECK(app.count(tlib::EventServerDisconnected) == 0);
  CHECK(app.trouble ==
        std::vector<std::string>{"127.0.0.1:" + std::to_string(server.port()) + ": refused: 55 speak version 2"});
}

TEST_CASE("Heartbeats are answered, and a silent server is given up (ADDP)") {
  net::EventLoop loop;
  FakeServer server(loop);
  ClientOptions options;
  SECTION("polls are answered with what they carry") {
    App app(loop, {server.port()}, options);
    REQUIRE(until(loop, [&] { return app.client.connected(); }));
    server.session().send(R"({"message":"AddpPoll","RequestID":4711})");
    REQUIRE(until(loop, [&] { return server.session().received.size() == 2; }));
    CHECK(to_json_line(server.session().received[1]) == R"({"message":"AddpAnswer","RequestID":4711})");
    CHECK(app.events.size() == 2);  // heartbeats are no events
  }
  SECTION("silence") {
    options.addp.timeout = 20ms;
    App app(loop, {server.port()}, options);
    REQUIRE(until(loop, [&] { return app.count(tlib::EventServerDisconnected) == 1; }));
    CHECK(server.session().received.at(1).type() == tlib::AddpPoll);
    CHECK(app.events.at(2).errormessage() == "the server is silent");
  }
  SECTION("a server that never takes the session") {
    server.on_request = nullptr;
    options.open_timeout = 20ms;
    App app(loop, {server.port()}, options);
    REQUIRE(until(loop, [&] { return app.trouble.size() == 2; }));
    CHECK(app.trouble[0].ends_with("no answer to RequestRegisterClient"));
    CHECK(app.events.empty());
  }
}

TEST_CASE("What is not a T-Library message ends the session") {
  net::EventLoop loop;
  FakeServer server(loop);
  App app(loop, {server.port()});
  REQUIRE(until(loop, [&] { return app.client.connected(); }));
  SECTION("bytes that are no message") {
    server.session().connection->send("\xff\xff\xff");
  }
  SECTION("a message without a type") {
    server.session().connection->send("");
  }
  REQUIRE(until(loop, [&] { return app.count(tlib::EventServerDisconnected) == 1; }));
  CHECK(app.events.at(2).errormessage() == "received what is not a T-Library message");
}

TEST_CASE("The handler may close the session at any event") {
  net::EventLoop loop;
  FakeServer server(loop);
  App app(loop, {server.port()});
  tlib::MessageType at = tlib::EventServerConnected;
  SECTION("at EventServerConnected") {
    at = tlib::EventServerConnected;
  }
  SECTION("at EventLinkConnected") {
    at = tlib::EventLinkConnected;
  }
  app.on_event = [&](const tlib::Message& event) {
    if (event.type() == at) app.client.close();
  };
  REQUIRE(until(loop, [&] { return app.count(tlib::EventServerDisconnected) == 1; }));
  CHECK(app.count(tlib::EventServerConnected) == 1);
  app.on_event = nullptr;
  app.client.open();
  REQUIRE(until(loop, [&] { return app.client.connected(); }));
}

TEST_CASE("Sessions over mutual TLS") {
  net::EventLoop loop;
  tandem::test::Certificates certificates;
  FakeServer server(loop, tandem::test::context(net::TlsSide::Server, certificates.make("ca", "tserver1")));
  const auto files = certificates.make("ca", "client");
  auto tls = tls_context({.on = true, .ca = files.ca, .certificate = files.certificate, .key = files.key});
  REQUIRE(tls.has_value());
  ClientOptions options;
  options.tls = *tls;
  App app(loop, {server.port()}, options);
  REQUIRE(until(loop, [&] { return app.client.connected(); }));
  CHECK(server.session().connection->peer_name() == "client");

  const auto missing = tls_context({.on = true, .ca = "/nonexistent/ca.pem"});
  REQUIRE(!missing.has_value());
  CHECK(missing.error().text.find("/nonexistent/ca.pem") != std::string::npos);
}

TEST_CASE("Server lists of a command line") {
  const auto servers = parse_servers("127.0.0.1:7000,[::1]:7010,tserver.example:65535");
  REQUIRE(servers.has_value());
  REQUIRE(servers->size() == 3);
  CHECK((*servers)[1].host == "::1");
  CHECK((*servers)[1].port == 7010);
  CHECK((*servers)[2].host == "tserver.example");
  for (const char* bad : {"", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "a:1,", "::1:7000", "a:-1"}) {
    INFO(bad);
    const auto refused = parse_servers(bad);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().text == "expected HOST:PORT[,HOST:PORT], not \"" + std::string(bad) + "\"");
  }
}
