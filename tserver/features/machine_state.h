// The machine with its state in view: for whoever reports on it, and for tests that check what must always hold.
#pragma once

#include "tserver/features/features.h"
#include "tserver/model/machine.h"
#include "tserver/model/state.h"

namespace tandem::tserver {

class FeatureMachine final : public Machine {
 public:
  FeatureMachine(std::shared_ptr<const Settings> settings, Now start)
      : state_(std::move(settings), start), table_(all_features()) {}

  void handle(Input input, Now now, Effects& out) override;
  const State& state() const { return state_; }

 private:
  void check() const;  // debug builds: throws std::logic_error if an invariant is broken

  State state_;
  const Table table_;
};

}  // namespace tandem::tserver
