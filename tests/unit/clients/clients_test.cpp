// T-Library sessions over loopback sockets.
#include "fixture.h"

using namespace tandem;
using namespace tandem::tserver;
using namespace tandem::tserver::test;

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
