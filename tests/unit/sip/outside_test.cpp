// Requests outside a dialog, and those that are turned away.
#include "bench_room.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

TEST_CASE("OPTIONS is answered with what we can do") {
  Bench bench;
  REQUIRE(bench.opened.has_value());
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  peer.send(peer.make("OPTIONS", "sip:127.0.0.1", "o1", 1, "options"));
  const auto ok = peer.response(200);
  REQUIRE(ok);
  CHECK(ok->header("Allow") == kAllowed);
  CHECK(ok->header("Accept") == "application/sdp, application/dtmf-relay, application/dtmf");
  CHECK(ok->header("Allow-Events") == "conference, refer");
  CHECK(ok->header("Supported") == "timer, replaces, norefersub");
  CHECK(ok->header("Server") == "Tandem");
  CHECK(ok->tag("To") != "");
}

TEST_CASE("A request in a dialog that may still be given back is not answered, until it is sure that it isn't") {
  auto settings = quick_settings();
  settings.unsure_for = 400ms;
  const auto before = std::chrono::steady_clock::now();
  Bench bench(settings);
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  std::optional<Message> refused;
  for (int i = 0; i < 100 && !refused; ++i) {
    peer.send(peer.make("BYE", "sip:127.0.0.1", "c", 1, "c", "nobody"));
    refused = peer.response(481, 50ms);
  }
  CHECK(refused);
  CHECK(std::chrono::steady_clock::now() - before >= settings.unsure_for);
}

TEST_CASE("What we don't do is refused by the documented status") {
  Bench bench;
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  SECTION("an unknown method: 501") {
    peer.send(peer.make("FROBNICATE", "sip:127.0.0.1", "a", 1, "a"));
    const auto refused = peer.response(501);
    REQUIRE(refused);
    CHECK(refused->header("Allow") != "");
  }
  SECTION("a known method we don't take: 405") {
    peer.send(peer.make("PUBLISH", "sip:127.0.0.1", "b", 1, "b"));
    const auto refused = peer.response(405);
    REQUIRE(refused);
    CHECK(refused->header("Allow") != "");
  }
  SECTION("a dialog nobody knows: 481") {
    peer.send(peer.make("BYE", "sip:127.0.0.1", "c", 1, "c", "nobody"));
    CHECK(peer.response(481));
    peer.send(peer.make("INVITE", "sip:127.0.0.1", "d", 1, "c", "nobody", kOffer));
    CHECK(peer.response(481));
  }
  SECTION("CANCEL of nothing: 481") {
    peer.send(peer.make("CANCEL", "sip:127.0.0.1", "e", 1, "e"));
    CHECK(peer.response(481));
    CHECK(bench.next<CancelStrayed>());
  }
  SECTION("an extension we don't know: 420 naming it") {
    peer.send(peer.make("INVITE", "sip:x@tandem.test", "f", 1, "f", "", kOffer, "Require: timer, 100rel\r\n"));
    const auto refused = peer.response(420);
    REQUIRE(refused);
    CHECK(refused->header("Unsupported") == "100rel");
  }
  SECTION("a scheme we don't know: 416") {
    auto text = peer.make("INVITE", "nobodyKnowsThisScheme:totallyopaquecontent", "g", 1, "g", "", kOffer);
    peer.send(text);
    CHECK(peer.response(416));
  }
  SECTION("a body that is no session description: 415") {
    auto text = peer.make("INVITE", "sip:x@tandem.test", "h", 1, "h", "", kOffer);
    text.replace(text.find("application/sdp"), 15, "application/xyz");
    peer.send(text);
    const auto refused = peer.response(415);
    REQUIRE(refused);
    CHECK(refused->header("Accept") == "application/sdp");
  }
  CHECK(bench.nothing_else());
  CHECK(bench.counts().legs == 0);
}

TEST_CASE("The front end's refusal is sent as it says, without a transaction") {
  Bench bench;
  bench.loop.call([&] {
    bench.desk.refusal =
        Reply{401, "", {{"WWW-Authenticate", "Digest realm=\"tandem.test\", nonce=\"n\", qop=\"auth\""}}};
  });
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  peer.send(peer.make("INVITE", "sip:bob@tandem.test", "i1", 7, "i", "", kOffer,
                      "Authorization: Digest username=\"alice\", realm=\"tandem.test\", nonce=\"n0\", uri=\"sip:bob\", "
                      "response=\"00\", qop=auth, nc=00000001, cnonce=\"c\\\"x\", algorithm=MD5\r\n"
                      "User-Agent: Phone/1\r\nP-Asserted-Identity: \"A, B\" <sip:a@x>, <tel:+1>\r\n"));
  const auto refused = peer.response(401);
  REQUIRE(refused);
  CHECK(refused->header("WWW-Authenticate") == "Digest realm=\"tandem.test\", nonce=\"n\", qop=\"auth\"");
  RequestFacts facts;
  bench.loop.call([&] { facts = bench.desk.last_invite; });
  CHECK(facts.method == "INVITE");
  CHECK(facts.request_uri == "sip:bob@tandem.test");
  CHECK(facts.from_uri == "sip:alice@tandem.test");
  CHECK(facts.from_display == "Alice");
  CHECK(facts.call_id == "i");
  CHECK(facts.cseq == 7);
  CHECK(facts.user_agent == "Phone/1");
  CHECK(facts.asserted == std::vector<std::string>{"sip:a@x", "tel:+1"});
  CHECK(facts.max_forwards == 70);
  CHECK(facts.via == std::vector<std::string>{peer.address()});
  CHECK(facts.origin.ip == "127.0.0.1");
  CHECK(facts.origin.port == peer.port());
  CHECK(facts.origin.transport == "udp");
  CHECK(facts.origin.local_ip == "127.0.0.1");
  CHECK(facts.origin.local_port == bench.port());
  REQUIRE(facts.credentials.size() == 1);
  CHECK(facts.credentials[0].username == "alice");
  CHECK(facts.credentials[0].nonce == "n0");
  CHECK(facts.credentials[0].cnonce == "c\"x");
  CHECK(facts.credentials[0].nc == "00000001");
  CHECK(facts.credentials[0].qop == "auth");
  // Its ACK is nobody's business; the next request is served.
  peer.send(peer.make("ACK", "sip:bob@tandem.test", "i1", 7, "i", refused->tag("To")));
  peer.send(peer.make("OPTIONS", "sip:127.0.0.1", "i2", 1, "i2"));
  CHECK(peer.response(200));
  CHECK(bench.nothing_else());
}

TEST_CASE("REGISTER reaches the registrar parsed, and a repeated one is answered from memory") {
  Bench bench;
  bench.loop.call([&] { bench.desk.register_reply = Reply{200, "", {{"Contact", "<sip:alice@1.2.3.4>;expires=60"}}}; });
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  auto text =
      peer.make("REGISTER", "sip:tandem.test", "r1", 3, "r", "", "",
                "Contact: <sip:b@h;transport=tcp>;q=0.75;expires=30;+sip.instance=\"<urn:uuid:1>\";reg-id=2\r\n"
                "Expires: 600\r\nPath: <sip:p1;lr>, <sip:p2;lr>\r\nSupported: path, outbound\r\nRequire: path\r\n");
  peer.send(text);
  const auto ok = peer.response(200);
  REQUIRE(ok);
  CHECK(ok->header("Contact") == "<sip:alice@1.2.3.4>;expires=60");
  RegisterAsked asked;
  bench.loop.call([&] { asked = bench.desk.last_register; });
  REQUIRE(asked.contacts.size() == 2);
  CHECK(asked.contacts[0].uri == "sip:alice@" + peer.address());
  CHECK(!asked.contacts[0].expires_s);
  CHECK(asked.contacts[1].uri == "sip:b@h;transport=tcp");
  CHECK(asked.contacts[1].expires_s == 30);
  CHECK(asked.contacts[1].q_milli == 750);
  CHECK(asked.contacts[1].instance == "<urn:uuid:1>");
  CHECK(asked.contacts[1].reg_id == 2);
  CHECK(asked.expires_s == 600);
  CHECK(asked.path == std::vector<std::string>{"sip:p1;lr", "sip:p2;lr"});
  CHECK(asked.supported == std::vector<std::string>{"path", "outbound"});
  CHECK(!asked.star);

  bench.loop.call([&] { bench.desk.register_reply = Reply{500, "", {}}; });
  peer.send(text);  // the registrar isn't asked again
  CHECK(peer.response(200));
  peer.send(peer.make("REGISTER", "sip:tandem.test", "r2", 4, "r", "", "", ""));
  CHECK(peer.response(500));
}

TEST_CASE("A flood that never acknowledges is bounded and the room serves on") {
  auto settings = quick_settings();
  settings.unacknowledged_max = 40;
  settings.source_unacknowledged_max = 30;
  settings.t1x64 = 32000ms;  // nothing expires meanwhile
  Bench bench(settings);
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  int refused = 0;
  int answered = 0;
  for (int i = 0; i < 300; ++i) {
    const auto n = std::to_string(i);
    peer.send(peer.make("INVITE", "sip:bob@tandem.test", "fl" + n, 1, "flood" + n, "", kOffer));
    const auto came = peer.wait(
        [&](const Message& m) {
          return m.header("Call-ID") == "flood" + n && (m.status() == 503 || m.status() == 100 || m.status() == 180);
        },
        50ms);
    if (came && came->status() == 503) {
      CHECK(came->header("Retry-After") == "5");
      ++refused;
      continue;
    }
    const auto invited = bench.next<Invited>();
    REQUIRE(invited);
    bench.perform(answer_with(invited->leg, 200, kAnswer));
    ++answered;
  }
  CHECK(answered == 30);
  CHECK(refused == 270);
  CHECK(bench.counts().unacknowledged == 30);
  CHECK(bench.counts().refused == 270);
  peer.send(peer.make("OPTIONS", "sip:127.0.0.1", "alive", 1, "alive"));
  CHECK(peer.wait([](const Message& m) { return m.status() == 200 && m.cseq_method() == "OPTIONS"; }));
}

TEST_CASE("One source's rate is bounded; while stopping nobody gets in") {
  auto settings = quick_settings();
  settings.source_invites_per_second = 5;
  Bench bench(settings);
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  SECTION("rate") {
    int refused = 0;
    for (int i = 0; i < 12; ++i) {
      peer.send(peer.make("INVITE", "sip:bob@tandem.test", "ra" + std::to_string(i), 1, "ra" + std::to_string(i), "",
                          kOffer));
    }
    for (const auto& m : peer.drain(400ms)) refused += m.status() == 503;
    CHECK(refused >= 5);
  }
  SECTION("stopping") {
    bench.loop.call([&] { bench.room->refuse_new(true); });
    peer.send(peer.make("INVITE", "sip:bob@tandem.test", "st", 1, "st", "", kOffer));
    const auto refused = peer.response(503);
    REQUIRE(refused);
    CHECK(refused->header("Retry-After") == "5");
  }
}
