// The check of the invariants finds what it is for: each case breaks one thing.
#include "tserver/model/invariants.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

struct OneCall {
  static std::shared_ptr<const Settings> settings() {
    Settings made;
    for (const char* name : {"alice", "bob"}) made.dns[Dn(name)] = {.dn = Dn(name)};
    made.dns[Dn("support")] = {.dn = Dn("support"), .type = DnType::RoutingPoint};
    made.links = {{"c1", ""}};
    return std::make_shared<const Settings>(made);
  }

  OneCall() : state(settings(), Now{Instant(0), std::chrono::seconds(1790000000)}) {
    state.links[0].up = true;
    state.links_up = 1;
    for (auto& [dn, device] : state.devices) device->in_service = true;
    call = &state.create_call(0, ConversationNo{1});
    alice = state.device(Dn("alice"));
    Party party;
    party.no = PartyNo{2};
    party.device = alice;
    party.role = tlib::RoleOrigination;
    party.leg = LegState::Offered;
    caller = &state.add_party(*call, party);
  }

  bool fine() const { return check_invariants(state).empty(); }

  State state;
  Call* call = nullptr;
  Device* alice = nullptr;
  Party* caller = nullptr;
};

}  // namespace

TEST_CASE("a sound state has no violations, also when it is empty again") {
  OneCall one;
  CHECK(check_invariants(one.state) == std::vector<std::string>{});
  one.state.remove_call(*one.call);
  CHECK(one.fine());
  CHECK(one.alice->calls.empty());
}

TEST_CASE("what is broken is found") {
  OneCall one;
  SECTION("a call without parties") {
    one.state.remove_party(*one.call, *one.caller);
  }
  SECTION("a DN that doesn't know its call") {
    one.alice->calls.clear();
  }
  SECTION("a DN that knows a call it is not in") {
    one.state.device(Dn("bob"))->calls.push_back(one.call);
  }
  SECTION("a conversation that leads nowhere") {
    one.state.links[0].conversations.clear();
  }
  SECTION("a party that rings without an attempt") {
    one.caller->state = PartyState::Alerting;
    one.caller->leg = LegState::Inviting;
  }
  SECTION("a party connected without a leg") {
    one.caller->state = PartyState::Connected;
  }
  SECTION("a timer that waits for a router where none is") {
    one.call->router_timer = TimerKey{1, 1, 1};
  }
  SECTION("links counted wrongly") {
    one.state.links_up = 2;
  }
  SECTION("a DN in service without a link") {
    one.state.links[0].up = false;
  }
  SECTION("an attempt without its leg") {
    one.call->attempt.emplace().leg = PartyNo{77};
  }
  SECTION("two originators") {
    Party party = *one.caller;
    party.no = PartyNo{3};
    party.device = one.state.device(Dn("bob"));
    one.state.add_party(*one.call, party);
  }
  SECTION("a client with a request nobody knows of") {
    auto client = std::make_unique<Client>();
    client->session = SessionId{1};
    client->outstanding = 1;
    one.state.clients.emplace(SessionId{1}, std::move(client));
  }
  SECTION("a registration of one side only") {
    auto client = std::make_unique<Client>();
    client->session = SessionId{1};
    client->open = true;
    one.alice->registrations.push_back({client.get(), tlib::RegisterModeShare});
    one.state.clients.emplace(SessionId{1}, std::move(client));
  }
  CHECK_FALSE(one.fine());
}
