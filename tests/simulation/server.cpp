#include "server.h"

#include <algorithm>

#include "connector.h"
#include "tserver/model/invariants.h"

namespace tandem::simulation {

using namespace tserver;

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// Registered on every DN all the time, inside the process: it hears every event.
constexpr SessionId kWall{1};

}  // namespace

Server::Server(Network& network, std::string name, Settings settings, Arbiter* arbiter,
               const std::vector<std::unique_ptr<Connector>>& connectors, Tally& tally)
    : Process(network, std::move(name)),
      settings_(std::move(settings)),
      arbiter_(arbiter),
      connectors_(connectors),
      tally_(tally) {}

void Server::started() {
  const Now now = schedule_.now();
  machine_ = std::make_unique<FeatureMachine>(settings_, now);
  timers_ = {};
  later_.clear();
  busy_ = role_busy_ = false;
  role_inputs_.clear();
  sequence_ = 0;
  last_session_ = kWall.value;
  checker_ = std::make_unique<test::SequenceChecker>();
  told_faults_ = 0;
  const bool alone = arbiter_ == nullptr;
  link_role_ = alone ? link::ROLE_PRIMARY : link::ROLE_BACKUP;
  epoch_ = alone ? static_cast<std::uint64_t>(now.wall.count() / 1000) : 0;
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
  role_ =
      std::make_unique<RoleMachine>(RoleOptions{.ask_every = 300ms, .renew_every = 500ms, .margin = 200ms, .rest = 2s});
  take_role(RoleTick{});
}

void Server::ended() {
  if (arbiter_ != nullptr) arbiter_->died(*this);
  role_.reset();
  lines_.clear();
  sessions_.clear();
}

// --- The machine ---

void Server::take(Input input) {
  if (busy_) {
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
  const bool taken_up = std::holds_alternative<LinkUp>(input);
  const std::size_t before = state().calls.size();
  Effects effects;
  machine_->handle(std::move(input), schedule_.now(), effects);
  if (taken_up && state().calls.size() > before) tally_.adopted += state().calls.size() - before;
  checker_->note_conferences(state());
  for (Effect& effect : effects) carry_out(effect);
  check_after(taken_up);
}

void Server::check_after(bool adopted) {
  if (adopted) checker_->take_up(state());
  for (const std::string& what : check_invariants(state())) schedule_.fault(name() + " invariant: " + what);
  for (; told_faults_ < checker_->faults().size(); ++told_faults_)
    schedule_.fault(name() + " events: " + checker_->faults()[told_faults_]);
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
                 [this](const GiveUpRole& role) {
                   later(Instant{0}, [this, why = role.why] { take_role(RoleGivenUp{why}); });
                 },
                 [this](const CloseClient& client) {
                   const auto it = sessions_.find(client.session);
                   if (it == sessions_.end()) return;
                   it->second.stream->close(1);
                   later(Instant{0}, [this, session = client.session, why = client.why] {
                     if (sessions_.erase(session) != 0) take(ClientClosed{session, why});
                   });
                 },
                 [this](const LogLine& line) { trace(line.text); },
             },
             effect);
}

void Server::fire_due() {
  while (timers_.next() && *timers_.next() <= schedule_.steady()) take(TimerFired{*timers_.pop(schedule_.steady())});
}

void Server::deliver(const Deliver& deliver) {
  if (deliver.event->eventsequencenumber() != ++sequence_) schedule_.fault(name() + ": EventSequenceNumber has a gap");
  const auto type = deliver.event->type();
  tally_.established += type == tlib::EventEstablished;
  tally_.diverted += type == tlib::EventDiverted;
  tally_.held += type == tlib::EventHeld;
  tally_.moved += type == tlib::EventPartyChanged;
  tally_.added += type == tlib::EventPartyAdded;
  if (schedule_.traced()) {
    std::string to;
    for (const SessionId session : deliver.to)
      to += " " + std::to_string(session.value) +
            (session == deliver.requester ? "#" + std::to_string(deliver.reference_id) : "");
    trace("event " + deliver.event->ShortDebugString() + " for" + to);
  }
  for (const SessionId to : deliver.to) {
    if (to == kWall) {
      checker_->see(*deliver.event);
      continue;
    }
    const auto it = sessions_.find(to);
    if (it == sessions_.end()) continue;
    Session& session = it->second;
    session.stream->send(1, [event = deliver.event, listener = session.listener, number = ++session.events,
                             reference = to == deliver.requester ? deliver.reference_id : 0] {
      listener.event(event, reference, number);
    });
  }
}

void Server::order(Order& order) {
  if (schedule_.traced()) trace("orders " + connectors_[order.link]->name() + " " + order.command.ShortDebugString());
  Line& line = lines_[order.link];
  LinkSession::Effects effects;
  if (!line.session || !line.session->command(std::move(order.command), effects)) return;
  if (arbiter_ != nullptr && !arbiter_->holds(*this)) schedule_.fault(name() + " commands without the role");
  carry_out(order.link, std::move(effects));
}

// --- Clients ---

SessionId Server::accept(StreamPtr stream, Listener listener) {
  const SessionId session{++last_session_};
  stream->on_closed(1, [this, session](const std::string& why) {
    if (sessions_.erase(session) != 0) take(ClientClosed{session, why});
  });
  sessions_[session] = {std::move(stream), std::move(listener)};
  take(ClientOpened{session, "client"});
  return session;
}

void Server::ask(SessionId session, tlib::Message message) {
  if (!sessions_.contains(session)) return;
  if (schedule_.traced()) trace("from client " + std::to_string(session.value) + " " + message.ShortDebugString());
  take(ClientRequest{session, std::move(message)});
}

// --- The role ---

void Server::take_role(RoleInput input) {
  if (!role_) return;
  role_inputs_.push_back(std::move(input));
  if (std::exchange(role_busy_, true)) return;
  while (!role_inputs_.empty()) {
    const RoleInput next = std::move(role_inputs_.front());
    role_inputs_.pop_front();
    RoleEffects effects;
    role_->handle(next, schedule_.steady(), effects);
    for (RoleEffect& effect : effects) carry_out(effect);
  }
  role_busy_ = false;
  const Instant due = role_->due();
  if (due == Instant::max()) return;
  later(std::max(due - schedule_.steady(), Instant{0}), [this, due] {
    if (role_ && role_->due() <= schedule_.steady()) take_role(RoleTick{});
  });
}

void Server::carry_out(RoleEffect& effect) {
  std::visit(Overloaded{
                 [this](AskForRole) { arbiter_->acquire(*this, [this](RoleInput in) { take_role(std::move(in)); }); },
                 [this](RenewRole) { arbiter_->renew(*this, [this](RoleInput in) { take_role(std::move(in)); }); },
                 [this](ReleaseRole) { arbiter_->release(*this); },
                 [this](const BecomePrimary& role) {
                   ++tally_.takeovers;
                   checker_ = std::make_unique<test::SequenceChecker>();
                   told_faults_ = 0;
                   take(RoleChanged{true, role.epoch, "the arbiter gave it the role"});
                   set_role(link::ROLE_PRIMARY, role.epoch);
                 },
                 [this](const BecomeBackup& role) {
                   set_role(link::ROLE_BACKUP, 0);
                   take(RoleChanged{false, 0, role.why});
                 },
                 [this](const RoleNote& note) { trace("role: " + note.text); },
             },
             effect);
}

// --- Links ---

void Server::set_role(link::Role role, std::uint64_t epoch) {
  link_role_ = role;
  epoch_ = epoch;
  for (LinkNo no = 0; no < lines_.size(); ++no) {
    if (!lines_[no].session) continue;
    LinkSession::Effects effects;
    lines_[no].session->role(role, epoch, schedule_.steady(), effects);
    carry_out(no, std::move(effects));
    check(no);
  }
}

bool Server::links_up() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.up; });
}

void Server::dial(LinkNo no, Instant wait) {
  later(wait, [this, no] {
    network_.connect(
        *this, *lines_[no].connector,
        [connector = lines_[no].connector](StreamPtr s) { connector->accept(std::move(s)); },
        [this, no](StreamPtr stream) { connected(no, std::move(stream)); },
        [this, no] { dial(no, std::min<Instant>(100ms * (1 << std::min(++lines_[no].tries, 5u)), 2s)); });
  });
}

void Server::connected(LinkNo no, StreamPtr stream) {
  Line& line = lines_[no];
  line.stream = stream;
  line.tries = 0;
  stream->on_closed(0, [this, no](const std::string& why) { down(no, why); });
  link::Hello hello;
  hello.set_application(name());
  hello.set_role(link_role_);
  line.session = std::make_unique<LinkSession>(LinkSessionOptions{.hello = hello, .epoch = epoch_});
  line.connector->hear_from(stream, [this, no, stream](const link::Envelope& envelope) {
    if (lines_[no].stream != stream || !lines_[no].session) return;
    LinkSession::Effects heard;
    lines_[no].session->received(envelope, schedule_.steady(), heard);
    carry_out(no, std::move(heard));
  });
  LinkSession::Effects effects;
  line.session->connected(schedule_.steady(), effects);
  carry_out(no, std::move(effects));
  check(no);
}

// As the links room does it: inputs for the model are given away last.
void Server::carry_out(LinkNo no, LinkSession::Effects effects) {
  for (LinkSession::Effect& effect : effects) {
    if (no >= lines_.size() || !lines_[no].stream) return;
    std::visit(Overloaded{
                   [&](LinkSession::Send& send) {
                     Line& line = lines_[no];
                     line.stream->send(0, [connector = line.connector, stream = line.stream,
                                           envelope = std::move(send.envelope)]() mutable {
                       connector->received(stream, std::move(envelope));
                     });
                   },
                   [&](LinkSession::Up& up) {
                     lines_[no].up = true;
                     if (schedule_.traced())
                       trace("link " + std::to_string(no) + " up: " + up.snapshot.ShortDebugString());
                     take(LinkUp{no, std::move(up.hello), std::move(up.snapshot)});
                   },
                   [&](LinkSession::Happening& is) {
                     if (schedule_.traced()) trace("hears " + is.happening.ShortDebugString());
                     take(Happened{no, std::move(is.happening)});
                   },
                   [&](LinkSession::Over& over) {
                     const std::string why = over.why;
                     if (over.fenced) later(Instant{0}, [this, why] { take_role(RoleFenced{why}); });
                     lines_[no].stream->close(0);
                     if (over.dead) return down(no, why);
                     later(1ms, [this, no, why, stream = lines_[no].stream] {
                       if (lines_[no].stream == stream) down(no, why);
                     });
                   },
               },
               effect);
  }
}

void Server::check(LinkNo no) {
  Line& line = lines_[no];
  if (!line.session || !line.stream) return;
  LinkSession::Effects effects;
  const Instant again = line.session->check(schedule_.steady(), effects);
  carry_out(no, std::move(effects));
  if (again <= Instant::zero()) return;
  later(std::max<Instant>(again - schedule_.steady(), Instant{0}), [this, no, stream = line.stream] {
    if (lines_[no].stream == stream) check(no);
  });
}

void Server::down(LinkNo no, const std::string& why) {
  Line& line = lines_[no];
  const bool was_up = std::exchange(line.up, false);
  line.stream.reset();
  line.session.reset();
  dial(no, 100ms);
  if (was_up) take(LinkDown{no, why});
}

void Server::expect_quiet() {
  if (!state().calls.empty()) schedule_.fault(name() + ": " + std::to_string(state().calls.size()) + " calls are left");
  if (timers_.size() != 0) schedule_.fault(name() + ": " + std::to_string(timers_.size()) + " timers are left");
  for (const auto& [dn, device] : state().devices) {
    if (!device->calls.empty()) schedule_.fault(name() + ": " + dn.str() + " has calls left");
  }
  for (const CtiLink& link : state().links) {
    if (!link.conversations.empty()) schedule_.fault(name() + ": link " + link.name + " has conversations left");
    if (!link.merged.empty()) schedule_.fault(name() + ": link " + link.name + " has merged conversations left");
  }
  if (!state().awaited.empty()) schedule_.fault(name() + ": awaited commands are left");
  if (!primary()) return;
  checker_->expect_closed();
  check_after(false);
}

}  // namespace tandem::simulation
