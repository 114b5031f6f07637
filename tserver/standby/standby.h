// The role of one T-Server of a pair, on the event loop's thread: drives RoleMachine and its arbiter.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "common/log/log.h"
#include "common/net/loop.h"
#include "tserver/standby/arbiter.h"

namespace tandem::tserver {

class Standby {
 public:
  struct Handlers {
    // `again`: we had it before, and nobody in between.
    std::function<void(std::uint64_t epoch, bool again)> primary;
    std::function<void(const std::string& why)> backup;
  };
  // The arbiter is made with where its answers go.
  using MakeArbiter = std::function<ArbiterPtr(Arbiter::Answer)>;

  // Both handlers are called on changes only; a T-Server begins as backup.
  Standby(net::EventLoop& loop, Logger& log, RoleOptions options, const MakeArbiter& arbiter, Handlers handlers);
  Standby(const Standby&) = delete;
  Standby& operator=(const Standby&) = delete;

  void start();
  // Before anything is done as primary: one that has slept too long steps down here.
  void check();
  void fenced(const std::string& why) { take(RoleFenced{why}); }
  void give_up(const std::string& why) { take(RoleGivenUp{why}); }
  void yield() { take(RoleYielded{}); }
  // The role is given back; nothing is told.
  void stop() { take(RoleStopped{}); }
  // It is given back.
  bool idle() const { return arbiter_->idle(); }

 private:
  void tick() { take(RoleTick{}); }
  void take(RoleInput input);
  void carry_out(RoleEffect& effect);

  net::EventLoop& loop_;
  Logger& log_;
  RoleMachine machine_;
  Handlers handlers_;
  ArbiterPtr arbiter_;
  net::Timer timer_;
  std::deque<RoleInput> inputs_;  // that came while one was being handled
  bool busy_ = false;
};

}  // namespace tandem::tserver
