// Which of a pair a T-Server is, from its start on. Pure: what the arbiter says, orders and time in; questions to the
// arbiter and changes of role out. Whoever drives it carries effects out in their order, and ticks when due() comes.
//
// A primary holds the role for a limited time that each renewal extends; one that can't renew steps down `margin`
// before its time is over, so that the other may take the role then. An arbiter that knows at once when the primary
// dies gives the role away sooner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"

namespace tandem::tserver {

struct RoleOptions {
  Instant ask_every{50ms};     // as backup
  Instant renew_every{500ms};  // as primary
  Instant margin{200ms};       // before the end of the held time
  Instant rest{2s};            // after giving the role up, before asking for it again
  Instant first{0};            // after the start, before asking at all: who was there before goes first
  Instant yield{1500ms};       // after hearing that the other one knows more
  Instant yield_most{10s};     // all in all, should that one not take the role
};

// --- What comes in ---

struct RoleTick {};  // time has passed
struct RoleGranted {
  std::uint64_t epoch;  // above that of every earlier primary
  Instant until;        // held until then
  bool again = false;   // we had it before, and nobody in between
};                      // answers AskForRole
struct RoleHeld {
  std::string by;
};  // answers AskForRole: by another
struct RoleRenewed {
  Instant until;
};  // answers RenewRole
struct RoleLost {
  std::string why;
};  // answers RenewRole: somebody else has it
struct ArbiterSilent {
  std::string why;
};  // answers either: nobody could be asked
struct RoleFenced {
  std::string why;
};  // a Connector obeys a higher epoch
struct RoleGivenUp {
  std::string why;
};                      // an operator's wish
struct RoleYielded {};  // the other one of the pair is no primary, and knows all that we don't: it should be
struct RoleStopped {};  // the process ends

using RoleInput = std::variant<RoleTick, RoleGranted, RoleHeld, RoleRenewed, RoleLost, ArbiterSilent, RoleFenced,
                               RoleGivenUp, RoleYielded, RoleStopped>;

// --- What is to be done ---

struct AskForRole {};   // answered by RoleGranted, RoleHeld or ArbiterSilent
struct RenewRole {};    // answered by RoleRenewed, RoleLost or ArbiterSilent
struct ReleaseRole {};  // it may be given to the other at once; no answer
struct BecomePrimary {
  std::uint64_t epoch;
  bool again = false;
};
struct BecomeBackup {
  std::string why;
};
struct RoleNote {
  std::string text;
};  // for the log: something new

using RoleEffect = std::variant<AskForRole, RenewRole, ReleaseRole, BecomePrimary, BecomeBackup, RoleNote>;
using RoleEffects = std::vector<RoleEffect>;

class RoleMachine {
 public:
  // Begins as backup; asks at the first tick, or `first` after begin().
  explicit RoleMachine(RoleOptions options) : options_(options) {}
  void begin(Instant now) { next_ = now + options_.first; }

  void handle(const RoleInput& input, Instant now, RoleEffects& out);
  // When the next tick is wanted.
  Instant due() const;

  bool primary() const { return primary_; }
  // May a primary still act? False: a tick makes it step down.
  bool holds(Instant now) const { return primary_ && now < until_ - options_.margin; }

 private:
  void tick(Instant now, RoleEffects& out);
  void granted(const RoleGranted& granted, Instant now, RoleEffects& out);
  void silent(const std::string& why, Instant now, RoleEffects& out);
  void step_down(std::string why, bool release, Instant wait, Instant now, RoleEffects& out);
  void note(std::string text, RoleEffects& out);

  RoleOptions options_;
  bool primary_ = false;
  bool stopped_ = false;
  bool waiting_ = false;               // for the arbiter's answer
  Instant until_{0};                   // the role is held until then
  Instant next_{0};                    // when to ask or renew
  std::string trouble_;                // why the last renewal failed
  std::optional<Instant> yielded_;     // first
  std::string noted_;                  // told last
  std::vector<std::string> silences_;  // why the arbiter doesn't answer: each reason is told once until it does
};

}  // namespace tandem::tserver
