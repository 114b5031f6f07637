// The documented capacity on one T-Server's core: it has to fit, and every request to be answered. How fast it is, and
// how much of it the whole pair carries, tests/bench/model and tests/bench/capacity tell.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tserver/features/machine.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

constexpr int kAgents = 2000, kCalls = 1200, kWaiting = 200;
constexpr SessionId kRouter{1}, kDesk{2};

std::string agent(int n) {
  return "sip:agent" + std::to_string(n) + "@tandem.test";
}

std::shared_ptr<const Settings> the_switch() {
  auto settings = std::make_shared<Settings>();
  settings->links = {{"connector1", ""}};
  settings->dns[Dn("support")] = {.dn = Dn("support"), .type = DnType::RoutingPoint};
  for (int n = 0; n < kAgents; ++n) settings->dns[Dn(agent(n))] = {.dn = Dn(agent(n))};
  return settings;
}

class Centre {
 public:
  Centre() : machine_(make_machine(the_switch(), now_)) {
    link::Hello hello;
    hello.set_incarnation(1);
    give(LinkUp{0, hello, {}});
    for (const SessionId session : {kRouter, kDesk}) {
      give(ClientOpened{session, "peer"});
      ask(session, tlib::RequestRegisterClient, [](tlib::Message&) {});
    }
  }

  // The events of this type that came of it.
  template <class Fill>
  std::vector<tlib::Message> ask(SessionId session, tlib::MessageType type, Fill fill) {
    tlib::Message message;
    message.set_type(type);
    message.set_referenceid(++reference_);
    fill(message);
    return give(ClientRequest{session, std::move(message)});
  }
  template <class Fill>
  std::vector<tlib::Message> happen(std::uint64_t conversation, std::uint64_t party, Fill fill) {
    link::Happening happening;
    happening.set_conversation(conversation);
    happening.set_party(party);
    fill(happening);
    return give(Happened{0, std::move(happening)});
  }
  std::uint64_t invited() const { return invited_; }

 private:
  std::vector<tlib::Message> give(Input input) {
    Effects effects;
    machine_->handle(std::move(input), now_, effects);
    std::vector<tlib::Message> events;
    for (const Effect& effect : effects) {
      if (const auto* deliver = std::get_if<Deliver>(&effect)) events.push_back(*deliver->event);
      const auto* order = std::get_if<Order>(&effect);
      if (order != nullptr && order->command.has_invite()) invited_ = order->command.party();
    }
    return events;
  }

  Now now_;
  std::unique_ptr<Machine> machine_;
  std::int32_t reference_ = 0;
  std::uint64_t invited_ = 0;
};

std::size_t count(const std::vector<tlib::Message>& events, tlib::MessageType type) {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const tlib::Message& event) { return event.type() == type; }));
}

}  // namespace

TEST_CASE("MMC-376 MMC-377 MMC-379: 2,000 agents, 1,200 calls, 200 of them waiting, 100 updates of each call") {
  Centre centre;
  centre.ask(kRouter, tlib::RequestRegisterAddress, [](tlib::Message& m) { m.set_thisdn("support"); });
  std::size_t logged_in = 0;
  for (int n = 0; n < kAgents; ++n) {
    centre.ask(kDesk, tlib::RequestRegisterAddress, [&](tlib::Message& m) { m.set_thisdn(agent(n)); });
    const auto events = centre.ask(kDesk, tlib::RequestAgentLogin, [&](tlib::Message& m) {
      m.set_thisdn(agent(n));
      m.set_agentid(std::to_string(n));
      m.set_agentworkmode(tlib::AgentWorkModeAutoIn);
    });
    logged_in += count(events, tlib::EventAgentLogin);
  }
  CHECK(logged_in == kAgents);

  struct Live {
    std::uint64_t conversation, caller, conn_id;
    int agent;
  };
  std::vector<Live> calls;
  std::size_t queued = 0, established = 0;
  for (int n = 0; n < kCalls; ++n) {
    Live call{static_cast<std::uint64_t>(2 * n + 1), static_cast<std::uint64_t>(2 * n + 2), 0, n};
    const auto events = centre.happen(call.conversation, call.caller, [&](link::Happening& h) {
      h.mutable_offered()->set_conversation_id("c" + std::to_string(n));
      h.mutable_offered()->set_from("+1555" + std::to_string(n));
      h.mutable_offered()->set_trunk("pstn");
      h.mutable_offered()->set_to("support");
    });
    queued += count(events, tlib::EventQueued);
    call.conn_id = events.front().connid();
    calls.push_back(call);
    if (n < kWaiting) continue;
    centre.ask(kRouter, tlib::RequestRouteCall, [&](tlib::Message& m) {
      m.set_thisdn("support");
      m.set_connid(call.conn_id);
      m.set_otherdn(agent(n));
    });
    established +=
        count(centre.happen(call.conversation, centre.invited(), [](link::Happening& h) { h.mutable_answered(); }),
              tlib::EventEstablished);
  }
  CHECK(queued == kCalls);
  CHECK(established == kCalls - kWaiting);

  std::size_t updated = 0;
  for (int update = 0; update < 100; ++update) {
    for (const Live& call : calls) {
      const bool waits = call.agent < kWaiting;
      const auto events = centre.ask(waits ? kRouter : kDesk, tlib::RequestUpdateUserData, [&](tlib::Message& m) {
        m.set_thisdn(waits ? "support" : agent(call.agent));
        m.set_connid(call.conn_id);
        tlib::KVPair& pair = *m.mutable_userdata()->add_pairs();
        pair.set_key("step" + std::to_string(update % 10));
        pair.set_int_(update);
      });
      updated += count(events, tlib::EventAttachedDataChanged);
    }
  }
  CHECK(updated == kCalls * 100);

  std::size_t ended = 0;
  for (const Live& call : calls) {
    const auto events = centre.happen(call.conversation, call.caller, [](link::Happening& h) { h.mutable_left(); });
    ended += count(events, call.agent < kWaiting ? tlib::EventAbandoned : tlib::EventReleased);
  }
  CHECK(ended == kCalls);
}
