// Links over loopback sockets, to Connectors played by the test.
#include "tserver/links/links.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "common/net/listener.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

struct Lines final : Logger {
  bool enabled(LogLevel level) const override { return level == LogLevel::Standard; }
  void write(LogLevel level, std::string_view line) override {
    if (level == LogLevel::Standard) lines.emplace_back(line);
  }
  bool has(const std::string& part) const {
    for (const auto& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
  std::vector<std::string> lines;
};

// One connection of a T-Server, at the Connector's end.
struct Visit final : net::Connection::Handler {
  explicit Visit(net::ConnectionPtr made) : connection(std::move(made)) { connection->start(*this); }
  ~Visit() override { connection->detach(); }
  void on_frame(std::string_view frame) override {
    link::Envelope envelope;
    REQUIRE(envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
    // Polls come when they like.
    if (envelope.has_addp_poll()) {
      ++polls;
    } else {
      received.push_back(envelope);
    }
  }
  void on_closed(net::CloseReason, const std::string&) override { closed = true; }
  void send(link::Envelope envelope) {
    envelope.set_sequence(++sequence);
    net::send_message(*connection, envelope);
  }
  void come_up(std::uint32_t major = link_major) {
    link::Envelope hello;
    hello.mutable_hello()->set_major(major);
    hello.mutable_hello()->set_application("Connector_1");
    hello.mutable_hello()->set_incarnation(3);
    send(hello);
    link::Envelope snapshot;
    snapshot.mutable_snapshot();
    send(snapshot);
  }
  net::ConnectionPtr connection;
  std::vector<link::Envelope> received;
  std::uint64_t sequence = 0;
  std::size_t polls = 0;
  bool closed = false;
};

struct Connector {
  explicit Connector(net::EventLoop& loop, std::uint16_t number = 0) {
    auto opened = net::Listener::open(
        loop, {.port = number},
        [this](net::ConnectionPtr made) { visits.push_back(std::make_unique<Visit>(std::move(made))); },
        [](const std::string&) {});
    REQUIRE(opened.has_value());
    listener = std::move(*opened);
  }
  std::uint16_t port() const { return listener->port(); }
  Visit& last() { return *visits.back(); }
  std::unique_ptr<net::Listener> listener;
  std::deque<std::unique_ptr<Visit>> visits;
};

struct Fixture {
  Fixture()
      : links(loop, log, {"TServer_1", "0.1", link::ROLE_PRIMARY, 77}, [this](Input input) {
          if (auto* up = std::get_if<LinkUp>(&input)) ups.push_back(*up);
          if (auto* down = std::get_if<LinkDown>(&input)) downs.push_back(*down);
          if (auto* happened = std::get_if<Happened>(&input)) happenings.push_back(*happened);
        }) {}
  static LinkOptions to(std::uint16_t port) {
    return {.name = "connector1", .connector = {"127.0.0.1", port}, .reconnect = {.first = 1ms, .limit = 10ms}};
  }
  bool until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (loop.context().run_one_until(deadline) == 0) return false;
    }
    return true;
  }
  net::EventLoop loop;
  Lines log;
  std::vector<LinkUp> ups;
  std::vector<LinkDown> downs;
  std::vector<Happened> happenings;
  Links links;
};

Order order(LinkNo link, std::uint64_t id) {
  Order order{link, {}};
  order.command.set_id(id);
  order.command.mutable_release();
  return order;
}

}  // namespace

TEST_CASE("a link comes up, carries both ways, comes back when lost, and says goodbye") {
  Fixture f;
  auto connector = std::make_unique<Connector>(f.loop);
  const std::uint16_t port = connector->port();
  f.links.set(2, Fixture::to(port));
  REQUIRE(f.until([&] { return !connector->visits.empty(); }));
  f.links.order(order(2, 1));  // not up yet: lost
  connector->last().come_up();
  REQUIRE(f.until([&] { return f.ups.size() == 1; }));
  CHECK(f.ups[0].link == 2);
  CHECK(f.ups[0].hello.incarnation() == 3);

  for (std::uint64_t i = 1; i <= 100; ++i) {
    link::Envelope envelope;
    envelope.mutable_happening()->set_conversation(i);
    connector->last().send(envelope);
    f.links.order(order(2, i + 1));
  }
  REQUIRE(f.until([&] { return f.happenings.size() == 100 && connector->last().received.size() == 101; }));
  CHECK(f.happenings[99].happening.conversation() == 100);
  CHECK(f.happenings[99].link == 2);
  const auto& received = connector->last().received;
  CHECK(received[0].hello().application() == "TServer_1");
  for (std::size_t i = 0; i < received.size(); ++i) {
    if (i > 0) CHECK(received[i].sequence() > received[i - 1].sequence());
    CHECK(received[i].epoch() == 77);
    if (i > 0) CHECK(received[i].command().id() == i + 1);
  }

  connector.reset();
  REQUIRE(f.until([&] { return f.downs.size() == 1; }));
  CHECK(f.downs[0].link == 2);
  connector = std::make_unique<Connector>(f.loop, port);
  REQUIRE(f.until([&] { return !connector->visits.empty(); }));
  connector->last().come_up();
  REQUIRE(f.until([&] { return f.ups.size() == 2; }));
  CHECK(connector->last().received.empty() == false);
  CHECK(connector->last().received[0].sequence() == 1);

  f.links.stop("the T-Server stops");
  REQUIRE(f.until([&] { return connector->last().closed && f.downs.size() == 2; }));
  CHECK(connector->last().received.back().goodbye().reason() == link::Goodbye::SHUTDOWN);
  CHECK(f.downs[1].why == "the T-Server stops");
  CHECK(f.links.connected() == 0);
}

TEST_CASE("a Connector of another major version is refused, told, and tried again") {
  Fixture f;
  Connector connector(f.loop);
  f.links.set(0, Fixture::to(connector.port()));
  REQUIRE(f.until([&] { return !connector.visits.empty(); }));
  connector.last().come_up(9);
  REQUIRE(f.until([&] { return connector.visits[0]->closed; }));
  CHECK(connector.visits[0]->received.back().goodbye().reason() == link::Goodbye::WRONG_VERSION);
  CHECK(connector.visits[0]->received.back().goodbye().text() ==
        "this T-Server speaks version 1 of the CTI link, not 9");
  REQUIRE(f.until([&] { return connector.visits.size() == 2; }));
  CHECK(f.log.has("this T-Server speaks version 1 of the CTI link, not 9"));
  CHECK(f.ups.empty());
  CHECK(f.downs.empty());
  connector.last().come_up();
  REQUIRE(f.until([&] { return f.ups.size() == 1; }));
}

TEST_CASE("a link configured anew is dropped and rebuilt, one configured alike stays, one removed stays away") {
  Fixture f;
  Connector first(f.loop);
  Connector second(f.loop);
  f.links.set(0, Fixture::to(first.port()));
  REQUIRE(f.until([&] { return first.visits.size() == 1; }));
  first.last().come_up();
  REQUIRE(f.until([&] { return f.ups.size() == 1; }));
  f.links.set(0, Fixture::to(first.port()));
  f.links.order(order(0, 5));
  REQUIRE(f.until([&] { return first.last().received.size() == 2; }));
  CHECK(f.downs.empty());

  f.links.set(0, Fixture::to(second.port()));
  REQUIRE(f.until([&] { return f.downs.size() == 1 && second.visits.size() == 1; }));
  CHECK(first.last().received.back().has_goodbye());
  second.last().come_up();
  REQUIRE(f.until([&] { return f.ups.size() == 2; }));
  CHECK(first.visits.size() == 1);

  f.links.remove(0);
  REQUIRE(f.until([&] { return f.downs.size() == 2 && second.last().closed; }));
  net::Timer later(f.loop);
  bool passed = false;
  later.start_in(100ms, [&] { passed = true; });
  REQUIRE(f.until([&] { return passed; }));
  CHECK(second.visits.size() == 1);
}

TEST_CASE("a frame that is no envelope ends the link with a goodbye") {
  Fixture f;
  Connector connector(f.loop);
  f.links.set(0, Fixture::to(connector.port()));
  REQUIRE(f.until([&] { return !connector.visits.empty(); }));
  connector.last().come_up();
  REQUIRE(f.until([&] { return f.ups.size() == 1; }));
  connector.last().connection->send("\xff\xff\xff");
  REQUIRE(f.until([&] { return f.downs.size() == 1 && connector.visits[0]->closed; }));
  CHECK(connector.visits[0]->received.back().goodbye().reason() == link::Goodbye::PROTOCOL_ERROR);
}

TEST_CASE("a Connector that falls silent is given up") {
  Fixture f;
  Connector connector(f.loop);
  LinkOptions options = Fixture::to(connector.port());
  options.addp_timeout = 60ms;
  f.links.set(0, options);
  REQUIRE(f.until([&] { return !connector.visits.empty(); }));
  connector.last().come_up();
  REQUIRE(f.until([&] { return f.downs.size() == 1; }));
  CHECK(f.downs[0].why == "no sign of life for 60 ms");
  CHECK(connector.visits[0]->polls > 0);
  REQUIRE(f.until([&] { return connector.visits.size() == 2; }));
}
