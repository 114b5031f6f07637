// The server as one of a pair: its role, what it tells the other one, and how it goes on from what it was told.
#include <algorithm>
#include <utility>
#include <vector>

#include "common/config/scope.h"
#include "common/config/tserver_options.h"
#include "tserver/features/machine_state.h"
#include "tserver/program/server.h"
#include "tserver/program/sync_sessions.h"
#include "tserver/standby/etcd_arbiter.h"
#include "tserver/standby/lock_file.h"

namespace tandem::tserver {
namespace {

constexpr std::chrono::milliseconds kTakeOverMost{1000};

}  // namespace

Result<void, Failure> Server::make_sync(const config::Scope& scope) {
  const config::Application& peer = *peer_of(*environment_, *application_);
  const config::Port* here = application_->port("ha-sync");
  const config::Port* there = peer.port("ha-sync");
  if (here == nullptr || there == nullptr) return Failure{"both T-Servers of a pair need a port ha-sync"};
  auto tls = sync_tls(tls_options(*application_, scope));
  if (!tls) return Failure{"port ha-sync: " + tls.error().text};
  const auto now = static_cast<std::uint64_t>(loop_.now().wall.count());
  sync_ = std::make_unique<Sync>(
      loop_, log_,
      SyncOptions{.identity = {.application = name_, .version = version_, .peer = peer.name, .incarnation = now},
                  .address = here->address,
                  .port = here->port,
                  .peer = {peer.host, there->port},
                  .server_tls = tls->server,
                  .client_tls = tls->client,
                  .partners = scope.get(config::options::ha.sync_partners),
                  .queue_limit = scope.get(config::options::tserver_limits.sync_queue).count},
      *machine_,
      sync_handlers(
          clients_->kept(), [this](const PairReport&) { loop_.post([this] { paired(sync_->reported()); }); },
          [this] { return static_cast<std::uint32_t>(machine_->state().links_up); },
          [this] { return remembered_ && !remembered_->forced; },
          [this] {
            if (standby_ != nullptr) standby_->yield();
          }));
  if (auto opened = sync_->open(); !opened) return Failure{"port ha-sync: " + opened.error().text};
  return {};
}

Result<void, Failure> Server::make_standby(const config::Scope& scope) {
  const auto& ha = config::options::ha;
  const auto clock = [this] { return loop_.now(); };
  Standby::MakeArbiter arbiter = [&](Arbiter::Answer answer) -> ArbiterPtr {
    return std::make_unique<LockFile>(
        LockFileOptions{.path = scope.get(ha.lock_file).text, .application = name_, .lease = scope.get(ha.lease_ttl)},
        clock, std::move(answer));
  };
  std::unique_ptr<JsonPost> gateway;
  if (scope.get(ha.arbiter) == config::Arbiter::Etcd) {
    auto settings = etcd_settings(*environment_, *application_, scope);
    if (!settings) return settings.error();
    auto made = JsonPost::make(loop_, std::move(settings->post));
    if (!made) return made.error();
    gateway = std::move(*made);
    arbiter = [&, etcd = settings->etcd](Arbiter::Answer answer) -> ArbiterPtr {
      return std::make_unique<EtcdArbiter>(etcd, std::move(gateway), clock, std::move(answer));
    };
  }
  reach_.set(scope.get(ha.no_connector_timeout));
  standby_ = std::make_unique<Standby>(
      loop_, log_, role_options(scope), arbiter,
      Standby::Handlers{[this](std::uint64_t epoch, bool again) { become_primary(epoch, again); },
                        [this](const std::string& why) { become_backup(why); }});
  return {};
}

// Later than it was reported: an input may bring the end of the role with it, and then the report that it was is none
// any more.
void Server::paired(const PairReport& report) {
  if (report.sync == PairReport::Sync::CaughtUp) remembered_.reset();
  take(report);
  const State& state = machine_->state();
  if (!reach_.look({.primary = state.role == Role::Primary,
                    .links = state.links_up,
                    .caught_up = report.sync == PairReport::Sync::CaughtUp,
                    .its_links = report.links},
                   loop_.steady()))
    return;
  give_up({"no Connector is reached, the backup reaches " + std::to_string(report.links)});
}

// The machine first: it expects every link to come up anew.
void Server::become_primary(std::uint64_t epoch, bool again) {
  auto known = sync_->knowledge();
  sync_->become_primary(epoch);
  std::string why = known != nullptr ? "the arbiter gave it the role"
                                     : "the arbiter gave it the role; no primary has told us anything";
  if (known == nullptr) {
    std::vector<SessionRecord> sessions;
    if (again && remembered_) {
      why = "the arbiter gave it the role again, nobody had it meanwhile";
      known = std::make_shared<const Replica>(std::move(remembered_->replica));
      sessions = std::move(remembered_->sessions);
    }
    clients_->kept().replace_all(std::move(sessions));
  }
  remembered_.reset();
  clients_->set_primary(true);
  clients_->admit_kept(false);
  taking_over_.start_in(kTakeOverMost, [this] { taken_over(); });
  take(RoleChanged{true, epoch, std::move(why), std::move(known)});
  links_->set_role(link::ROLE_PRIMARY, epoch);
  check_taken_over();
}

// Sessions go on when every Connector that is there has told its calls: a request before that would be refused for no
// fault of the client's.
void Server::check_taken_over() {
  const auto& links = machine_->state().links;
  if (std::none_of(links.begin(), links.end(), [](const CtiLink& link) { return link.coming_up; })) taken_over();
}

void Server::taken_over() {
  taking_over_.cancel();
  clients_->admit_kept(true);
}

// The links first: no order goes out any more. Nor does an event to sessions that go on at the other T-Server: it would
// have a number that the other gives to another one. What the links tell meanwhile, that a Connector has been silent
// for long, is told to a backup.
void Server::become_backup(const std::string& why) {
  held_ = true;
  links_->set_role(link::ROLE_BACKUP, 0);
  sync_->become_backup();
  remember();
  const std::vector<SessionId> gone = clients_->set_primary(false);
  taken_over();
  held_ = false;
  take(RoleChanged{false, 0, why});
  for (const SessionId session : gone) take(ClientClosed{session, why});
}

// It may have the role again before anybody else had it.
void Server::remember() {
  remembered_.emplace();
  machine_->begin_telling(
      loop_.now(), [&](const std::string& key, const std::string& record) { remembered_->replica.put(key, record); });
  machine_->end_telling();
  remembered_->sessions = clients_->kept().records();
}

// Not while an input is being handled. What comes in until the backup has confirmed waits, and is handled as what we
// are then: what it would have changed could not be told any more.
void Server::give_up(GiveUpRole role) {
  loop_.post([this, role = std::move(role)] {
    if (standby_ == nullptr || phase_ == Phase::Leaving || held_) return;
    held_ = true;
    sync_->confirm(kConfirm, [this, role](bool confirmed) {
      if (!held_ || phase_ == Phase::Leaving) return;  // the role passed meanwhile
      if (confirmed) {
        standby_->give_up(role.why);
      } else if (role.force) {
        log_.write(LogLevel::Standard, "role: given up by force, the backup does not know all");
        go_on();
        standby_->give_up(role.why);
        if (remembered_) remembered_->forced = true;
      } else {
        held_ = false;
        take(SwitchoverFailed{"the backup did not confirm in time that it knows all"});
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

}  // namespace tandem::tserver
