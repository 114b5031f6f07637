#include "server.h"

#include <algorithm>

#include "common/base/overloaded.h"
#include "connector.h"
#include "tserver/model/invariants.h"

namespace tandem::simulation {

using namespace tserver;

Server::Server(Network& network, std::string name, Settings settings, Arbiter* arbiter,
               const std::vector<std::unique_ptr<Connector>>& connectors, Tally& tally, Done& done)
    : Process(network, std::move(name)),
      settings_(std::move(settings)),
      arbiter_(arbiter),
      connectors_(connectors),
      tally_(tally),
      done_(done) {}

Server::~Server() {
  sync_.reset();  // it knows the clients
}

void Server::started() {
  const Now now = this->now();
  machine_ = std::make_unique<FeatureMachine>(settings_, now);
  timers_ = {};
  later_.clear();
  busy_ = role_busy_ = held_ = false;
  role_inputs_.clear();
  sequence_ = 0;
  checker_ = std::make_unique<test::SequenceChecker>();
  told_faults_ = 0;
  const bool alone = arbiter_ == nullptr;
  link_role_ = alone ? link::ROLE_PRIMARY : link::ROLE_BACKUP;
  epoch_ = alone ? static_cast<std::uint64_t>(now.wall.count() / 1000) : 0;
  clients_ = std::make_unique<ClientEdge>(*this, done_, kWall.value, alone, [this](Input in) { take(std::move(in)); });
  taking_over_ = false;
  told_on_.reset();
  if (alone) done_.forget(schedule_.steady());
  take(ClientOpened{kWall, "wall"});
  tlib::Message hello;
  hello.set_type(tlib::RequestRegisterClient);
  take(ClientRequest{kWall, hello});
  for (const auto& [dn, ignored] : std::map<Dn, DnSettings>(settings_->dns.begin(), settings_->dns.end())) {
    tlib::Message on;
    on.set_type(tlib::RequestRegisterAddress);
    on.set_thisdn(dn.str());
    on.set_registermode(tlib::RegisterModeMonitor);
    take(ClientRequest{kWall, on});
  }
  lines_.clear();
  lines_.resize(connectors_.size());
  for (LinkNo no = 0; no < lines_.size(); ++no) {
    lines_[no].connector = connectors_[no].get();
    dial(no, Instant{0});
  }
  role_.reset();
  if (alone) return;
  begin_sync();
  role_ = std::make_unique<RoleMachine>(
      RoleOptions{.ask_every = 300ms, .renew_every = 500ms, .margin = 200ms, .rest = 2s, .first = 300ms});
  role_->begin(schedule_.steady());
  take_role(RoleTick{});
}

void Server::ended() {
  if (arbiter_ != nullptr) arbiter_->died(*this);
  role_.reset();
  told_on_ = sync_ && state().role == Role::Primary ? sync_->telling_on() : nullptr;
  sync_.reset();
  remembered_.reset();
  remembered_sessions_.clear();
  lines_.clear();
  clients_.reset();
}

// --- The machine ---

void Server::take(Input input) {
  if (busy_ || held_) {
    later_.push_back(std::move(input));
    return;
  }
  if (role_ && role_->primary() && !role_->holds(schedule_.steady())) take_role(RoleTick{});
  busy_ = true;
  handle(std::move(input));
  while (!later_.empty()) {
    Input next = std::move(later_.front());
    later_.pop_front();
    handle(std::move(next));
  }
  busy_ = false;
}

void Server::handle(Input input) {
  if (const auto* request = std::get_if<ClientRequest>(&input); request != nullptr && !clients_->begins(*request))
    return;
  const bool taken_up = std::holds_alternative<LinkUp>(input);
  const auto* happened = std::get_if<Happened>(&input);
  const bool taken_over = happened != nullptr && happened->happening.has_taken_over();
  const LinkNo link = taken_up ? std::get<LinkUp>(input).link : 0;
  const bool first = taken_up && state().links[link].coming_up;  // since we became primary
  const std::size_t before = state().calls.size();
  const std::vector<Kept> kept = taken_up ? expected_to_stay(std::get<LinkUp>(input)) : std::vector<Kept>();
  Effects effects;
  machine_->handle(std::move(input), now(), effects);
  if (taken_up && state().calls.size() > before) tally_.adopted += state().calls.size() - before;
  for (const Kept& one : kept) expect_kept(one);
  clients_->record(effects);
  if (sync_ != nullptr) sync_->tell_changes(effects);  // leaves before all that follows from the input
  checker_->note_conferences(state());
  for (Effect& effect : effects) carry_out(effect);
  if (first) checker_->take_up_anew(state(), link);
  if (taking_over_) check_taken_over();
  check_after(taken_up || taken_over);
}

void Server::check_after(bool adopted) {
  if (adopted) checker_->take_up(state());
  for (const std::string& what : check_invariants(state())) fault("invariant: " + what);
  for (; told_faults_ < checker_->faults().size(); ++told_faults_) fault("events: " + checker_->faults()[told_faults_]);
  if (sync_ != nullptr && !primary() && sync_->reported().sync == PairReport::Sync::CaughtUp &&
      (sync_->knowledge() == nullptr || !sync_->caught_up()))
    fault("calls itself backup, and doesn't know it all");
}

// A call that the Connector has whole when it comes (again) is the same afterwards.
std::vector<Server::Kept> Server::expected_to_stay(const LinkUp& input) const {
  std::vector<Kept> out;
  if (!primary() || input.link >= state().links.size()) return out;
  const CtiLink& link = state().links[input.link];
  if (link.taken_by) return out;
  for (const link::Conversation& conversation : input.snapshot.conversations()) {
    const ConversationNo no{conversation.conversation()};
    const auto known = link.conversations.find(no);
    if (known == link.conversations.end() || link.moved.contains(no)) continue;
    const Call& call = *known->second;
    const auto there = [&](PartyNo party, bool up) {
      return std::any_of(conversation.parties().begin(), conversation.parties().end(), [&](const link::Party& one) {
        // One that rings, it says, though it had answered: its disk didn't hear of that.
        const bool rings = one.state() == link::INVITING || one.state() == link::ALERTING;
        return one.party() == party.value && !(up && rings);
      });
    };
    const bool whole = std::all_of(call.parties.begin(), call.parties.end(), [&](const Party& party) {
      return !party.no || there(party.no, party.leg == LegState::Up);
    });
    if (whole && (!call.attempt || there(call.attempt->leg, false)))
      out.push_back({call.id, call.uuid, call.user_data.SerializeAsString()});
  }
  return out;
}

void Server::expect_kept(const Kept& kept) {
  const auto it = state().calls.find(kept.id);
  if (it == state().calls.end()) return fault("call " + to_string(kept.id) + " was lost, and its Connector has it");
  if (it->second->uuid != kept.uuid || it->second->user_data.SerializeAsString() != kept.user_data)
    fault("call " + to_string(kept.id) + " is not what it was before its Connector came");
}

void Server::carry_out(Effect& effect) {
  std::visit(Overloaded{
                 [this](const Deliver& event) { deliver(event); },
                 [this](Order& one) { order(one); },
                 [this](const SetTimer& timer) {
                   timers_.set(timer.key, timer.at);
                   later(timer.at - schedule_.steady(), [this] { fire_due(); });
                 },
                 [this](const CancelTimer& timer) { timers_.cancel(timer.key); },
                 [this](CancelAllTimers) { timers_ = {}; },
                 [this](const GiveUpRole& role) { give_up(role); },
                 [this](const CloseClient& client) { clients_->close(client.session, client.why); },
                 [this](const LogLine& line) { trace(line.text); },
             },
             effect);
}

void Server::fire_due() {
  while (timers_.next() && *timers_.next() <= schedule_.steady()) take(TimerFired{*timers_.pop(schedule_.steady())});
}

void Server::expect_quiet() {
  if (!state().calls.empty()) fault(std::to_string(state().calls.size()) + " calls are left");
  while (const auto key = timers_.pop(Instant::max()))
    fault("a timer of kind " + std::to_string(key->kind) + " is left");
  for (const auto& [dn, device] : state().devices) {
    if (!device->calls.empty()) fault(dn.str() + " has calls left");
  }
  for (const CtiLink& link : state().links) {
    if (!link.call_data.empty()) fault("link " + link.name + " has call data left");
    if (!link.conversations.empty()) fault("link " + link.name + " has conversations left");
    if (!link.merged.empty()) fault("link " + link.name + " has merged conversations left");
  }
  if (!state().awaited.empty()) fault("awaited commands are left");
  if (!primary()) return;
  checker_->expect_closed();
  check_after(false);
}

}  // namespace tandem::simulation
