// Names of targets: which places, in which order; and calls to a name.
#include "connector/sip/names.h"

#include <future>
#include <set>

#include "bench_room.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

TEST_CASE("The host of a SIP URI is found whatever stands around it") {
  const auto plain = sip_host("sip:bob@tandem.test");
  CHECK(plain.host == "tandem.test");
  CHECK(plain.name);
  CHECK(plain.port == 0);
  CHECK(plain.transport.empty());
  const auto full = sip_host("sip:bob:pw@10.0.0.1:5070;user=phone;Transport=TCP?Subject=x");
  CHECK(full.host == "10.0.0.1");
  CHECK(!full.name);
  CHECK(full.port == 5070);
  CHECK(full.transport == "tcp");
  const auto six = sip_host("sips:[2001:db8::1]:5071;lr");
  CHECK(six.host == "2001:db8::1");
  CHECK(!six.name);
  CHECK(six.port == 5071);
  CHECK(six.transport == "tls");
  CHECK(sip_host("").host.empty());
  CHECK(sip_host("sip:[").host.empty());
  CHECK(sip_host("sip:x@[::1").host == "::1");
}

TEST_CASE("SRV records are tried by priority, and by weight within one") {
  std::mt19937 chance(1);
  int heavy_first = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto order =
        srv_order({{2, 100, 1, "last"}, {1, 90, 1, "heavy"}, {1, 10, 1, "light"}, {1, 0, 1, "none"}}, chance);
    REQUIRE(order.size() == 4);
    CHECK(order[3].target == "last");
    heavy_first += order[0].target == "heavy";
  }
  CHECK(heavy_first > 1650);  // 90 of 100, less the small chance of the one without weight
  CHECK(heavy_first < 1930);
}

TEST_CASE("A name becomes places: SRV where no port is given, else addresses, in random order") {
  std::mt19937 chance(1);
  std::vector<std::string> asked;
  const SipResolver resolver{[&](const std::string& name) {
                               asked.push_back(name);
                               return name == "_sip._tcp.srv.test"
                                          ? std::vector<SrvRecord>{{1, 0, 5080, "a.test"}, {2, 0, 5090, "b.test"}}
                                          : std::vector<SrvRecord>{};
                             },
                             [&](const std::string& host) {
                               if (host == "a.test") return std::vector<std::string>{"10.0.0.1"};
                               if (host == "b.test") return std::vector<std::string>{"2001:db8::1"};
                               if (host == "many.test")
                                 return std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3"};
                               return std::vector<std::string>{};
                             }};
  CHECK(resolve(sip_host("sip:srv.test;transport=tcp"), resolver, chance) ==
        std::vector<std::string>{"sip:10.0.0.1:5080;transport=tcp", "sip:[2001:db8::1]:5090;transport=tcp"});
  CHECK(resolve(sip_host("sip:b.test:5070"), resolver, chance) ==
        std::vector<std::string>{"sip:[2001:db8::1]:5070;transport=udp"});
  CHECK(resolve(sip_host("sips:a.test"), resolver, chance) ==
        std::vector<std::string>{"sip:a.test:5061;transport=tls;maddr=10.0.0.1"});
  CHECK(resolve(sip_host("sip:nowhere.test"), resolver, chance).empty());
  CHECK(asked == std::vector<std::string>{"_sip._tcp.srv.test", "_sips._tcp.a.test", "_sip._udp.nowhere.test",
                                          "_sip._tcp.nowhere.test", "_sips._tcp.nowhere.test"});
  std::set<std::string> first;
  for (int i = 0; i < 100; ++i) first.insert(resolve(sip_host("sip:many.test:5060"), resolver, chance).at(0));
  CHECK(first.size() == 3);
}

TEST_CASE("A domain's NAPTR says what it speaks, in its own order; where a transport is asked for it isn't asked") {
  std::mt19937 chance(1);
  const SipResolver resolver{[](const std::string& name) {
                               if (name == "_sips._tcp.carrier.test")
                                 return std::vector<SrvRecord>{{1, 0, 5061, "edge.carrier.test"}};
                               if (name == "_sip._tcp.carrier.test")
                                 return std::vector<SrvRecord>{{1, 0, 5060, "edge.carrier.test"}};
                               if (name == "udp.carrier.test")
                                 return std::vector<SrvRecord>{{1, 0, 5070, "edge.carrier.test"}};
                               return std::vector<SrvRecord>{};
                             },
                             [](const std::string& host) {
                               return host == "edge.carrier.test" ? std::vector<std::string>{"10.0.0.1"}
                                                                  : std::vector<std::string>{};
                             },
                             [](const std::string& domain) {
                               if (domain != "carrier.test") return std::vector<NaptrRecord>{};
                               return std::vector<NaptrRecord>{{20, 10, "SIP+D2U", "udp.carrier.test"},
                                                               {10, 20, "sip+d2t", "_sip._tcp.carrier.test"},
                                                               {10, 10, "SIPS+D2T", "_sips._tcp.carrier.test"},
                                                               {5, 10, "E2U+sip", "_sip._udp.carrier.test"}};
                             }};
  CHECK(resolve(sip_host("sip:carrier.test"), resolver, chance) ==
        std::vector<std::string>{"sip:carrier.test:5061;transport=tls;maddr=10.0.0.1",
                                 "sip:10.0.0.1:5060;transport=tcp", "sip:10.0.0.1:5070;transport=udp"});
  CHECK(resolve(sip_host("sip:carrier.test;transport=tcp"), resolver, chance) ==
        std::vector<std::string>{"sip:10.0.0.1:5060;transport=tcp"});
  const auto there = sip_host("sip:carrier.test:5061;transport=tls;maddr=[2001:db8::1]");
  CHECK(there.host == "2001:db8::1");
  CHECK(!there.name);
}

TEST_CASE("Names are asked for in another thread; an end while a question is open waits for nobody") {
  std::promise<void> entered;
  std::promise<void> release;
  auto wait = release.get_future().share();
  bool delivered = false;
  {
    SipNames names({[](const std::string&) { return std::vector<SrvRecord>{}; },
                    [&entered, wait](const std::string&) {
                      entered.set_value();
                      wait.wait();
                      return std::vector<std::string>{"10.0.0.1"};
                    }},
                   [&delivered](std::function<void()>) { delivered = true; });
    REQUIRE(names.ask(sip_host("sip:a.test:1"), [](std::vector<std::string>) {}));
    entered.get_future().wait();
  }
  release.set_value();
  CHECK(!delivered);
}

TEST_CASE("A call to a name goes to its address; in the dialog the Contact counts") {
  Bench bench;
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  auto order = invite_to(peer);
  SECTION("Request-URI") {
    order.target.request_uri = "sip:bob@localhost:" + std::to_string(peer.port());
  }
  SECTION("next hop") {
    order.target.request_uri = "sip:bob@tandem.test";
    order.target.next_hop = "sip:localhost:" + std::to_string(peer.port());
  }
  bench.perform(order);
  const auto invite = peer.request("INVITE");
  REQUIRE(invite);
  CHECK(invite->uri() == order.target.request_uri);
  peer.send(peer.answer(*invite, 200, "bob", kAnswer));
  CHECK(peer.request("ACK"));
  REQUIRE(bench.next<InviteAccepted>());
  bench.perform(SendBye{order.leg, ""});
  bench.perform(ForgetLeg{order.leg});
  const auto bye = peer.request("BYE");
  REQUIRE(bye);
  peer.send(peer.answer(*bye, 200, ""));
  CHECK(bench.empty());
}

TEST_CASE("When nobody is at the first place of a name, the next is tried") {
  Peer peer;
  std::uint16_t closed = 0;
  {
    const Peer gone;
    closed = gone.port();
  }
  Bench bench(quick_settings(),
              {[&](const std::string&) {
                 return std::vector<SrvRecord>{{1, 0, closed, "a.test"}, {2, 0, peer.port(), "b.test"}};
               },
               [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }});
  peer.towards("127.0.0.1", bench.port());
  auto order = invite_to(peer);
  order.target.request_uri = "sip:bob@pool.test";
  bench.perform(order);
  const auto invite = peer.request("INVITE", 10s);
  REQUIRE(invite);
  CHECK(invite->uri() == "sip:bob@pool.test");
  CHECK(invite->header("Call-ID") == order.call_id);
  CHECK(bench.nothing_else());
  peer.send(peer.answer(*invite, 503, "bob"));  // a real answer is the answer
  const auto rejected = bench.next<InviteRejected>();
  REQUIRE(rejected);
  CHECK(rejected->status == 503);
  bench.perform(ForgetLeg{order.leg});
  CHECK(bench.empty());
}

TEST_CASE("An address that answers 503, or nothing, is left for the next one, and tried last for a while") {
  Peer first, second;
  auto settings = quick_settings();
  settings.next_address = 300ms;
  Bench bench(settings,
              {[&](const std::string&) {
                 return std::vector<SrvRecord>{{1, 0, first.port(), "a.test"}, {2, 0, second.port(), "b.test"}};
               },
               [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }});
  first.towards("127.0.0.1", bench.port());
  second.towards("127.0.0.1", bench.port());
  auto order = invite_to(first);
  order.target.request_uri = "sip:bob@pool.test";
  bench.perform(order);
  const auto left = first.request("INVITE");
  REQUIRE(left);
  const bool silent = GENERATE(false, true);
  if (!silent) first.send(first.answer(*left, 503, "x"));
  const auto invite = second.request("INVITE");
  REQUIRE(invite);
  CHECK(invite->header("Call-ID") == order.call_id);
  CHECK(invite->tag("From") != left->tag("From"));
  if (silent) first.send(first.answer(*left, 180, "late"));  // too late: it is cancelled
  if (silent) CHECK(first.request("CANCEL"));
  second.send(second.answer(*invite, 200, "bob", kAnswer));
  REQUIRE(second.request("ACK"));
  REQUIRE(bench.next<InviteAccepted>());
  auto again = invite_to(first, LegId{1ull << 63 | 2});
  again.target.request_uri = "sip:bob@pool.test";
  bench.perform(again);
  const auto direct = second.request("INVITE");
  REQUIRE(direct);
  CHECK(direct->header("Call-ID") == again.call_id);
  second.send(second.answer(*direct, 486, "bob"));
  CHECK(bench.next<InviteRejected>()->status == 486);
  CHECK(bench.nothing_else());
}

TEST_CASE("A name that leads nowhere is a refusal; a call to one can be taken back") {
  Bench bench;
  Peer peer;
  auto order = invite_to(peer);
  order.target.request_uri = "sip:bob@no-such-name.invalid:5060";
  bench.perform(order);
  SECTION("nowhere") {
    const auto rejected = bench.next<InviteRejected>(30s);
    REQUIRE(rejected);
    CHECK(rejected->status == 503);
  }
  SECTION("taken back") {
    bench.perform(SendCancel{order.leg, ""});
    const auto rejected = bench.next<InviteRejected>(30s);
    REQUIRE(rejected);
    CHECK((rejected->status == 487 || rejected->status == 503));
  }
  SECTION("forgotten") {}
  bench.perform(ForgetLeg{order.leg});
  CHECK(bench.empty());
}
