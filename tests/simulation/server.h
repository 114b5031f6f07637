// A T-Server: the true machine, role machine and link sessions on simulated time, network and arbiter. What it tells
// clients and orders Connectors is checked at the source.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "arbiter.h"
#include "client_edge.h"
#include "common/base/timers.h"
#include "network.h"
#include "sequence_checker.h"
#include "sync_edge.h"
#include "tserver/features/machine_state.h"
#include "tserver/links/session.h"

namespace tandem::simulation {

class Connector;

// What it was no idle run.
struct Tally {
  std::size_t established = 0, diverted = 0, held = 0, moved = 0, added = 0, takeovers = 0, adopted = 0;
  // Synchronisation: takeovers from what the former primary told, calls in them, polls of a backup that had it all.
  std::size_t known_takeovers = 0, kept = 0, polls = 0;
  std::size_t resumed = 0, not_resumed = 0;  // client sessions
  // Calls that had to outlive a Connector in the calm.
  std::size_t recovered = 0;
};

class Server final : public Process {
 public:
  using Settings = std::shared_ptr<const tserver::Settings>;

  // `arbiter` null: alone.
  Server(Network& network, std::string name, Settings settings, Arbiter* arbiter,
         const std::vector<std::unique_ptr<Connector>>& connectors, Tally& tally, Done& done);
  ~Server() override;
  // The other one of the pair; before it is started.
  void pair_with(Server& other) { other_ = &other; }

  // A client's connection; requests come by ask().
  ClientEdge::Handle accept(StreamPtr stream, ClientEdge::Listener listener);
  void ask(const ClientEdge::Handle& handle, tlib::Message message);
  void give_up_role(bool force) { give_up({"an operator wishes it", force}); }

  bool primary() const { return alive() && machine_ && state().role == tserver::Role::Primary; }
  const tserver::State& state() const { return machine_->state(); }
  std::size_t timers() const { return timers_.size(); }
  bool links_up() const;
  // As backup: it says that it has caught up, and a moment ago its records were the primary's.
  bool knows_all() const;
  // All calls are over: everybody who heard of one heard of its end.
  void expect_quiet();

 private:
  struct Line {
    Connector* connector = nullptr;
    StreamPtr stream;
    std::unique_ptr<tserver::LinkSession> session;
    bool up = false;
    std::uint32_t tries = 0;
  };

  void started() override;
  void ended() override;

  // What must be left of a call.
  struct Kept {
    ConnId id;
    std::string uuid, user_data;
  };
  // Registered on every DN all the time, inside the process: it hears every event.
  static constexpr tserver::SessionId kWall{1};

  void take(tserver::Input input);
  void handle(tserver::Input input);
  void carry_out(tserver::Effect& effect);
  void deliver(const tserver::Deliver& deliver);
  void order(tserver::Order& order);
  void fire_due();
  void check_after(bool adopted);
  std::vector<Kept> expected_to_stay(const tserver::LinkUp& input) const;
  void expect_kept(const Kept& kept);

  void take_role(tserver::RoleInput input);
  void carry_out(tserver::RoleEffect& effect);
  void become_primary(std::uint64_t epoch, bool again);
  void report_progress();
  void check_taken_over();
  bool heard_all_of(const Server& former) const;
  void give_up(tserver::GiveUpRole role);
  void go_on();
  void become_backup(const std::string& why);
  void begin_sync();
  void compare_with_primary();
  void set_role(link::Role role, std::uint64_t epoch);

  void dial(tserver::LinkNo no, Instant wait);
  void connected(tserver::LinkNo no, StreamPtr stream);
  void carry_out(tserver::LinkNo no, tserver::LinkSession::Effects effects);
  void check(tserver::LinkNo no);
  void down(tserver::LinkNo no, const std::string& why);

  const Settings settings_;
  Arbiter* const arbiter_;
  const std::vector<std::unique_ptr<Connector>>& connectors_;
  Tally& tally_;

  std::unique_ptr<tserver::FeatureMachine> machine_;
  TimerQueue timers_;
  std::deque<tserver::Input> later_;
  bool busy_ = false;
  bool held_ = false;  // the backup is asked whether it knows all: nothing is handled meanwhile
  std::unique_ptr<tserver::RoleMachine> role_;
  std::deque<tserver::RoleInput> role_inputs_;
  bool role_busy_ = false;
  Server* other_ = nullptr;
  std::unique_ptr<SyncEdge> sync_;
  Instant compared_at_{0};
  // What it knew when it stepped down, until it knows what a later primary knows; and where it had told that.
  std::shared_ptr<const tserver::Replica> remembered_;
  std::vector<tserver::SessionRecord> remembered_sessions_;
  StreamPtr told_on_;
  bool took_over_ = false;
  link::Role link_role_ = link::ROLE_BACKUP;
  std::uint64_t epoch_ = 0;
  std::vector<Line> lines_;
  Done& done_;
  std::unique_ptr<ClientEdge> clients_;
  bool taking_over_ = false;
  std::uint64_t sequence_ = 0;
  std::unique_ptr<tserver::test::SequenceChecker> checker_;
  std::size_t told_faults_ = 0;
};

}  // namespace tandem::simulation
