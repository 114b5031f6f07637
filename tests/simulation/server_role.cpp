// Who a simulated T-Server is: the role machine, its arbiter, and what the backup of a pair knows.
#include <algorithm>

#include "common/base/overloaded.h"
#include "records_of.h"
#include "server.h"
#include "tserver/program/sync_sessions.h"

namespace tandem::simulation {

using namespace tserver;

namespace {

constexpr Instant kCompareEvery{2s};

}  // namespace

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
                 [this](const BecomePrimary& role) { become_primary(role.epoch, role.again); },
                 [this](const BecomeBackup& role) { become_backup(role.why); },
                 [this](const RoleNote& note) { trace("role: " + note.text); },
             },
             effect);
}

// As the program does it: the machine first, it expects every link to come up anew.
void Server::become_primary(std::uint64_t epoch, bool again) {
  ++tally_.takeovers;
  checker_ = std::make_unique<test::SequenceChecker>();
  told_faults_ = 0;
  took_over_ = true;
  auto known = sync_->knowledge();
  if (!(again && remembered_ != nullptr) && !(known != nullptr && heard_all_of(*other_)))
    done_.forget(schedule_.steady());
  sync_->become_primary(epoch);
  if (known == nullptr) {
    if (again) known = remembered_;
    clients_->kept().replace_all(again ? std::move(remembered_sessions_) : std::vector<SessionRecord>());
  }
  remembered_.reset();
  remembered_sessions_.clear();
  clients_->set_primary(true);
  clients_->admit_kept(false);
  taking_over_ = true;
  later(1s, [this] {
    if (!std::exchange(taking_over_, false)) return;
    clients_->admit_kept(true);
  });
  take(RoleChanged{true, epoch, "the arbiter gave it the role", known});
  if (known != nullptr) {
    ++tally_.known_takeovers;
    tally_.kept += state().calls.size();
    checker_->take_up(state());
    for (const std::string& what :
         test::differences(*known, test::records_of(state(), now()), "after the takeover it", false))
      fault(what);
  }
  set_role(link::ROLE_PRIMARY, epoch);
  check_taken_over();
}

// Sessions go on when every Connector that is there has told its calls.
void Server::check_taken_over() {
  const auto& links = state().links;
  if (std::any_of(links.begin(), links.end(), [](const CtiLink& link) { return link.coming_up; })) return;
  taking_over_ = false;
  clients_->admit_kept(true);
}

// Whatever the former primary did, it had told us, and nothing of it is still under way.
bool Server::heard_all_of(const Server& former) const {
  const StreamPtr told = former.primary() ? former.sync_->telling_on() : former.told_on_;
  return told && told == sync_->heard_on() && sync_->heard_all();
}

// The links first: no order goes out any more. What they tell at that, that a Connector has been silent for long, is
// told to a backup.
void Server::become_backup(const std::string& why) {
  held_ = true;
  set_role(link::ROLE_BACKUP, 0);
  told_on_ = sync_->telling_on();
  sync_->become_backup();
  auto all = std::make_shared<Replica>();
  machine_->begin_telling(now(), [&](const std::string& key, const std::string& record) { all->put(key, record); });
  machine_->end_telling();
  remembered_ = std::move(all);
  held_ = false;
  remembered_sessions_ = clients_->kept().records();
  const std::vector<SessionId> gone = clients_->set_primary(false);
  taking_over_ = false;
  clients_->admit_kept(true);
  take(RoleChanged{false, 0, why});
  for (const SessionId session : gone) take(ClientClosed{session, why});
}

// What comes in until the backup has confirmed waits, and is handled as what we are then.
void Server::give_up(GiveUpRole role) {
  later(Instant{0}, [this, role = std::move(role)] {
    if (!sync_ || !primary() || held_) return;
    held_ = true;
    sync_->confirm(1s, [this, role](bool confirmed) {
      if (!held_) return;  // the role passed meanwhile
      if (!confirmed && !role.force) {
        held_ = false;
        take(SwitchoverFailed{"the backup did not confirm in time that it knows all"});
      } else {
        if (!confirmed) go_on();
        take_role(RoleGivenUp{role.why});
      }
      go_on();
    });
  });
}

void Server::go_on() {
  held_ = false;
  if (later_.empty()) return;
  Input next = std::move(later_.front());
  later_.pop_front();
  take(std::move(next));
}

// --- The other one of the pair ---

void Server::begin_sync() {
  const auto edge = [other = other_] { return other->alive() ? other->sync_.get() : nullptr; };
  sync_ = std::make_unique<SyncEdge>(
      *this, network_, SyncEdge::Other{other_, edge}, *machine_,
      sync_handlers(
          clients_->kept(), [this](const PairReport&) { later(Instant{0}, [this] { report_progress(); }); },
          [this] { return static_cast<std::uint32_t>(state().links_up); },
          [this] { return remembered_ != nullptr; }, [this] { take_role(RoleYielded{}); }));
  sync_->on_caught_up([this] {
    ++tally_.polls;
    if (schedule_.steady() - compared_at_ >= kCompareEvery) compare_with_primary();
  });
  sync_->open();
}

void Server::report_progress() {
  if (sync_->reported().sync == PairReport::Sync::CaughtUp) {
    remembered_.reset();
    remembered_sessions_.clear();
  }
  take(sync_->reported());
}

// Nothing is under way, so what it knows is what there is.
void Server::compare_with_primary() {
  if (primary() || !sync_->caught_up() || !other_->primary() || !heard_all_of(*other_) || other_->sync_->untold()) return;
  compared_at_ = schedule_.steady();
  for (const std::string& what :
       test::differences(*sync_->knowledge(), test::records_of(other_->state(), other_->now()), other_->name()))
    fault("has caught up, and " + what);
}

bool Server::knows_all() const {
  return state().pair.sync == PairReport::Sync::CaughtUp && schedule_.steady() - compared_at_ < kCompareEvery * 4;
}

}  // namespace tandem::simulation
