#include <catch2/catch.hpp>

#include "connector/sip/gate.h"

using namespace tandem;
using namespace tandem::connector;
using Verdict = SipGate::Verdict;

TEST_CASE("Gate: one source's bound doesn't touch another") {
  SipSettings settings;
  settings.source_unacknowledged_max = 2;
  settings.unacknowledged_max = 3;
  SipGate gate(settings);
  std::vector<SipGate::Ticket> tickets;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(gate.check("10.0.0.1", 1s) == Verdict::Pass);
    tickets.push_back(gate.ticket("10.0.0.1"));
    tickets.back().answered();
  }
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::UnacknowledgedOfSource);
  REQUIRE(gate.check("10.0.0.2", 1s) == Verdict::Pass);
  tickets.push_back(gate.ticket("10.0.0.2"));
  CHECK(gate.unanswered() == 1);
  tickets.back().answered();
  CHECK(gate.unacknowledged() == 3);
  CHECK(gate.check("10.0.0.3", 1s) == Verdict::Unacknowledged);
  tickets.front().done();
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::Pass);
  tickets.clear();
  CHECK(gate.unacknowledged() == 0);
  CHECK(gate.unanswered() == 0);
}

TEST_CASE("Gate: calls not answered yet are bounded") {
  SipSettings settings;
  settings.unanswered_max = 1;
  SipGate gate(settings);
  REQUIRE(gate.check("10.0.0.1", 1s) == Verdict::Pass);
  auto ticket = gate.ticket("10.0.0.1");
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::Unanswered);
  ticket.answered();
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::Pass);
}

TEST_CASE("Gate: the rate fills up again with time") {
  SipSettings settings;
  settings.source_invites_per_second = 2;
  SipGate gate(settings);
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::Pass);
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::Pass);
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::RateOfSource);
  CHECK(gate.check("10.0.0.1", 1500ms) == Verdict::Pass);
  CHECK(gate.check("10.0.0.1", 1500ms) == Verdict::RateOfSource);
}

TEST_CASE("Gate: an IPv6 network counts as one source, and sources are bounded") {
  SipSettings settings;
  settings.source_invites_per_second = 1;
  settings.sources_tracked = 2;
  SipGate gate(settings);
  CHECK(gate.check("2001:db8:1:2:aaaa::1", 1s) == Verdict::Pass);
  CHECK(gate.check("2001:db8:1:2:bbbb::2", 1s) == Verdict::RateOfSource);
  CHECK(gate.check("2001:db8:1:3::1", 1s) == Verdict::Pass);
  CHECK(gate.sources() == 2);
  gate.check("10.0.0.1", 1s);
  gate.check("10.0.0.2", 1s);
  CHECK(gate.sources() == 2);
  gate.check("10.0.0.3", 10s);  // the idle ones have made room
  CHECK(gate.sources() == 1);
}

TEST_CASE("Gate: strangers of one address can't fill the waiting room") {
  SipSettings settings;
  settings.source_unanswered_max = 2;
  SipGate gate(settings);
  std::vector<SipGate::Ticket> tickets;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(gate.check("10.0.0.1", 1s) == Verdict::Pass);
    REQUIRE(gate.check_stranger("10.0.0.1") == Verdict::Pass);
    tickets.push_back(gate.ticket("10.0.0.1"));
  }
  CHECK(gate.check("10.0.0.1", 1s) == Verdict::Pass);  // a phone behind the same address goes through
  CHECK(gate.check_stranger("10.0.0.1") == Verdict::UnansweredOfSource);
  CHECK(gate.check_stranger("10.0.0.2") == Verdict::Pass);
  tickets.back().answered();
  CHECK(gate.check_stranger("10.0.0.1") == Verdict::Pass);
}
