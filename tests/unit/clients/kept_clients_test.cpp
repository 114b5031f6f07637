// Sessions that outlive their connections, over loopback sockets.
#include "fixture.h"

using namespace tandem;
using namespace tandem::tserver;
using namespace tandem::tserver::test;

namespace {

const std::string kToken = "0123456789abcdef";

tlib::Message open_request(std::uint64_t last_seen = 0, std::uint64_t attempt = 0, const std::string& token = kToken) {
  tlib::Message message;
  message.set_type(tlib::RequestRegisterClient);
  message.set_referenceid(1);
  message.set_sessiontoken(token);
  if (last_seen != 0) message.set_streamnumber(last_seen);
  if (attempt != 0) message.set_sessionattempt(attempt);
  return message;
}

tlib::Message numbered_request(std::uint64_t id) {
  tlib::Message message;
  message.set_type(tlib::RequestQueryServer);
  message.set_referenceid(static_cast<std::int32_t>(id + 100));
  message.set_requestid(id);
  return message;
}

struct KeptFixture : Fixture {
  using Fixture::Fixture;

  // An event of the machine's, as the program passes it.
  void tell(SessionId session, const std::string& dn, std::int32_t reference = 0) {
    Effects effects;
    effects.emplace_back(Deliver{event(dn), {session}, reference != 0 ? session : SessionId{}, reference});
    clients.record(effects);
    clients.deliver(std::get<Deliver>(effects[0]));
  }
  // A client whose session is kept; the SessionId that the machine knows.
  std::pair<App*, SessionId> open_kept() {
    App& app = connect();
    app.send(open_request());
    REQUIRE(until([&] { return !requests.empty() && requests.back().message.has_sessiontoken(); }));
    return {&app, requests.back().session};
  }
  // One more connection; `opened` counts the machine's clients, so it isn't asked.
  App& dial() {
    App& app = *apps.emplace_back(std::make_unique<App>(loop, port));
    REQUIRE(until([&] { return app.connection != nullptr; }));
    return app;
  }
};

std::string text_of(const App& app) {
  std::string all;
  for (const tlib::Message& one : app.received) {
    all += tlib::MessageType_Name(one.type()) + " " + std::to_string(one.streamnumber()) + " " + one.thisdn() + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("a client that asks for it has a session of its own kind, others don't") {
  KeptFixture f;
  const auto [app, session] = f.open_kept();
  CHECK(is_kept(session));
  CHECK(f.requests[0].message.sessionkept() == 30000);
  REQUIRE(f.opened.size() == 2);  // the connection's, which has ended, and this one
  CHECK(f.closed.size() == 1);
  CHECK(f.closed[0].session == f.opened[0].session);
  CHECK(f.opened[1].session == session);
  App& second = f.dial();
  second.send(open_request(0, 0, ""));
  REQUIRE(f.until([&] { return f.requests.size() == 2; }));
  CHECK(f.requests[1].message.sessiontoken().size() == 32);  // the server chose one
  App& third = f.dial();
  third.request(tlib::RequestRegisterClient);
  REQUIRE(f.until([&] { return f.requests.size() == 3; }));
  CHECK_FALSE(is_kept(f.requests[2].session));
}

TEST_CASE("a lost connection is no end: the next one is sent what was missed, and the machine knows nothing of it") {
  KeptFixture f;
  const auto [app, session] = f.open_kept();
  f.tell(session, "sip:a@tandem.test", 1);
  f.tell(session, "sip:b@tandem.test");
  REQUIRE(f.until([&, app = app] { return app->received.size() == 2; }));
  CHECK(app->received[0].referenceid() == 1);
  app->connection->close("cut");
  REQUIRE(f.until([&] { return f.clients.count() == 0; }));
  f.tell(session, "sip:c@tandem.test");
  f.closed.clear();
  App& again = f.dial();
  again.send(open_request(1));
  REQUIRE(f.until([&] { return again.received.size() == 3; }));
  CHECK(text_of(again) ==
        "EventSessionResumed 0 \nEventRinging 2 sip:b@tandem.test\nEventRinging 3 sip:c@tandem.test\n");
  CHECK(again.received[0].referenceid() == 1);
  CHECK(again.received[0].sessionid() == session.value);
  CHECK(again.received[0].sessiontoken() == kToken);
  CHECK(again.received[0].sessionkept() == 30000);
  REQUIRE(f.closed.size() == 1);
  CHECK_FALSE(is_kept(f.closed[0].session));
  f.tell(session, "sip:d@tandem.test");
  REQUIRE(f.until([&] { return again.received.size() == 4; }));
  CHECK(again.received[3].streamnumber() == 4);
}

TEST_CASE("a request with the same RequestID reaches the machine once, over however many connections") {
  KeptFixture f;
  const auto [app, session] = f.open_kept();
  app->send(numbered_request(1));
  app->send(numbered_request(2));
  app->send(numbered_request(1));
  REQUIRE(f.until([&] { return f.requests.size() == 3; }));
  app->connection->close("cut");
  App& again = f.dial();
  again.send(open_request(0));
  for (const std::uint64_t id : {1U, 2U, 3U}) again.send(numbered_request(id));
  REQUIRE(f.until([&] { return f.requests.size() == 4; }));
  CHECK(f.requests[3].message.requestid() == 3);
  CHECK(f.requests[3].session == session);
}

TEST_CASE("a session that is resumed, or opened, when the role passes is let go") {
  KeptFixture f;
  SECTION("resumed") {
    const auto [app, session] = f.open_kept();
    app->connection->close("cut");
    App& again = f.dial();
    f.loses_role = true;
    again.send(open_request(0));
    REQUIRE(f.until([&] { return again.closed.has_value(); }));
    CHECK(f.clients.kept().empty());
  }
  SECTION("opened") {
    App& app = f.connect();
    f.loses_role = true;
    app.send(open_request());
    REQUIRE(f.until([&] { return app.closed.has_value(); }));
    CHECK(f.clients.kept().empty());
    // The machine knows none that nobody closes.
    CHECK(f.closed.back().session == f.opened.back().session);
  }
}

TEST_CASE("a new connection takes the session from one that still seems to live; an overtaken one is closed") {
  KeptFixture f;
  const auto [app, session] = f.open_kept();
  f.tell(session, "sip:a@tandem.test");
  REQUIRE(f.until([&, app = app] { return app->received.size() == 1; }));
  App& late = f.dial();
  App& again = f.dial();
  again.send(open_request(1, 3));
  REQUIRE(f.until([&, app = app] { return app->closed.has_value() && again.received.size() == 1; }));
  late.send(open_request(1, 2));
  REQUIRE(f.until([&] { return late.closed.has_value(); }));
  CHECK(late.received.empty());
  f.tell(session, "sip:b@tandem.test");
  REQUIRE(f.until([&] { return again.received.size() == 2; }));
  CHECK(app->received.size() == 1);
}

TEST_CASE("events are held until they are confirmed: by heartbeats, requests, or a message of its own") {
  KeptFixture f;
  const auto [app, session] = f.open_kept();
  for (int i = 0; i < 5; ++i) f.tell(session, "sip:a@tandem.test");
  const auto confirmed = [&, id = session](std::uint64_t number) {
    return f.until([&] { return f.clients.kept().find(id)->head().confirmed == number; });
  };
  tlib::Message message;
  message.set_streamnumber(1);
  message.set_type(tlib::AddpPoll);
  app->send(message);
  CHECK(confirmed(1));
  message.set_streamnumber(2);
  message.set_type(tlib::AddpAnswer);
  app->send(message);
  CHECK(confirmed(2));
  message.set_streamnumber(3);
  message.set_type(tlib::ConfirmEvents);
  app->send(message);
  CHECK(confirmed(3));
  message = numbered_request(1);
  message.set_streamnumber(4);
  app->send(message);
  CHECK(confirmed(4));
  CHECK(f.clients.kept().find(session)->record().events.size() == 1);
}

TEST_CASE("a client that says so, breaks the protocol, or stays away too long has no session any more") {
  KeptFixture f({.kept = {.keep = 50ms}});
  const auto [app, session] = f.open_kept();
  const int how = GENERATE(0, 1, 2, 3);
  if (how == 0) {
    tlib::Message message;
    message.set_type(tlib::EndSession);
    app->send(message);
  } else if (how == 1) {
    app->connection->send("\xff\xff\xff");
  } else if (how == 2) {
    app->connection->close("cut");
  } else {
    app->connection->close("cut");
    REQUIRE(f.until([&] { return f.clients.count() == 0; }));
    f.clients.close(session, "refused");  // by the machine
  }
  REQUIRE(f.until([&, id = session] { return f.closed.back().session == id; }));
  const std::vector<std::string> why{"ended by the client", "malformed frame: the message can't be decoded",
                                     "not resumed within 50 ms", "refused"};
  CHECK(f.closed.back().why == why[static_cast<std::size_t>(how)]);
  CHECK(f.clients.kept().empty());
  // Who comes back under the name begins anew.
  App& again = f.dial();
  again.send(open_request(1));
  REQUIRE(f.until([&] { return f.requests.size() == 2; }));
  CHECK(f.requests[1].session != session);
}

TEST_CASE("a backup keeps no session; who becomes backup lets go of them, and the other goes on") {
  KeptFixture primary, backup;
  primary.clients.kept().keep_changes(true);
  backup.clients.set_primary(false);
  const auto [app, session] = primary.open_kept();
  primary.tell(session, "sip:a@tandem.test");
  primary.tell(session, "sip:b@tandem.test");
  backup.clients.kept().apply(primary.clients.kept().take_changes());

  App& waiting = backup.connect();
  waiting.send(open_request());
  REQUIRE(backup.until([&] { return backup.requests.size() == 1; }));
  CHECK_FALSE(backup.requests[0].message.has_sessiontoken());
  CHECK_FALSE(is_kept(backup.requests[0].session));

  CHECK(primary.clients.set_primary(false) == std::vector<SessionId>{session});
  CHECK(primary.clients.count() == 0);
  REQUIRE(primary.until([&, app = app] { return app->closed.has_value(); }));
  CHECK(primary.closed.size() == 1);  // the machine is told by whoever has changed the role

  CHECK(backup.clients.set_primary(true).empty());
  waiting.send(open_request(1));
  REQUIRE(backup.until([&] { return waiting.received.size() == 2; }));
  CHECK(text_of(waiting) == "EventSessionResumed 0 \nEventRinging 2 sip:b@tandem.test\n");
  backup.tell(session, "sip:c@tandem.test");
  REQUIRE(backup.until([&] { return waiting.received.size() == 3; }));
  CHECK(waiting.received[2].streamnumber() == 3);
}

TEST_CASE("while a new primary isn't ready, who asks for a kept session waits with all that it sends; others don't") {
  KeptFixture f;
  f.clients.admit_kept(false);
  App& app = f.dial();
  app.send(open_request());
  app.send(numbered_request(1));
  App& plain = f.dial();
  plain.request(tlib::RequestRegisterClient);
  plain.request(tlib::RequestQueryServer, 5);
  REQUIRE(f.until([&] { return f.requests.size() == 2; }));
  CHECK_FALSE(is_kept(f.requests[0].session));
  CHECK(f.requests[1].message.referenceid() == 5);
  f.clients.admit_kept(true);
  REQUIRE(f.until([&] { return f.requests.size() == 4; }));
  CHECK(is_kept(f.requests[2].session));
  CHECK(f.requests[2].message.sessiontoken() == kToken);
  CHECK(f.requests[3].session == f.requests[2].session);
  CHECK(f.requests[3].message.requestid() == 1);
}
