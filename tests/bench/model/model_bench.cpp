// Routed calls a second through the T-Server's core alone: offered, queued, routed, rung, answered, hung up. One
// routing client, one desktop on each agent's DN. No network, no encoding. model_bench [calls] [calls waiting at once]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <string>

#include "tserver/features/machine.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

constexpr int kAgents = 200;

Settings the_switch() {
  Settings settings;
  settings.domains = {"tandem.test"};
  settings.default_dn = "sip:agent0@tandem.test";
  settings.no_answer_timeout = std::chrono::seconds(15);
  settings.max_calls = 1000000;
  settings.max_requests_per_client = 1000000;
  settings.links = {{"connector1", ""}};
  const Dn rp("sip:support@tandem.test");
  settings.dns[rp] = {.dn = rp, .type = DnType::RoutingPoint};
  for (int i = 0; i < kAgents; ++i) {
    const Dn dn("sip:agent" + std::to_string(i) + "@tandem.test");
    settings.dns[dn] = {.dn = dn};
  }
  return settings;
}

class Bench {
 public:
  Bench() : machine_(make_machine(std::make_shared<const Settings>(the_switch()), now_)) {
    link::Hello hello;
    hello.set_incarnation(1);
    give(LinkUp{0, hello, {}});
    open(SessionId{1});
    registration(SessionId{1}, "sip:support@tandem.test");
    open(SessionId{2});
    for (int i = 0; i < kAgents; ++i) registration(SessionId{2}, "sip:agent" + std::to_string(i) + "@tandem.test");
  }

  struct Live {
    std::uint64_t conversation, caller, agent;
  };

  Live start(int n) {
    Live live{++ids_, ++ids_, 0};
    link::Happening happening = about(live.conversation, live.caller);
    link::Offered& offered = *happening.mutable_offered();
    offered.set_conversation_id("0123456789abcdef-Genesys");
    offered.set_from("sip:+15551234@trunk.test");
    offered.set_trunk("pstn");
    offered.set_to("sip:support@tandem.test");
    offered.set_call_id("8a7b6c5d@trunk.test");
    give(Happened{0, std::move(happening)});
    std::uint64_t conn_id = 0;
    for (const Effect& effect : effects_) {
      if (const auto* deliver = std::get_if<Deliver>(&effect)) conn_id = deliver->event->connid();
    }
    tlib::Message request;
    request.set_type(tlib::RequestRouteCall);
    request.set_referenceid(++reference_);
    request.set_thisdn("sip:support@tandem.test");
    request.set_connid(conn_id);
    request.set_otherdn("sip:agent" + std::to_string(n % kAgents) + "@tandem.test");
    tlib::KVPair& pair = *request.mutable_userdata()->add_pairs();
    pair.set_key("skill");
    pair.set_str("billing");
    give(ClientRequest{SessionId{1}, std::move(request)});
    for (const Effect& effect : effects_) {
      if (const auto* order = std::get_if<Order>(&effect); order != nullptr && order->command.has_invite())
        live.agent = order->command.party();
    }
    return live;
  }

  void finish(const Live& live) {
    link::Happening alerting = about(live.conversation, live.agent);
    alerting.mutable_alerting();
    give(Happened{0, std::move(alerting)});
    link::Happening answered = about(live.conversation, live.agent);
    answered.mutable_answered()->set_call_id("1f2e3d4c@tandem.test");
    give(Happened{0, std::move(answered)});
    link::Happening left = about(live.conversation, live.caller);
    left.mutable_left();
    give(Happened{0, std::move(left)});
  }

  std::size_t events() const { return events_; }

 private:
  static link::Happening about(std::uint64_t conversation, std::uint64_t party) {
    link::Happening happening;
    happening.set_conversation(conversation);
    happening.set_party(party);
    return happening;
  }

  void give(Input input) {
    effects_.clear();
    machine_->handle(std::move(input), now_, effects_);
    for (const Effect& effect : effects_) events_ += std::holds_alternative<Deliver>(effect);
  }

  void open(SessionId session) {
    give(ClientOpened{session, "bench"});
    tlib::Message message;
    message.set_type(tlib::RequestRegisterClient);
    give(ClientRequest{session, message});
  }

  void registration(SessionId session, const std::string& dn) {
    tlib::Message message;
    message.set_type(tlib::RequestRegisterAddress);
    message.set_thisdn(dn);
    give(ClientRequest{session, message});
  }

  Now now_{std::chrono::seconds(1), std::chrono::seconds(1790000000)};
  std::unique_ptr<Machine> machine_;
  Effects effects_;
  std::uint64_t ids_ = 0;
  std::int32_t reference_ = 0;
  std::size_t events_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 200000;
  const std::size_t at_once = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 500;
  Bench bench;
  std::deque<Bench::Live> live;
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t cpu_begin = std::clock();
  for (int i = 0; i < calls; ++i) {
    live.push_back(bench.start(i));
    if (live.size() > at_once) {
      bench.finish(live.front());
      live.pop_front();
    }
  }
  for (const auto& one : live) bench.finish(one);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
  std::printf(
      "%d routed calls, %zu at once: %.0f calls/s of CPU time (%.2f us a call), %.0f calls/s of wall time, %zu "
      "events\n",
      calls, at_once, calls / cpu, cpu / calls * 1e6, calls / seconds, bench.events());
}
