#include "arbiter.h"

#include <algorithm>
#include <utility>

namespace tandem::simulation {

using namespace tserver;

// The asker counts its lease from when it asked, the arbiter from when it heard it.
void Arbiter::ask(Process& by, Answer answer, std::function<RoleInput(Instant)> decide) {
  const Instant sent = schedule_.steady();
  if (!remote_) return answer(decide(sent));
  auto answered = std::make_shared<bool>(false);
  by.later(std::chrono::seconds(1), [answered, answer] {
    if (!std::exchange(*answered, true)) answer(ArbiterSilent{"no answer in time"});
  });
  schedule_.at(sent + network_.delay(), [this, &by, answered, answer, decide, sent, asker = by.life()] {
    if (!alive() || network_.is_cut(by.host(), host()) || by.life() != asker) return;
    const RoleInput verdict = decide(sent);
    const Instant back = network_.delay();
    schedule_.at(schedule_.steady() + back, [this, &by, answered, answer, verdict, asker] {
      if (network_.is_cut(host(), by.host()) || by.life() != asker) return;
      by.run([answered, answer, verdict] {
        if (!std::exchange(*answered, true)) answer(verdict);
      });
    });
  });
}

void Arbiter::acquire(Process& by, Answer answer) {
  ask(by, std::move(answer), [this, &by](Instant sent) -> RoleInput {
    const bool free = holder_ == nullptr || schedule_.steady() >= until_ || (holder_ == &by && life_ == by.life());
    if (!free) return RoleHeld{holder_->name()};
    const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(schedule_.now().wall).count();
    epoch_ = std::max(epoch_ + 1, static_cast<std::uint64_t>(wall));
    holder_ = &by;
    life_ = by.life();
    until_ = schedule_.steady() + lease_;
    const bool again = std::exchange(last_, {&by, by.life()}) == std::pair(&by, by.life());
    trace("gives the role to " + by.name() + (again ? " again" : "") + ", epoch " + std::to_string(epoch_));
    return RoleGranted{epoch_, sent + lease_, again};
  });
}

void Arbiter::renew(Process& by, Answer answer) {
  ask(by, std::move(answer), [this, &by](Instant sent) -> RoleInput {
    if (holder_ != &by || life_ != by.life()) return RoleLost{"another has it"};
    if (remote_ && schedule_.steady() >= until_) return RoleLost{"the lease has ended"};
    until_ = std::max(until_, schedule_.steady() + lease_);
    return RoleRenewed{sent + lease_};
  });
}

// That lease, and no later one.
void Arbiter::release(Process& by) {
  const auto let_go = [this, &by, life = by.life(), epoch = epoch_] {
    if (holder_ == &by && life_ == life && epoch_ == epoch) holder_ = nullptr;
    trace(by.name() + " gives the role back");
  };
  if (!remote_) return let_go();
  schedule_.at(schedule_.steady() + network_.delay(), [this, &by, let_go] {
    if (alive() && !network_.is_cut(by.host(), host())) let_go();
  });
}

void Arbiter::died(Process& by) {
  if (!remote_ && holder_ == &by) holder_ = nullptr;
}

}  // namespace tandem::simulation
