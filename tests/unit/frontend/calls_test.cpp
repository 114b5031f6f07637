#include <catch2/catch.hpp>

#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

struct World {
  FrontEnd front{settings(), kSecret};
  Phone alice{"alice", "alice-secret", udp("203.0.113.5", 5062)};
  Phone stranger{"carol", "", udp("203.0.113.77", 5060), "elsewhere.test"};

  int dial(const Phone& phone, const std::string& to, Now now = at(0s)) { return status(phone.dial(front, to, now)); }
};

}  // namespace

TEST_CASE("A phone of ours proves itself with every call") {
  World w;
  CHECK(status(w.front.invited(w.alice.call("sip:support@tandem.test"), at(0s))) == 401);
  const auto verdict = w.alice.dial(w.front, "sip:support@tandem.test", at(0s));
  REQUIRE(std::holds_alternative<Caller>(verdict));
  const Caller& caller = std::get<Caller>(verdict);
  CHECK(caller.dn == "sip:alice@tandem.test");
  CHECK(caller.authenticated);
  CHECK(caller.trunk.empty());

  Phone thief = w.alice;
  thief.password = "guess";
  CHECK(w.dial(thief, "sip:support@tandem.test") == 403);
}

TEST_CASE("One phone can't call in another's name") {
  World w;
  RequestFacts facts = w.alice.call("sip:support@tandem.test");
  facts.from_uri = "sip:bob@tandem.test";
  const auto challenge = std::get<Reply>(w.front.invited(facts, at(0s)));
  facts.credentials = {w.alice.credentials(challenge, "INVITE")};
  CHECK(status(w.front.invited(facts, at(0s))) == 403);
}

TEST_CASE("Names in our domain that don't exist are challenged like those that do") {
  World w;
  Phone nobody{"nobody", "x", udp("203.0.113.5", 5062)};
  CHECK(status(w.front.invited(nobody.call("sip:support@tandem.test"), at(0s))) == 401);
  CHECK(w.dial(nobody, "sip:support@tandem.test") == 403);
}

TEST_CASE("A repeated INVITE with the same credentials gets a new challenge, no call") {
  World w;
  RequestFacts facts = w.alice.call("sip:support@tandem.test");
  facts.credentials = {w.alice.credentials(std::get<Reply>(w.front.invited(facts, at(0s))), "INVITE")};
  CHECK(status(w.front.invited(facts, at(0s))) == 200);
  const auto again = w.front.invited(facts, at(0s));
  CHECK(status(again) == 401);
  CHECK(header(std::get<Reply>(again), "WWW-Authenticate").find("stale=true") != std::string::npos);
}

TEST_CASE("What a phone of ours may call") {
  World w;
  CHECK(w.dial(w.alice, "sip:bob@tandem.test") == 200);
  CHECK(w.dial(w.alice, "sip:bob@192.0.2.1:5060") == 200);
  CHECK(w.dial(w.alice, "sip:+14155550100@tandem.test") == 200);
  CHECK(w.dial(w.alice, "tel:+1-415-555-0100") == 200);
  CHECK(w.dial(w.alice, "sip:14155551212@tandem.test") == 200);  // association of erp1
  CHECK(w.dial(w.alice, "sip:nobody@tandem.test") == 404);
  CHECK(w.dial(w.alice, "sip:4155@tandem.test") == 404);  // no trunk
  CHECK(w.dial(w.alice, "sip:carol@elsewhere.test") == 403);
  CHECK(w.dial(w.alice, "mailto:x@y") == 416);
  auto s = settings();
  s.foreign_domains = true;
  w.front.configure(s);
  CHECK(w.dial(w.alice, "sip:carol@elsewhere.test") == 200);
}

TEST_CASE("No relay: strangers call DNs of ours or nobody") {
  World w;
  const auto verdict = w.stranger.dial(w.front, "sip:support@tandem.test", at(0s));
  REQUIRE(std::holds_alternative<Caller>(verdict));
  CHECK(std::get<Caller>(verdict).dn == "sip:carol@elsewhere.test");
  CHECK_FALSE(std::get<Caller>(verdict).authenticated);

  CHECK(w.dial(w.stranger, "sip:+14155550100@tandem.test") == 403);
  CHECK(w.dial(w.stranger, "tel:+14155550100") == 403);
  CHECK(w.dial(w.stranger, "sip:someone@third.test") == 403);
  CHECK(w.dial(w.stranger, "sip:+14155550100@198.51.100.9:5080") == 403);
  CHECK(w.dial(w.stranger, "sip:nobody@tandem.test") == 404);
  // A claimed identity is worth nothing.
  RequestFacts facts = w.stranger.call("sip:+14155550100@tandem.test");
  facts.asserted = {"sip:alice@tandem.test"};
  CHECK(status(w.front.invited(facts, at(0s))) == 403);

  auto s = settings();
  s.foreign_domains = true;  // for ours, not for strangers
  w.front.configure(s);
  CHECK(w.dial(w.stranger, "sip:someone@third.test") == 403);
  s.accept_strangers = false;
  w.front.configure(s);
  CHECK(w.dial(w.stranger, "sip:support@tandem.test") == 403);
}

TEST_CASE("Trunks are known by their address, and call DNs of ours only") {
  World w;
  Phone gateway{"+4420", "", udp("198.51.100.9", 5080), "198.51.100.9"};
  auto verdict = gateway.dial(w.front, "sip:support@tandem.test", at(0s));
  REQUIRE(std::holds_alternative<Caller>(verdict));
  CHECK(std::get<Caller>(verdict).trunk == "pstn");
  CHECK(std::get<Caller>(verdict).authenticated);
  CHECK(std::get<Caller>(verdict).dn == "sip:+4420@198.51.100.9");

  RequestFacts facts = gateway.call("sip:14155551212@192.0.2.1");
  facts.asserted = {"sip:+4420@carrier.test"};
  verdict = w.front.invited(facts, at(0s));
  REQUIRE(std::holds_alternative<Caller>(verdict));
  CHECK(std::get<Caller>(verdict).dn == "sip:+4420@carrier.test");
  CHECK(w.front.called(facts) == "sip:erp1@tandem.test");

  CHECK(w.dial(gateway, "sip:+14155550100@tandem.test") == 403);  // no transit
  CHECK(w.dial(gateway, "sip:nobody@tandem.test") == 404);

  gateway.origin = udp("198.51.100.9", 5081);  // another port over UDP: a stranger
  verdict = gateway.dial(w.front, "sip:support@tandem.test", at(0s));
  CHECK(std::get<Caller>(verdict).trunk.empty());
  gateway.origin = tcp("198.51.100.10", 40000);  // a connection has any port
  CHECK(std::get<Caller>(gateway.dial(w.front, "sip:support@tandem.test", at(0s))).trunk == "mobile");
  gateway.origin = udp("198.51.100.11", 9999);  // listed as a further source
  CHECK(std::get<Caller>(gateway.dial(w.front, "sip:support@tandem.test", at(0s))).trunk == "mobile");
}

TEST_CASE("The called address is told as DN, as number, or as it is") {
  World w;
  const auto called = [&](const std::string& uri) { return w.front.called(w.alice.call(uri)); };
  CHECK(called("sip:Support@Tandem.Test;transport=tcp") == "sip:support@tandem.test");
  CHECK(called("sip:support@192.0.2.1") == "sip:support@tandem.test");
  CHECK(called("sip:alice@other.test") == "sip:alice@other.test");
  CHECK(called("sip:+1-415-555-1212@tandem.test") == "sip:erp1@tandem.test");
  CHECK(called("tel:+1-415-555-0100") == "+14155550100");
  CHECK(called("sip:carol@elsewhere.test") == "sip:carol@elsewhere.test");
}

TEST_CASE("Loops and worn-out requests end here") {
  World w;
  RequestFacts facts = w.stranger.call("sip:support@tandem.test");
  facts.max_forwards = 0;
  CHECK(status(w.front.invited(facts, at(0s))) == 483);
  facts.max_forwards = 1;
  facts.via = {"203.0.113.77:5060", "192.0.2.1:5060"};
  CHECK(status(w.front.invited(facts, at(0s))) == 482);
  facts.via = {"203.0.113.77:5060", "192.0.2.1"};  // default port
  CHECK(status(w.front.invited(facts, at(0s))) == 482);
  facts.via = {"203.0.113.77:5060", "192.0.2.1:5099"};
  CHECK(status(w.front.invited(facts, at(0s))) == 200);
}

TEST_CASE("Bytes that are no text are refused at the door") {
  World w;
  RequestFacts facts = w.stranger.call("sip:support@tandem.test");
  facts.call_id =
      "bad1\xfe"
      "21@host";
  CHECK(status(w.front.invited(facts, at(0s))) == 400);
  facts.call_id = "good";
  facts.from_uri = "sip:x\xff@elsewhere.test";
  CHECK(status(w.front.invited(facts, at(0s))) == 400);
}

TEST_CASE("A trunk that must show its certificate is known by it, from anywhere, and by nothing else") {
  auto s = settings();
  s.trunks = {{"carrier", "sip:198.51.100.9:5061;transport=tls", "+", {"198.51.100.10"}, {"Edge.Carrier.test"}}};
  FrontEnd front{s, kSecret};
  const auto over_tls = [](const std::string& ip, std::vector<std::string> names) {
    return Origin{ip, 40000, "tls", "192.0.2.1", 5061, std::move(names)};
  };
  const auto dial = [&](Origin origin) {
    Phone gateway{"+4420", "", std::move(origin), "carrier.test"};
    return gateway.dial(front, "sip:support@tandem.test", at(0s));
  };
  for (const char* name : {"edge.carrier.test", "sip:EDGE.carrier.test"}) {
    const auto verdict = dial(over_tls("203.0.113.5", {"other.test", name}));
    REQUIRE(std::holds_alternative<Caller>(verdict));
    CHECK(std::get<Caller>(verdict).trunk == "carrier");
  }
  for (const char* ip : {"198.51.100.9", "198.51.100.10"}) {
    CHECK(status(dial(over_tls(ip, {}))) == 403);
    CHECK(status(dial(over_tls(ip, {"carrier.test"}))) == 403);
    CHECK(status(dial(udp(ip, ip[11] == '9' ? 5061 : 5060))) == 403);
  }
  const auto log = front.take_log();
  REQUIRE(!log.empty());
  CHECK(log.front().text.find("trunk carrier at ") != std::string::npos);
  CHECK(!front.believed(over_tls("198.51.100.9", {})));
  CHECK(front.believed(over_tls("203.0.113.5", {"edge.carrier.test"})));
}

TEST_CASE("A source over its rate gets 503, others and trunks go on") {
  auto s = settings();
  s.calls_per_second = 10;
  s.calls_burst = 20;
  FrontEnd front{s, kSecret};
  Phone flood{"x", "", udp("203.0.113.66", 5060), "elsewhere.test"};
  Phone calm{"y", "", udp("203.0.113.67", 5060), "elsewhere.test"};
  Phone gateway{"+4420", "", udp("198.51.100.9", 5080), "198.51.100.9"};
  int served = 0;
  for (int i = 0; i < 300; ++i) {
    const auto verdict = flood.dial(front, "sip:support@tandem.test", at(i * 3333us));
    if (status(verdict) == 200) {
      ++served;
    } else {
      CHECK(status(verdict) == 503);
      CHECK(header(std::get<Reply>(verdict), "Retry-After") == "1");
    }
    CHECK(status(gateway.dial(front, "sip:support@tandem.test", at(i * 3333us))) == 200);
  }
  CHECK(served >= 29);
  CHECK(served <= 31);
  CHECK(status(calm.dial(front, "sip:support@tandem.test", at(1s))) == 200);
}

TEST_CASE("With trust-registered-flow a connection that registered isn't asked again, until it closes") {
  World w;
  w.alice.origin = tcp("203.0.113.5", 40001);
  CHECK(w.alice.enrol(w.front, "sip:alice@203.0.113.5:5060;transport=tcp", at(0s)).status == 200);
  const RequestFacts facts = w.alice.call("sip:support@tandem.test");
  CHECK(status(w.front.invited(facts, at(0s))) == 401);  // off by default

  auto s = settings();
  s.trust_registered_flow = true;
  w.front.configure(s);
  CHECK(status(w.front.invited(facts, at(0s))) == 200);
  RequestFacts other = facts;
  other.origin.port = 40002;
  CHECK(status(w.front.invited(other, at(0s))) == 401);
  other = facts;
  other.from_uri = "sip:bob@tandem.test";
  CHECK(status(w.front.invited(other, at(0s))) == 401);
  w.front.connection_closed(facts.origin);
  CHECK(status(w.front.invited(facts, at(0s))) == 401);

  // A datagram's source can be forged: never believed.
  w.alice.origin = udp("203.0.113.5", 5062);
  w.alice.call_id = "over-udp";
  CHECK(w.alice.enrol(w.front, "sip:alice@203.0.113.5:5062", at(0s)).status == 200);
  CHECK(status(w.front.invited(w.alice.call("sip:support@tandem.test"), at(0s))) == 401);
}

TEST_CASE("Where somebody is reached, embedded") {
  World w;
  Unreachable why;
  CHECK(w.front.resolve("sip:alice@tandem.test", why).empty());
  CHECK(why.status == 480);
  CHECK(why.reason == "sip:alice@tandem.test is not registered");
  CHECK(w.front.resolve("sip:support@tandem.test", why).empty());
  CHECK(why.status == 404);
  CHECK(why.reason == "sip:support@tandem.test is not a phone");
  CHECK(w.front.resolve("sip:nobody@tandem.test", why).empty());
  CHECK(why.reason == "there is no sip:nobody@tandem.test");
  CHECK(w.front.resolve("4155", why).empty());
  CHECK(why.reason == "no trunk serves 4155");
  CHECK(w.front.resolve("sip:carol@elsewhere.test", why).empty());
  CHECK(why.reason == "sip:carol@elsewhere.test is in no domain of ours (option foreign-domains)");
  CHECK(w.front.resolve("", why).empty());
  CHECK(w.front.resolve("a b\r\n", why).empty());

  auto targets = w.front.resolve("+1-415-555-0100", why);
  REQUIRE(targets.size() == 1);
  CHECK(targets[0].request_uri == "sip:+14155550100@198.51.100.9:5080");
  CHECK(targets[0].next_hop == "sip:198.51.100.9:5080");
  CHECK(targets[0].trunk == "pstn");
  targets = w.front.resolve("sip:+447700900123@tandem.test", why);  // the longest prefix
  REQUIRE(targets.size() == 1);
  CHECK(targets[0].request_uri == "sip:+447700900123@198.51.100.10:5070;transport=tcp");
  CHECK(targets[0].trunk == "mobile");

  CHECK(w.alice.enrol(w.front, "sip:alice@203.0.113.5:5062", at(0s)).status == 200);
  for (const char* name : {"alice", "sip:alice@tandem.test", "SIP:ALICE@tandem.test", "sip:alice@192.0.2.1:5060"}) {
    INFO(name);
    CHECK(uris(w.front.resolve(name, why)) == std::vector<std::string>{"sip:alice@203.0.113.5:5062"});
  }
}

TEST_CASE("External mode: everything goes to the proxy and comes from it") {
  auto s = settings();
  s.mode = FrontEndMode::External;
  s.server_address = "198.51.100.1";
  s.server_port = 5070;
  s.server_transport = "tcp";
  s.trusted_addresses = {"198.51.100.2"};
  FrontEnd front{s, kSecret};
  Unreachable why;
  const auto target = [&](const std::string& to) {
    const auto targets = front.resolve(to, why);
    REQUIRE(targets.size() == 1);
    return targets[0].request_uri + " via " + targets[0].next_hop;
  };
  const std::string via = " via sip:198.51.100.1:5070;transport=tcp";
  CHECK(target("sip:Alice@tandem.test") == "sip:alice@tandem.test" + via);
  CHECK(target("+14155550100") == "sip:+14155550100@tandem.test;user=phone" + via);
  CHECK(target("sip:carol@elsewhere.test") == "sip:carol@elsewhere.test" + via);
  CHECK(target("bobby") == "sip:bobby@tandem.test" + via);

  Phone alice{"alice", "", tcp("198.51.100.1", 41000)};
  auto verdict = alice.dial(front, "sip:support@tandem.test", at(0s));
  REQUIRE(std::holds_alternative<Caller>(verdict));
  CHECK(std::get<Caller>(verdict).dn == "sip:alice@tandem.test");
  CHECK(std::get<Caller>(verdict).authenticated);
  alice.origin = udp("198.51.100.2", 9);
  CHECK(status(alice.dial(front, "sip:support@tandem.test", at(0s))) == 200);
  alice.origin = udp("198.51.100.1", 5070);
  CHECK(status(alice.dial(front, "sip:support@tandem.test", at(0s))) == 200);
  alice.origin = udp("198.51.100.1", 5071);
  CHECK(status(alice.dial(front, "sip:support@tandem.test", at(0s))) == 403);
  alice.origin = tcp("203.0.113.5", 40000);
  CHECK(status(alice.dial(front, "sip:support@tandem.test", at(0s))) == 403);

  s.server_address.clear();
  front.configure(s);
  CHECK(front.resolve("sip:alice@tandem.test", why).empty());
  CHECK(why.reason == "front-end server-address is not set");
}

TEST_CASE("IPv6 addresses of ours and of phones") {
  auto s = settings();
  s.own_addresses.push_back("[::1]:5060");
  FrontEnd front{s, kSecret};
  Phone alice{"alice", "alice-secret", {"::1", 5070, "udp", "::1", 5060, {}}};
  CHECK(alice.enrol(front, "sip:alice@[::1]:5070", at(0s)).status == 200);
  Unreachable why;
  const auto targets = front.resolve("sip:alice@[::1]", why);
  REQUIRE(targets.size() == 1);
  CHECK(targets[0].request_uri == "sip:alice@[::1]:5070");
  CHECK(targets[0].local_ip == "::1");
  CHECK(front.called(alice.call("sip:support@[::1]:5060")) == "sip:support@tandem.test");
}

TEST_CASE("Who may have somebody called by REFER") {
  World w;
  const auto status_of = [&](const Caller& by, const std::string& to) {
    const auto no = w.front.referred(by, to);
    return no ? no->status : 200;
  };
  const Caller alice{"sip:alice@tandem.test", true, ""};
  CHECK(status_of(alice, "sip:bob@tandem.test") == 200);
  CHECK(status_of(alice, "+14155550100") == 200);
  CHECK(status_of(alice, "sip:nobody@tandem.test") == 404);
  CHECK(status_of(alice, "4155") == 404);
  CHECK(status_of(alice, "sip:carol@elsewhere.test") == 403);
  // Nobody else gets farther by a call of ours than by one of its own.
  const Caller stranger{"sip:carol@elsewhere.test", false, ""};
  const Caller liar{"sip:alice@tandem.test", false, ""};
  const Caller trunk{"sip:alice@tandem.test", true, "pstn"};
  const Caller service{"sip:support@tandem.test", true, ""};
  for (const Caller& by : {stranger, liar, trunk, service, Caller{}}) {
    CHECK(status_of(by, "sip:bob@tandem.test") == 200);
    CHECK(status_of(by, "+14155550100") == 403);
    CHECK(status_of(by, "sip:carol@elsewhere.test") == 403);
  }
  auto s = settings();
  s.mode = FrontEndMode::External;
  w.front.configure(s);
  CHECK(status_of(stranger, "+14155550100") == 200);  // the proxy's to decide
}

TEST_CASE("Asserted identities are believed from trunks and the proxy") {
  World w;
  CHECK(w.front.believed(udp("198.51.100.9", 5080)));
  CHECK(!w.front.believed(w.alice.origin));
  CHECK(!w.front.believed(w.stranger.origin));
}

TEST_CASE("A call that takes another's place may name any address, its caller is asked all the same") {
  World w;
  RequestFacts facts = w.alice.call("sip:192.0.2.1:5060");
  facts.replacing = true;
  const auto first = w.front.invited(facts, at(0s));
  REQUIRE(status(first) == 401);
  facts.credentials = {w.alice.credentials(std::get<Reply>(first), "INVITE")};
  CHECK(status(w.front.invited(facts, at(0s))) == 200);
  RequestFacts stranger = w.stranger.call("sip:192.0.2.1:5060");
  stranger.replacing = true;
  const auto verdict = w.front.invited(stranger, at(0s));
  REQUIRE(std::holds_alternative<Caller>(verdict));
  CHECK_FALSE(std::get<Caller>(verdict).authenticated);
}

TEST_CASE("Conferences are called by their addresses") {
  auto s = settings();
  s.conferences = *ConferenceNames::of("Conf{DDD}", 20, "tandem.test");
  FrontEnd front(s, kSecret);
  World w;
  const auto meaning = [&](const std::string& to) {
    RequestFacts facts;
    facts.request_uri = to;
    return front.called(facts);
  };
  CHECK(meaning("sip:conf001@tandem.test") == "sip:conf001@tandem.test");
  CHECK(meaning("sip:CONF020@192.0.2.1:5060;transport=tcp") == "sip:conf020@tandem.test");
  const auto verdict = w.alice.dial(front, "sip:conf020@tandem.test", at(0s));
  CHECK(std::holds_alternative<Caller>(verdict));
  CHECK(status(w.stranger.dial(front, "sip:conf001@tandem.test", at(0s))) == 200);
  for (const char* no : {"sip:conf000@tandem.test", "sip:conf021@tandem.test", "sip:conf01@tandem.test",
                         "sip:conf0001@tandem.test", "sip:confabc@tandem.test", "sip:conf+01@tandem.test"})
    CHECK(status(w.alice.dial(front, no, at(0s))) == 404);
  Unreachable why;
  CHECK(front.resolve("sip:conf001@tandem.test", why).empty());
  CHECK(status(w.alice.dial(w.front, "sip:conf001@tandem.test", at(0s))) == 404);  // none configured
}

TEST_CASE("Patterns of conference addresses") {
  const auto of = [](std::string_view pattern, std::uint32_t count) {
    return ConferenceNames::of(pattern, count, "tandem.test");
  };
  CHECK(of("sip:c{DD}x@other.test", 3)->name(3) == "sip:c03x@other.test");
  CHECK(of("c{D}", 9)->name(9) == "sip:c9@tandem.test");
  CHECK(of("c{DD}", 99)->number("sip:c99@tandem.test") == 99u);
  CHECK(!of("c{D}", 10));
  CHECK(!of("c", 1));
  CHECK(!of("c{}", 1));
  CHECK(!of("c{DX}", 1));
  CHECK(!of("", 1));
  CHECK(!ConferenceNames{}.number("sip:c1@tandem.test"));
}
