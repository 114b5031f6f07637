#include "tserver/standby/standby.h"

#include <utility>

#include "common/base/overloaded.h"

namespace tandem::tserver {

Standby::Standby(net::EventLoop& loop, Logger& log, RoleOptions options, const MakeArbiter& arbiter, Handlers handlers)
    : loop_(loop),
      log_(log),
      machine_(options),
      handlers_(std::move(handlers)),
      arbiter_(arbiter([this](RoleInput input) { take(std::move(input)); })),
      timer_(loop) {}

void Standby::start() {
  machine_.begin(loop_.steady());
  tick();
}

void Standby::check() {
  if (machine_.primary() && !machine_.holds(loop_.steady())) tick();
}

void Standby::take(RoleInput input) {
  inputs_.push_back(std::move(input));
  if (std::exchange(busy_, true)) return;
  RoleEffects effects;
  while (!inputs_.empty()) {
    const RoleInput next = std::move(inputs_.front());
    inputs_.pop_front();
    effects.clear();
    machine_.handle(next, loop_.steady(), effects);
    for (RoleEffect& effect : effects) carry_out(effect);
  }
  busy_ = false;
  const Instant due = machine_.due();
  if (due == Instant::max()) return timer_.cancel();
  timer_.start(due, [this] { tick(); });
}

void Standby::carry_out(RoleEffect& effect) {
  std::visit(Overloaded{
                 [this](AskForRole) { arbiter_->acquire(); },
                 [this](RenewRole) { arbiter_->renew(); },
                 [this](ReleaseRole) { arbiter_->release(); },
                 [this](const BecomePrimary& role) { handlers_.primary(role.epoch, role.again); },
                 [this](const BecomeBackup& role) { handlers_.backup(role.why); },
                 [this](const RoleNote& note) { log_.write(LogLevel::Standard, "role: " + note.text); },
             },
             effect);
}

}  // namespace tandem::tserver
