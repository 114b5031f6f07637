// A T-Server: the true machine, role machine and link sessions on simulated time, network and arbiter. What it tells
// clients and orders Connectors is checked at the source.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "arbiter.h"
#include "common/base/timers.h"
#include "network.h"
#include "sequence_checker.h"
#include "tserver/features/machine_state.h"
#include "tserver/links/session.h"

namespace tandem::simulation {

class Connector;

// What it was no idle run.
struct Tally {
  std::size_t established = 0, diverted = 0, held = 0, moved = 0, added = 0, takeovers = 0, adopted = 0;
};

class Server final : public Process {
 public:
  using Settings = std::shared_ptr<const tserver::Settings>;
  // A client's way to hear: its events, and the end.
  struct Listener {
    std::function<void(std::shared_ptr<const tlib::Message>, std::int32_t reference, std::uint64_t stream)> event;
  };

  // `arbiter` null: alone.
  Server(Network& network, std::string name, Settings settings, Arbiter* arbiter,
         const std::vector<std::unique_ptr<Connector>>& connectors, Tally& tally);

  // A client's connection; requests come by ask().
  tserver::SessionId accept(StreamPtr stream, Listener listener);
  void ask(tserver::SessionId session, tlib::Message message);
  void give_up_role() { take_role(tserver::RoleGivenUp{"an operator wishes it"}); }

  bool primary() const { return alive() && machine_ && state().role == tserver::Role::Primary; }
  const tserver::State& state() const { return machine_->state(); }
  std::size_t timers() const { return timers_.size(); }
  bool links_up() const;
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
  struct Session {
    StreamPtr stream;
    Listener listener;
    std::uint64_t events = 0;
  };

  void started() override;
  void ended() override;

  void take(tserver::Input input);
  void handle(tserver::Input input);
  void carry_out(tserver::Effect& effect);
  void deliver(const tserver::Deliver& deliver);
  void order(tserver::Order& order);
  void fire_due();
  void check_after(bool adopted);

  void take_role(tserver::RoleInput input);
  void carry_out(tserver::RoleEffect& effect);
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
  std::unique_ptr<tserver::RoleMachine> role_;
  std::deque<tserver::RoleInput> role_inputs_;
  bool role_busy_ = false;
  link::Role link_role_ = link::ROLE_BACKUP;
  std::uint64_t epoch_ = 0;
  std::vector<Line> lines_;
  std::map<tserver::SessionId, Session> sessions_;
  std::uint64_t last_session_ = 0;
  std::uint64_t sequence_ = 0;
  std::unique_ptr<tserver::test::SequenceChecker> checker_;
  std::size_t told_faults_ = 0;
};

}  // namespace tandem::simulation
