// Routed calls a second through the T-Server's core alone, with agents: offered, queued, (played music,) routed, rung,
// answered, hung up, after-call work, Ready. One routing client, one desktop for all agents. No network, no encoding.
// Ends with 1 if memory or allocations a call grow. model_bench [calls] [calls at once] [music] [told]
// told: a backup is told of each input's changes, as far as the bytes of each Delta
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <fstream>
#include <string>

#include "allocations.h"
#include "proto/sync.pb.h"
#include "tserver/features/machine.h"
#include "tserver/model/kept.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

constexpr SessionId kRouter{kFirstKeptSession + 1}, kDesk{kFirstKeptSession + 2};
constexpr int kAgents = 2000;  // more than calls at once: each has one call at a time

Settings the_switch(bool pair) {
  Settings settings;
  settings.hot_standby = pair;
  settings.domains = {"tandem.test"};
  settings.default_dn = "sip:agent0@tandem.test";
  settings.no_answer_timeout = std::chrono::seconds(15);
  settings.max_calls = 1000000;
  settings.max_requests_per_client = 1000000;
  settings.agents.options.wrap_up = WrapUp{std::chrono::seconds(30)};
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
  explicit Bench(bool pair) : machine_(make_machine(std::make_shared<const Settings>(the_switch(pair)), now_)) {
    if (pair) give(RoleChanged{true, 1, "first"});
    link::Hello hello;
    hello.set_incarnation(1);
    give(LinkUp{0, hello, {}});
    open(kRouter);
    registration(kRouter, "sip:support@tandem.test");
    open(kDesk);
    for (int i = 0; i < kAgents; ++i) {
      registration(kDesk, agent_name(i));
      agent_request(tlib::RequestAgentLogin, i);
    }
  }

  // From now on a backup is told of every change.
  void begin_telling() {
    told_ = true;
    machine_->begin_telling(now_, [](const std::string&, const std::string&) {});
  }
  std::uint64_t deltas() const { return deltas_; }
  std::uint64_t told_bytes() const { return told_bytes_; }

  struct Live {
    std::uint64_t conversation, caller, agent;
    int n;
  };

  static std::string agent_name(int n) { return "sip:agent" + std::to_string(n % kAgents) + "@tandem.test"; }

  void agent_request(tlib::MessageType type, int n) {
    tlib::Message request;
    request.set_type(type);
    request.set_referenceid(++reference_);
    request.set_thisdn(agent_name(n));
    if (type == tlib::RequestAgentLogin) request.set_agentid(std::to_string(n % kAgents));
    request.set_agentworkmode(tlib::AgentWorkModeAutoIn);
    give(ClientRequest{kDesk, std::move(request)});
  }

  void music(const Live& live, std::uint64_t conn_id) {
    tlib::Message request;
    request.set_type(tlib::RequestApplyTreatment);
    request.set_referenceid(++reference_);
    request.set_thisdn("sip:support@tandem.test");
    request.set_connid(conn_id);
    request.set_treatmenttype(tlib::TreatmentMusic);
    give(ClientRequest{kRouter, std::move(request)});
    link::Happening playing = about(live.conversation, live.caller);
    for (const Effect& effect : effects_) {
      const auto* order = std::get_if<Order>(&effect);
      if (order != nullptr && order->command.has_play()) playing.set_command(order->command.id());
    }
    playing.mutable_playing();
    give(Happened{0, std::move(playing)});
  }

  Live start(int n, bool with_music) {
    Live live{++ids_, ++ids_, 0, n};
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
    if (with_music) music(live, conn_id);
    tlib::Message request;
    request.set_type(tlib::RequestRouteCall);
    request.set_referenceid(++reference_);
    request.set_thisdn("sip:support@tandem.test");
    request.set_connid(conn_id);
    request.set_otherdn(agent_name(n));
    tlib::KVPair& pair = *request.mutable_userdata()->add_pairs();
    pair.set_key("skill");
    pair.set_str("billing");
    give(ClientRequest{kRouter, std::move(request)});
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
    agent_request(tlib::RequestAgentReady, live.n);
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
    if (told_) tell();
    for (const Effect& effect : effects_) events_ += std::holds_alternative<Deliver>(effect);
  }

  // As it leaves for a backup.
  void tell() {
    delta_.mutable_delta()->Clear();
    machine_->take_changes(now_, *delta_.mutable_delta());
    if (delta_.delta().put_size() + delta_.delta().deleted_size() == 0) return;
    delta_.mutable_delta()->set_sequence(++deltas_);
    delta_.SerializeToString(&wire_);
    told_bytes_ += wire_.size();
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
  bool told_ = false;
  sync::Envelope delta_;
  std::string wire_;
  std::uint64_t deltas_ = 0, told_bytes_ = 0;
};

long resident_kb() {
  std::ifstream statm("/proc/self/statm");
  long all = 0, resident = 0;
  statm >> all >> resident;
  return resident * 4;
}

struct Part {
  double seconds, cpu;
  double allocations;  // a call
  long kb;             // resident at its end
};

Part run(Bench& bench, std::deque<Bench::Live>& live, int from, int to, std::size_t at_once, bool music) {
  const std::uint64_t allocated = allocations();
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t cpu_begin = std::clock();
  for (int i = from; i < to; ++i) {
    live.push_back(bench.start(i, music));
    if (live.size() <= at_once) continue;
    bench.finish(live.front());
    live.pop_front();
  }
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC,
          static_cast<double>(allocations() - allocated) / (to - from), resident_kb()};
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 200000;
  const std::size_t at_once = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 500;
  bool music = false, told = false;
  for (int i = 3; i < argc; ++i) {
    music |= std::strcmp(argv[i], "music") == 0;
    told |= std::strcmp(argv[i], "told") == 0;
  }
  Bench bench(told);
  if (told) bench.begin_telling();
  std::deque<Bench::Live> live;
  run(bench, live, 0, calls / 4, at_once, music);  // every table has grown to its size
  const std::uint64_t bytes = bench.told_bytes(), deltas = bench.deltas();
  const Part first = run(bench, live, calls / 4, calls / 2, at_once, music);
  const Part rest = run(bench, live, calls / 2, calls, at_once, music);
  for (const auto& one : live) bench.finish(one);
  const int measured = calls - calls / 4;
  const double cpu = first.cpu + rest.cpu;
  std::printf(
      "%d routed calls with agents%s, %zu at once: %.0f calls/s of CPU time (%.2f us a call), %.0f calls/s of wall "
      "time, %.1f allocations a call, %ld KB resident, %zu events\n",
      calls, music ? " and music" : "", at_once, measured / cpu, cpu / measured * 1e6,
      measured / (first.seconds + rest.seconds), rest.allocations, rest.kb, bench.events());
  if (told)
    std::printf("told to a backup: %.0f bytes in %.1f deltas a call\n",
                static_cast<double>(bench.told_bytes() - bytes) / measured,
                static_cast<double>(bench.deltas() - deltas) / measured);
  if (rest.allocations > first.allocations * 1.01 || rest.kb > first.kb + 1024) {
    std::printf("grows: %.2f allocations a call and %ld KB at first, %.2f and %ld KB at last\n", first.allocations,
                first.kb, rest.allocations, rest.kb);
    return 1;
  }
}
