// Subscriptions to conferences (RFC 6665, RFC 4575).
#include "bench_room.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const std::string kConference = "sip:conf001@tandem.test";

std::string wish(int expires, const std::string& more = "") {
  return "Event: conference\r\nAccept: application/conference-info+xml\r\nExpires: " + std::to_string(expires) +
         "\r\n" + more;
}

struct Subscription {
  Bench bench;
  Peer peer;
  SubscriptionId id;
  Message ok;
  explicit Subscription(SipSettings settings = quick_settings()) : bench(std::move(settings)) {
    peer.towards("127.0.0.1", bench.port());
  }
  void ask(const std::string& more, const std::string& call_id = "sub-1") {
    peer.send(peer.make("SUBSCRIBE", kConference, "s-" + call_id, 1, call_id, "", "", more));
  }
  void begin(int expires = 600) {
    ask(wish(expires));
    const auto told = bench.next<ConferenceSubscribed>();
    REQUIRE(told);
    CHECK(told->uri == kConference);
    CHECK(told->subscriber == "sip:alice@tandem.test");
    id = told->subscription;
    bench.perform(AnswerSubscription{id, 200});
    const auto answer = peer.response(200);
    REQUIRE(answer);
    ok = *answer;
  }
  Message notified(const std::string& body, bool over = false) {
    bench.perform(NotifyConference{id, body, over});
    return taken();
  }
  Message taken() {
    const auto notify = peer.request("NOTIFY");
    REQUIRE(notify);
    peer.send(peer.answer(*notify, 200, ""));
    return *notify;
  }
};

}  // namespace

TEST_CASE("A phone subscribes, is told the state, refreshes and ends") {
  Subscription s;
  s.begin();
  CHECK(s.ok.header("Expires") == "600");
  CHECK(s.ok.header("Contact") != "");
  CHECK(s.ok.tag("To") != "");
  CHECK(s.bench.counts().subscriptions == 1);
  const auto first = s.notified("<one/>");
  CHECK(first.header("Event") == "conference");
  const auto state = first.header("Subscription-State");
  REQUIRE(state.rfind("active;expires=", 0) == 0);
  CHECK(std::stoi(state.substr(15)) > 590);
  CHECK(first.header("Content-Type") == "application/conference-info+xml");
  CHECK(first.body == "<one/>");
  CHECK(first.tag("From") == s.ok.tag("To"));
  CHECK(first.uri() == "sip:alice@" + s.peer.address());

  s.peer.send(s.peer.inside("SUBSCRIBE", s.ok, 2, wish(300)));
  const auto refreshed = s.peer.response(200);
  REQUIRE(refreshed);
  CHECK(refreshed->header("Expires") == "300");
  const auto again = s.bench.next<ConferenceSubscribed>();
  REQUIRE(again);
  CHECK(again->subscription == s.id);
  CHECK(again->uri == kConference);
  s.notified("<two/>");

  s.peer.send(s.peer.inside("SUBSCRIBE", s.ok, 3, wish(0)));
  const auto ended = s.peer.wait([](const Message& m) { return m.status() == 200; });
  REQUIRE(ended);
  CHECK(ended->header("Expires") == "0");
  const auto last = s.taken();
  CHECK(last.header("Subscription-State") == "terminated;reason=timeout");
  CHECK(last.body == "<two/>");
  const auto gone = s.bench.next<ConferenceUnsubscribed>();
  REQUIRE(gone);
  CHECK(gone->subscription == s.id);
  CHECK(s.bench.counts().subscriptions == 0);
  s.peer.send(s.peer.inside("SUBSCRIBE", s.ok, 4, wish(300)));
  CHECK(s.peer.response(481));
  CHECK(s.bench.nothing_else());
}

TEST_CASE("NOTIFYs go one after the other, and of those that wait the last one counts") {
  Subscription s;
  s.begin();
  s.bench.perform(NotifyConference{s.id, "<one/>"});
  const auto one = s.peer.request("NOTIFY");
  REQUIRE(one);
  s.bench.perform(NotifyConference{s.id, "<two/>"});
  s.bench.perform(NotifyConference{s.id, "<three/>"});
  CHECK(!s.peer.wait([](const Message& m) { return m.method() == "NOTIFY" && m.body != "<one/>"; }, 100ms));
  s.peer.send(s.peer.answer(*one, 200, ""));
  const auto three = s.peer.wait([](const Message& m) { return m.method() == "NOTIFY" && m.body != "<one/>"; });
  REQUIRE(three);
  CHECK(three->body == "<three/>");
}

TEST_CASE("The conference ends") {
  Subscription s;
  s.begin();
  const auto last = s.notified("<gone/>", true);
  CHECK(last.header("Subscription-State") == "terminated;reason=noresource");
  CHECK(last.body == "<gone/>");
  CHECK(s.bench.counts().subscriptions == 0);
  CHECK(s.bench.nothing_else());
}

TEST_CASE("A subscriber that is gone or that nobody refreshes is told to the core once") {
  Subscription s;
  SECTION("its phone knows nothing of it any more") {
    s.begin();
    s.bench.perform(NotifyConference{s.id, "<one/>"});
    const auto one = s.peer.request("NOTIFY");
    REQUIRE(one);
    s.bench.perform(NotifyConference{s.id, "<two/>"});
    s.peer.send(s.peer.answer(*one, 481, ""));
  }
  SECTION("it answers no more") {
    s.begin();
    s.bench.perform(NotifyConference{s.id, "<one/>"});
  }
  SECTION("the Connector stops") {
    s.begin();
    s.bench.loop.call([&] { s.bench.room->refuse_new(true); });
    CHECK(s.taken().header("Subscription-State").rfind("terminated", 0) == 0);
  }
  const auto gone = s.bench.next<ConferenceUnsubscribed>();
  REQUIRE(gone);
  CHECK(gone->subscription == s.id);
  CHECK(s.bench.counts().subscriptions == 0);
  CHECK(s.bench.nothing_else());
}

TEST_CASE("Expires: 0 asks for the state once") {
  Subscription s;
  s.begin(0);
  CHECK(s.ok.header("Expires") == "0");
  CHECK(s.notified("<one/>").header("Subscription-State") == "terminated;reason=timeout");
  CHECK(s.bench.next<ConferenceUnsubscribed>());
  CHECK(s.bench.counts().subscriptions == 0);
}

TEST_CASE("No such conference: the core's refusal, and nothing is kept") {
  Subscription s;
  s.ask(wish(600));
  const auto told = s.bench.next<ConferenceSubscribed>();
  REQUIRE(told);
  s.bench.perform(AnswerSubscription{told->subscription, 404});
  CHECK(s.peer.response(404));
  CHECK(s.bench.counts().subscriptions == 0);
  CHECK(s.bench.nothing_else());
}

TEST_CASE("What can't be subscribed to") {
  auto settings = quick_settings();
  settings.source_subscriptions_max = 1;
  Subscription s(settings);
  SECTION("another event: 489 with those there are") {
    s.ask("Event: presence\r\nExpires: 600\r\n");
    const auto no = s.peer.response(489);
    REQUIRE(no);
    CHECK(no->header("Allow-Events") == "conference, refer");
  }
  SECTION("no event: 489") {
    s.ask("Expires: 600\r\n");
    CHECK(s.peer.response(489));
  }
  SECTION("too short: 423") {
    s.ask(wish(10));
    const auto no = s.peer.response(423);
    REQUIRE(no);
    CHECK(no->header("Min-Expires") == "60");
  }
  SECTION("another format: 406") {
    s.ask("Event: conference\r\nAccept: application/pidf+xml\r\n");
    CHECK(s.peer.response(406));
  }
  SECTION("by somebody unknown: 403") {
    s.bench.loop.call([&] { s.bench.desk.authenticates = false; });
    s.ask(wish(600));
    CHECK(s.peer.response(403));
  }
  SECTION("by whom the front end challenges") {
    s.bench.loop.call([&] { s.bench.desk.refusal = Reply{401, "", {{"WWW-Authenticate", "Digest realm=\"x\""}}}; });
    s.ask(wish(600));
    const auto no = s.peer.response(401);
    REQUIRE(no);
    CHECK(no->header("WWW-Authenticate") == "Digest realm=\"x\"");
  }
  SECTION("too many of one source: 503") {
    s.begin();
    s.ask(wish(600), "sub-2");
    const auto no = s.peer.response(503);
    REQUIRE(no);
    CHECK(no->header("Retry-After") != "");
  }
  SECTION("one that is gone: 481") {
    s.peer.send(s.peer.make("SUBSCRIBE", kConference, "x", 2, "gone", "tag", "", wish(600)));
    CHECK(s.peer.response(481));
  }
  SECTION("in its dialog nothing else is taken") {
    s.begin();
    s.peer.send(s.peer.inside("INVITE", s.ok, 2, "Content-Type: application/sdp\r\n", kOffer));
    CHECK(s.peer.response(405));
    s.peer.send(s.peer.inside("SUBSCRIBE", s.ok, 3, "Event: presence\r\n"));
    CHECK(s.peer.response(489));
    s.peer.send(s.peer.inside("SUBSCRIBE", s.ok, 4, wish(5)));
    CHECK(s.peer.response(423));
  }
  CHECK(!s.bench.next<ConferenceSubscribed>(0ms));
}
