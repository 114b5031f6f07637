#include "tserver/standby/role_machine.h"

#include <algorithm>
#include <utility>

#include "common/base/overloaded.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kSilencesTold = 16;

}  // namespace

void RoleMachine::handle(const RoleInput& input, Instant now, RoleEffects& out) {
  if (stopped_) {
    if (std::holds_alternative<RoleGranted>(input)) out.emplace_back(ReleaseRole{});  // it came too late
    return;
  }
  std::visit(Overloaded{
                 [&](const RoleTick&) { tick(now, out); },
                 [&](const RoleGranted& in) { granted(in, now, out); },
                 [&](const RoleHeld& in) {
                   waiting_ = false;
                   silences_.clear();
                   next_ = std::max(next_, now + options_.ask_every);
                   if (!primary_) note("the role is held by " + in.by, out);
                 },
                 [&](const RoleRenewed& in) {
                   waiting_ = false;
                   if (!silences_.empty()) note("the arbiter answers again", out);
                   silences_.clear();
                   if (primary_) until_ = std::max(until_, in.until);
                 },
                 [&](const RoleLost& in) {
                   waiting_ = false;
                   silences_.clear();
                   if (primary_) step_down(in.why, false, options_.ask_every, now, out);
                 },
                 [&](const ArbiterSilent& in) { silent(in.why, now, out); },
                 [&](const RoleFenced& in) {
                   if (primary_) step_down(in.why, true, options_.rest, now, out);
                 },
                 [&](const RoleGivenUp& in) {
                   if (primary_) step_down(in.why, true, options_.rest, now, out);
                 },
                 [&](const RoleYielded&) {
                   if (primary_) return;
                   if (!yielded_) yielded_ = now;
                   if (now - *yielded_ < options_.yield_most) next_ = std::max(next_, now + options_.yield);
                 },
                 [&](const RoleStopped&) {
                   if (primary_) out.emplace_back(ReleaseRole{});
                   stopped_ = true;
                   primary_ = false;
                 },
             },
             input);
}

void RoleMachine::tick(Instant now, RoleEffects& out) {
  if (primary_ && !holds(now)) {
    return step_down("the role could not be renewed in time" + (trouble_.empty() ? "" : ": " + trouble_), true,
                     options_.ask_every, now, out);
  }
  if (waiting_ || now < next_) return;
  waiting_ = true;
  if (primary_) {
    next_ = now + options_.renew_every;
    out.emplace_back(RenewRole{});
  } else {
    out.emplace_back(AskForRole{});
  }
}

void RoleMachine::granted(const RoleGranted& granted, Instant now, RoleEffects& out) {
  waiting_ = false;
  silences_.clear();
  if (primary_) return;
  if (now >= granted.until - options_.margin) {  // the answer took too long
    out.emplace_back(ReleaseRole{});
    next_ = now + options_.ask_every;
    return;
  }
  primary_ = true;
  yielded_.reset();
  until_ = granted.until;
  next_ = now + options_.renew_every;
  trouble_.clear();
  noted_.clear();
  out.emplace_back(BecomePrimary{granted.epoch, granted.again});
}

void RoleMachine::silent(const std::string& why, Instant now, RoleEffects& out) {
  waiting_ = false;
  trouble_ = why;
  next_ = now + (primary_ ? std::min(options_.ask_every, options_.renew_every) : options_.ask_every);
  // With several members of etcd each attempt may have a reason of its own.
  if (silences_.size() >= kSilencesTold || std::find(silences_.begin(), silences_.end(), why) != silences_.end())
    return;
  silences_.push_back(why);
  note("the arbiter does not answer: " + why, out);
}

void RoleMachine::step_down(std::string why, bool release, Instant wait, Instant now, RoleEffects& out) {
  primary_ = false;
  noted_.clear();
  next_ = now + wait;
  // First of all nothing is done as primary any more; then the other may have it.
  out.emplace_back(BecomeBackup{std::move(why)});
  if (release) out.emplace_back(ReleaseRole{});
}

void RoleMachine::note(std::string text, RoleEffects& out) {
  if (text == noted_) return;
  noted_ = text;
  out.emplace_back(RoleNote{std::move(text)});
}

Instant RoleMachine::due() const {
  constexpr Instant never = Instant::max();
  if (stopped_) return never;
  const Instant next = waiting_ ? never : next_;
  return primary_ ? std::min(next, until_ - options_.margin) : next;
}

}  // namespace tandem::tserver
