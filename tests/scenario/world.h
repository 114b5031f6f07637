// A T-Server's machine in simulated time, with clients and Connectors played by the test. Every input is followed by
// the checks that hold always: the model's invariants, event numbering, and one answer for each request.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/timers.h"
#include "tserver/features/machine_state.h"
#include "tserver/records/replica.h"

namespace tandem::tserver::test {

class World {
 public:
  explicit World(Settings settings);

  // Feeds one input and everything already due; returns its effects but timers and log lines, in order.
  Effects handle(Input input);
  // Lets time pass, firing timers on the way; `seen` gets the effects of each.
  void advance(Instant by, const std::function<void(const Effects&)>& seen);
  // A backup listens from now on; after every input what it was told must be what there is.
  void begin_backup();
  // The primary dies, and a backup that knows what it was told goes on: LinkUp must follow for each Connector that is
  // there. Clients that end with their T-Server are gone. Returns the effects that count.
  Effects take_over();
  // The next timer's instant, if any.
  std::optional<Instant> next_timer() const { return timers_.next(); }

  const State& state() const { return machine_->state(); }
  Now now() const { return now_; }
  std::size_t timers() const { return timers_.size(); }
  const std::vector<std::string>& log() const { return log_; }
  // What went wrong so far.
  const std::vector<std::string>& faults() const { return faults_; }
  void fault(std::string what) { faults_.push_back(std::move(what)); }
  // To be called when all should be quiet: no calls, no timers, no request without an answer.
  void expect_empty();

 private:
  Effects run(Input input);
  Effects sort_out(Effects all);
  void check_delivery(const Deliver& deliver);

  void tell_backup();
  void check_backup();
  void restore(FeatureMachine& backup, Effects& out);

  std::unique_ptr<FeatureMachine> machine_;
  bool backup_ = false;
  std::shared_ptr<Replica> replica_ = std::make_shared<Replica>();
  std::uint64_t deltas_ = 0;
  TimerQueue timers_;
  Now now_;
  std::map<std::pair<SessionId, std::int32_t>, int> answers_;  // still owed: 1; 0 once answered
  std::uint64_t sequence_ = 0;
  std::map<LinkNo, std::uint64_t> commands_;
  std::vector<std::string> log_;
  std::vector<std::string> faults_;
};

}  // namespace tandem::tserver::test
