// T-Library sessions over loopback sockets.
#include "tserver/clients/clients.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "common/net/dialer.h"
#include "tserver/clients/intake.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

struct Lines final : Logger {
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view line) override {
    if (level == LogLevel::Standard) standard.emplace_back(line);
  }
  std::vector<std::string> standard;
};

struct App final : net::Connection::Handler {
  App(net::EventLoop& loop, std::uint16_t port)
      : dialer(net::Dialer::make(
            loop, {.hosts = {{"127.0.0.1", port}}},
            [this](net::ConnectionPtr made) {
              connection = std::move(made);
              connection->start(*this);
            },
            [](const std::string& line, std::chrono::milliseconds) { FAIL(line); })) {
    dialer->dial();
  }
  ~App() override {
    if (connection != nullptr) connection->detach();
  }
  void on_frame(std::string_view frame) override {
    tlib::Message message;
    REQUIRE(message.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
    received.push_back(message);
    bytes.emplace_back(frame);
    if (answers_polls && message.type() == tlib::AddpPoll) {
      net::send_message(*connection, addp_message(tlib::AddpAnswer, message.requestid()));
    }
  }
  void on_closed(net::CloseReason why, const std::string&) override { closed = why; }
  void request(tlib::MessageType type, int reference = 0) {
    tlib::Message message;
    message.set_type(type);
    if (reference != 0) message.set_referenceid(reference);
    net::send_message(*connection, message);
  }

  std::unique_ptr<net::Dialer> dialer;
  net::ConnectionPtr connection;
  std::vector<tlib::Message> received;
  std::vector<std::string> bytes;
  std::optional<net::CloseReason> closed;
  bool answers_polls = true;
};

struct Fixture {
  explicit Fixture(ClientsOptions options = {}, net::ConnectionOptions limits = {})
      : clients(loop, log, options, [this](Input input) { std::visit([this](auto& one) { keep(one); }, input); }) {
    const auto listening = clients.listen({.connection = limits});
    REQUIRE(listening.has_value());
    port = *listening;
  }
  void keep(ClientOpened& one) { opened.push_back(one); }
  void keep(ClientRequest& one) { requests.push_back(std::move(one)); }
  void keep(ClientClosed& one) { closed.push_back(one); }
  template <class Other>
  void keep(Other&) {
    FAIL("an input that isn't a client's");
  }

  App& connect() {
    App& app = *apps.emplace_back(std::make_unique<App>(loop, port));
    REQUIRE(until([&] { return app.connection && opened.size() == apps.size(); }));
    return app;
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
  std::vector<ClientOpened> opened;
  std::vector<ClientRequest> requests;
  std::vector<ClientClosed> closed;
  std::uint16_t port = 0;
  Clients clients;
  std::deque<std::unique_ptr<App>> apps;
};

std::shared_ptr<const tlib::Message> event(const std::string& dn) {
  auto made = std::make_shared<tlib::Message>();
  made->set_type(tlib::EventRinging);
  made->set_thisdn(dn);
  made->set_connid(77);
  return made;
}

tlib::Message as_received(const tlib::Message& body, std::uint64_t stream, int reference) {
  tlib::Message whole = body;
  whole.set_streamnumber(stream);
  if (reference != 0) whole.set_referenceid(reference);
  return whole;
}

}  // namespace

TEST_CASE("an event goes to each client with its own number, the ReferenceID to the requester alone") {
  Fixture f;
  App& asker = f.connect();
  App& other = f.connect();
  App& stranger = f.connect();
  const auto first = event("sip:one@tandem.test");
  const auto second = event("sip:two@tandem.test");
  f.clients.deliver({first, {f.opened[0].session, f.opened[1].session}, f.opened[0].session, 12});
  f.clients.deliver({second, {f.opened[1].session, SessionId{99}}, {}, 0});
  f.clients.deliver({second, {f.opened[0].session}, f.opened[1].session, 13});  // the requester isn't among them
  REQUIRE(f.until([&] { return asker.received.size() == 2 && other.received.size() == 2; }));
  CHECK(asker.received[0].SerializeAsString() == as_received(*first, 1, 12).SerializeAsString());
  CHECK(asker.received[1].SerializeAsString() == as_received(*second, 2, 0).SerializeAsString());
  CHECK(other.received[0].SerializeAsString() == as_received(*first, 1, 0).SerializeAsString());
  CHECK(other.received[1].SerializeAsString() == as_received(*second, 2, 0).SerializeAsString());
  CHECK(stranger.received.empty());
  // The body is the same in every copy.
  const std::string body = first->SerializeAsString();
  CHECK(asker.bytes[0].substr(asker.bytes[0].size() - body.size()) == body);
  CHECK(other.bytes[0].substr(other.bytes[0].size() - body.size()) == body);
}

TEST_CASE("requests reach the model in order, with the session they came by") {
  Fixture f;
  App& app = f.connect();
  CHECK(f.opened[0].peer == app.connection->local());
  app.request(tlib::RequestRegisterClient, 1);
  app.request(tlib::RequestRegisterAddress, 2);
  app.request(static_cast<tlib::MessageType>(999), 3);
  REQUIRE(f.until([&] { return f.requests.size() == 3; }));
  for (int i = 0; i < 3; ++i) {
    CHECK(f.requests[static_cast<std::size_t>(i)].session == f.opened[0].session);
    CHECK(f.requests[static_cast<std::size_t>(i)].message.referenceid() == i + 1);
  }
  app.connection->close("done");
  REQUIRE(f.until([&] { return f.closed.size() == 1; }));
  CHECK(f.closed[0].session == f.opened[0].session);
  CHECK(f.closed[0].why == "closed by the other side");
  CHECK(f.clients.count() == 0);
  CHECK(f.log.standard.empty());
}

TEST_CASE("what is delivered in the turn of a close still arrives") {
  Fixture f;
  App& app = f.connect();
  const auto error = event("sip:last@tandem.test");
  f.clients.close(f.opened[0].session, "wrong protocol version");
  f.clients.deliver({error, {f.opened[0].session}, f.opened[0].session, 1});
  REQUIRE(f.until([&] { return app.closed && !f.closed.empty(); }));
  REQUIRE(app.received.size() == 1);
  CHECK(app.received[0].SerializeAsString() == as_received(*error, 1, 1).SerializeAsString());
  CHECK(f.closed[0].why == "wrong protocol version");
}

TEST_CASE("a client that doesn't open its session in time is closed") {
  Fixture f({.open_timeout = 50ms});
  App& app = f.connect();
  REQUIRE(f.until([&] { return !f.closed.empty() && app.closed; }));
  CHECK(f.closed[0].why == "no RequestRegisterClient within 50 ms");
  REQUIRE(f.log.standard.size() == 1);
  CHECK(f.log.standard[0] ==
        "client 1 at " + app.connection->local() + ": closed, no RequestRegisterClient within 50 ms");
}

TEST_CASE("a client that opens its session in time stays") {
  Fixture f({.open_timeout = 100ms});
  App& app = f.connect();
  app.request(tlib::RequestRegisterClient);
  net::Timer later(f.loop);
  bool passed = false;
  later.start_in(200ms, [&] { passed = true; });
  REQUIRE(f.until([&] { return passed; }));
  CHECK(f.closed.empty());
  CHECK_FALSE(app.closed);
}

TEST_CASE("a frame that is no message is answered if it has a ReferenceID, else ends the session; others live on") {
  Fixture f;
  App& bad = f.connect();
  App& good = f.connect();
  bad.connection->send(std::string_view("\x18\x07", 2));
  REQUIRE(f.until([&] { return bad.received.size() == 1; }));
  CHECK(bad.received[0].type() == tlib::EventError);
  CHECK(bad.received[0].referenceid() == 7);
  CHECK(bad.received[0].errorcode() == tlib::TERR_UNSUP_OPER);
  CHECK(bad.received[0].streamnumber() == 1);
  bad.connection->send("\xff\xff\xff");
  REQUIRE(f.until([&] { return !f.closed.empty(); }));
  CHECK(f.closed[0].why == "malformed frame: the message can't be decoded");
  CHECK(f.log.standard.size() == 1);
  good.request(tlib::RequestQueryServer, 5);
  REQUIRE(f.until([&] { return f.requests.size() == 1; }));
  CHECK(f.requests[0].message.referenceid() == 5);
}

TEST_CASE("heartbeats go both ways, and don't count in the stream") {
  Fixture f({.addp = {.timeout = 100ms}});
  App& app = f.connect();
  app.request(tlib::RequestRegisterClient);
  net::send_message(*app.connection, addp_message(tlib::AddpPoll, 42));
  REQUIRE(f.until([&] { return app.received.size() >= 4; }));
  CHECK(app.received[0].SerializeAsString() == addp_message(tlib::AddpAnswer, 42).SerializeAsString());
  CHECK(app.received[1].SerializeAsString() == addp_message(tlib::AddpPoll, 1).SerializeAsString());
  CHECK(app.received[2].SerializeAsString() == addp_message(tlib::AddpPoll, 2).SerializeAsString());
  CHECK(f.closed.empty());
  const std::size_t before = app.received.size();
  f.clients.deliver({event("sip:x@tandem.test"), {f.opened[0].session}, {}, 0});
  REQUIRE(f.until([&] { return app.received.size() > before; }));
  CHECK(app.received[before].streamnumber() == 1);
}

TEST_CASE("a client that answers no heartbeat is dropped") {
  Fixture f({.addp = {.timeout = 60ms}});
  App& dead = f.connect();
  App& alive = f.connect();
  dead.answers_polls = false;
  dead.request(tlib::RequestRegisterClient);
  alive.request(tlib::RequestRegisterClient);
  REQUIRE(f.until([&] { return !f.closed.empty(); }));
  CHECK(f.closed[0].session == f.opened[0].session);
  CHECK(f.closed[0].why == "no sign of life for 60 ms");
  CHECK(f.clients.count() == 1);
  REQUIRE(f.until([&] { return dead.closed.has_value(); }));
  CHECK_FALSE(alive.closed);
}

TEST_CASE("a client that doesn't read is disconnected, others hear everything") {
  Fixture f({}, {.queue_limit = 1 << 20});
  App& slow = f.connect();
  App& good = f.connect();
  slow.connection->pause();
  auto large = std::make_shared<tlib::Message>(*event("sip:x@tandem.test"));
  large->set_errormessage(std::string(20000, 'x'));
  std::size_t sent = 0;
  while (f.closed.empty()) {
    REQUIRE(sent < 20000);
    f.clients.deliver({large, {f.opened[0].session, f.opened[1].session}, {}, 0});
    ++sent;
    REQUIRE(f.until([&] { return good.received.size() >= sent; }));
  }
  CHECK(f.closed[0].session == f.opened[0].session);
  CHECK(f.closed[0].why.find("slow reader: ") == 0);
  REQUIRE(f.log.standard.size() == 1);
  CHECK(f.log.standard[0].find("client 1 at ") == 0);
  CHECK(good.received.back().streamnumber() == sent);
}

TEST_CASE("stopping closes every session after what was sent") {
  Fixture f;
  App& app = f.connect();
  f.clients.deliver({event("sip:x@tandem.test"), {f.opened[0].session}, {}, 0});
  f.clients.stop("the T-Server stops");
  REQUIRE(f.until([&] { return app.closed && f.closed.size() == 1; }));
  CHECK(app.received.size() == 1);
  CHECK(app.closed == net::CloseReason::PeerClosed);
  CHECK(f.closed[0].why == "the T-Server stops");
}
