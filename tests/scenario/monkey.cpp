#include "monkey.h"

#include <algorithm>

#include "monkey_class.h"

namespace tandem::tserver::test {

const std::vector<std::string> kExtensions{"alice", "bob", "carol", "dave", "e05", "e06", "e07", "e08", "e09", "e10",
                                           "e11",   "e12", "e13",   "e14",  "e15", "e16", "e17", "e18", "e19", "e20"};
const std::vector<std::string> kRoutingPoints{"support", "sales", "night"};
const std::vector<std::string> kNumbers{"+1555", "+1666", "+1777", "9911", "sip:out@side", ""};

Settings random_switch(bool pair) {
  Settings settings;
  settings.hot_standby = pair;
  settings.domains = {"t.test"};
  settings.links = {{"c1", ""}, {"c2", ""}, {"w1", "West"}};
  settings.no_answer_timeout = std::chrono::seconds(15);
  settings.user_data_limit = 200;
  settings.max_calls = 24;
  settings.max_requests_per_client = 3;
  for (const std::string& name : kExtensions) settings.dns[Dn(name)] = {.dn = Dn(name)};
  for (const std::string& name : kRoutingPoints)
    settings.dns[Dn(name)] = {.dn = Dn(name), .type = DnType::RoutingPoint};
  settings.dns[Dn("dave")].pool = "West";
  settings.dns[Dn("sales")].default_dn = "night";
  settings.dns[Dn("night")].default_dn = "sales";
  settings.dns[Dn("queue")] = {.dn = Dn("queue"), .type = DnType::VirtualQueue};
  settings.default_dn = "carol";
  settings.conference_pools = {""};
  for (const char* name : {"bob", "e05", "e06", "e07"}) settings.dns[Dn(name)].pass_through = PassThrough::None;
  settings.dns[Dn("e08")].pass_through = PassThrough::Iscc;
  settings.dns[Dn("e09")].direct_calls = DirectCalls::No;
  settings.dns[Dn("e10")].direct_calls = DirectCalls::OnLogin;
  settings.dns[Dn("erp")] = {.dn = Dn("erp"), .type = DnType::ExternalRoutingPoint};
  settings.associations["1777"] = Dn("erp");
  settings.dial_plans[""].cpn = "5550199";
  for (const char* rule : {"+1666", "9{#}=>????"}) {
    if (const auto parsed = DialPlanRule::parse(rule)) settings.dial_plans[""].rules.push_back(*parsed);
  }
  settings.dial_plans[""].back_to_back = true;
  settings.agents.options.wrap_up = WrapUp{std::chrono::seconds(8)};
  settings.agents.options.legal_guard = std::chrono::seconds(2);
  settings.agents.options.auto_logout = std::chrono::minutes(3);
  settings.agents.options.login_on_call = true;
  settings.agents.options.no_answer_action = NoAnswerAction::NotReady;
  settings.dns[Dn("bob")].agent.wrap_up = WrapUp{{}, true};
  settings.dns[Dn("bob")].agent.no_answer_action = NoAnswerAction::Logout;
  return settings;
}

Monkey::Monkey(std::uint32_t seed, bool pair)
    : random_(seed), pair_(pair), settings_(random_switch(pair)), world_(settings_), connectors_(3) {
  if (pair) {
    step(RoleChanged{true, 1, "first"});
    world_.begin_backup();
  }
  step(ClientOpened{kWall, "wall"});
  request(kWall, tlib::RequestRegisterClient, [](tlib::Message&) {});
  for (LinkNo no = 0; no < 3; ++no) link_up(no, true);
  watch_everything();
}

void Monkey::act() {
  if (pair_ && one_in(200)) return take_over();
  switch (pick(44)) {
    case 0:
      return open_or_close();
    case 1:
    case 2:
      return registration();
    case 3:
    case 4:
    case 5:
      return offer();
    case 6:
    case 7:
    case 8:
    case 9:
      return call_request();
    case 10:
      return data_request();
    case 11:
      return make_call();
    case 12:
      return pass_time();
    case 13:
      return lose_or_find_link();
    case 14:
      return one_in(6) ? change_settings() : odd_request();
    case 15:
      return late_happening();
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
    case 21:
    case 22:
    case 23:
      return party_request();
    case 24:
    case 25:
    case 26:
      return two_call_request();
    case 27:
      return refer();
    case 28:
      return enter();
    case 29:
    case 30:
      return agent_request();
    case 31:
      return small_request();
    case 32:
      return queue_request();
    case 33:
    case 34:
      return conference_request();
    case 35:
      return conference_happening();
    default:
      return phone_happening();
  }
}

void Monkey::finish() {
  for (LinkNo no = 0; no < 3; ++no) {
    auto talks = connectors_[no].talks();
    for (const auto& [conversation, talk] : talks) {
      for (const auto& [party, leg] : talk.legs)
        happen(no, conversation, party, [](link::Happening& h) { h.mutable_left(); });
    }
  }
  for (const SessionId session : clients_) step(ClientClosed{session, "the end"});  // agents go with them
  clients_.clear();
  advance(std::chrono::minutes(20));
  if (!world_.state().calls.empty() || !world_.state().agents.by_id.empty()) {
    for (LinkNo no = 0; no < 3; ++no) link_up(no, true);
  }
  advance(std::chrono::minutes(20));
  log_out_orphans();
  world_.expect_empty();
  checker_.expect_closed();
}

std::vector<std::string> Monkey::faults() {
  std::vector<std::string> all = world_.faults();
  all.insert(all.end(), checker_.faults().begin(), checker_.faults().end());
  return all;
}

std::string Monkey::story() const {
  std::string text;
  const auto& log = world_.log();
  for (std::size_t i = log.size() > 40 ? log.size() - 40 : 0; i < log.size(); ++i) text += log[i] + "\n";
  return text;
}

std::string Monkey::anywhere() {
  switch (pick(8)) {
    case 0:
      return any(kNumbers);
    case 1:
    case 2:
      return any(kRoutingPoints);
    case 3:
      return one_in(3) ? kQueue : "nobody at all";
    default:
      return any(kExtensions);
  }
}

void Monkey::saw(const Effects& effects) {
  checker_.note_conferences(world_.state());
  for (const auto& [id, call] : world_.state().calls) in_lobbies_ += !call->lobby.guests.empty();
  for (const Effect& effect : effects) {
    if (const auto* order = std::get_if<Order>(&effect)) {
      remember(order->link, order->command.conversation(), order->command.party());
      if (!one_in(200)) connectors_[order->link].obey(order->command);  // sometimes a command is lost
    } else if (const auto* deliver = std::get_if<Deliver>(&effect)) {
      const auto type = deliver->event->type();
      calls_seen_ += type == tlib::EventEstablished;
      routed_ += type == tlib::EventDiverted;
      if (static_cast<std::size_t>(type) < seen_.size()) ++seen_[static_cast<std::size_t>(type)];
      if (std::find(deliver->to.begin(), deliver->to.end(), kWall) != deliver->to.end()) checker_.see(*deliver->event);
    }
  }
}

Run play(std::uint32_t seed, std::uint32_t steps, bool pair) {
  Monkey monkey(seed, pair);
  Run run;
  while (run.steps < steps && monkey.faults().empty()) {
    monkey.act();
    ++run.steps;
  }
  if (monkey.faults().empty()) monkey.finish();
  run.established = monkey.calls_seen();
  run.diverted = monkey.routed();
  run.takeovers = monkey.takeovers();
  run.held = monkey.seen(tlib::EventHeld);
  run.moved = monkey.seen(tlib::EventPartyChanged);
  run.added = monkey.seen(tlib::EventPartyAdded);
  run.deleted = monkey.seen(tlib::EventPartyDeleted);
  run.lobbies = monkey.in_lobbies();
  run.faults = monkey.faults();
  run.story = monkey.story();
  return run;
}

}  // namespace tandem::tserver::test
