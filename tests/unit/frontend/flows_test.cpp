// Phones on connections, shared among Connectors.
#include "connector/frontend/flows.h"

#include <catch2/catch.hpp>

#include "connector/frontend/location.h"
#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

TEST_CASE("A flow's token is read by who wrote it, and by nobody else") {
  const FlowTokens ours("0123456789abcdef"), theirs("another secret!!");
  const std::string token = ours.write({"[2001:db8::1]:40000;tls", "sip:192.0.2.9:5060;transport=tcp"});
  const auto ends = ours.read(token);
  REQUIRE(ends);
  CHECK(ends->flow == "[2001:db8::1]:40000;tls");
  CHECK(ends->back == "sip:192.0.2.9:5060;transport=tcp");
  CHECK(!theirs.read(token));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK(!ours.read(changed));
  }
  CHECK(!ours.read(""));
  CHECK(!ours.read(token.substr(1)));
  CHECK(!ours.read(std::string(10000, 'a')));
}

TEST_CASE("A phone on TCP is told to the other Connectors with the way through the one that holds its connection") {
  auto s = settings();
  s.reached_at = "192.0.2.1:5060;transport=udp";
  FrontEnd here{s, kSecret};
  s.application = "Connector_2";
  s.reached_at = "192.0.2.2:5060;transport=udp";
  FrontEnd there{s, kSecret};
  Phone alice{"alice", "alice-secret", tcp("198.51.100.20", 40000)};
  REQUIRE(alice.enrol(here, "sip:alice@10.0.0.5:5060;transport=tcp", at(0s)).status == 200);
  for (const auto& registration : here.take_changed(at(0s))) there.learn(registration, at(0s));
  Unreachable why;
  auto targets = there.resolve("sip:alice@tandem.test", why);
  REQUIRE(targets.size() == 1);
  CHECK(targets[0].request_uri == "sip:alice@10.0.0.5:5060;transport=tcp");
  REQUIRE(targets[0].route.size() == 1);
  const std::string route = targets[0].route[0];
  REQUIRE(route.ends_with("@192.0.2.1:5060;transport=udp;lr"));
  CHECK(here.resolve("sip:alice@tandem.test", why).at(0).route.empty());

  const std::string token = route.substr(4, route.find('@') - 4);
  const Origin caller = udp("192.0.2.2", 5060);
  const auto onward = here.forward({caller, token, targets[0].request_uri, "sip:192.0.2.2:5060"});
  REQUIRE(onward);
  CHECK(onward->to == "sip:198.51.100.20:40000;transport=tcp");
  CHECK(onward->connection);
  REQUIRE(!onward->record.empty());
  CHECK(!there.forward({caller, token + "0", targets[0].request_uri, ""}));

  // Inside the dialog: from the phone back to who called, from there to the phone; both over the same token.
  const auto back = here.forward({alice.origin, onward->record, "sip:192.0.2.2:5060", ""});
  REQUIRE(back);
  CHECK(back->to == "sip:192.0.2.2:5060;transport=udp");
  CHECK(!back->connection);
  CHECK(back->record.empty());
  const auto again = here.forward({caller, onward->record, targets[0].request_uri, "sip:192.0.2.2:5060"});
  REQUIRE(again);
  CHECK(again->to == onward->to);
  CHECK(again->record.empty());
  // Who says to be elsewhere than it is isn't recorded: nothing is sent where nothing came from.
  const auto liar = here.forward({caller, token, targets[0].request_uri, "sip:203.0.113.5:5060"});
  REQUIRE(liar);
  CHECK(liar->record.empty());

  // The connection is gone: the way is taken back.
  here.connection_closed(alice.origin);
  const auto changed = here.take_changed(at(1s));
  REQUIRE(changed.size() == 1);
  REQUIRE(changed[0].contacts_size() == 1);
  CHECK(changed[0].contacts(0).route_size() == 0);
  there.learn(changed[0], at(1s));
  CHECK(there.resolve("sip:alice@tandem.test", why).at(0).route.empty());
}
