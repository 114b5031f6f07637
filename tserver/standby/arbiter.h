// Who decides which T-Server of a pair is primary: the edge behind RoleMachine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tserver/standby/role_machine.h"

namespace tandem::tserver {

class Arbiter {
 public:
  // Exactly one answer for each acquire() and renew(), perhaps from within the call; times are of the loop's steady
  // clock.
  using Answer = std::function<void(RoleInput)>;

  virtual ~Arbiter() = default;
  virtual void acquire() = 0;
  virtual void renew() = 0;
  virtual void release() = 0;  // no answer
  // What was released is given back; asked before the process ends.
  virtual bool idle() const { return true; }
};

using ArbiterPtr = std::unique_ptr<Arbiter>;

}  // namespace tandem::tserver
