// Who gives a pair its role: as the lock file does (at once, and it knows at once when a process dies), or as etcd does
// (over the network, by lease alone). It knows the truth, so it can tell whether somebody acts who may not.
#pragma once

#include <functional>

#include "network.h"
#include "tserver/standby/role_machine.h"

namespace tandem::simulation {

class Arbiter final : public Process {
 public:
  using Answer = std::function<void(tserver::RoleInput)>;

  Arbiter(Network& network, bool remote, Instant lease) : Process(network, "arb"), remote_(remote), lease_(lease) {}

  // Exactly one answer for each, in the asker's process.
  void acquire(Process& by, Answer answer);
  void renew(Process& by, Answer answer);
  void release(Process& by);
  void died(Process& by);  // remote: it doesn't know

  // May this one act now?
  bool holds(const Process& by) const { return holder_ == &by && life_ == by.life() && schedule_.steady() < until_; }
  bool held() const { return holder_ != nullptr && schedule_.steady() < until_; }

 private:
  void started() override {}
  void ended() override {}
  void ask(Process& by, Answer answer, std::function<tserver::RoleInput(Instant sent)> decide);

  const bool remote_;
  const Instant lease_;
  Process* holder_ = nullptr;
  std::uint32_t life_ = 0;                               // of the holder
  std::pair<Process*, std::uint32_t> last_{nullptr, 0};  // who had it last, in which life
  Instant until_{0};
  std::uint64_t epoch_ = 0;
};

}  // namespace tandem::simulation
