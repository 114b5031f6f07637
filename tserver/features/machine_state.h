// The machine with its state in view: for whoever reports on it, and for tests that check what must always hold.
#pragma once

#include "tserver/features/features.h"
#include "tserver/model/machine.h"
#include "tserver/model/state.h"
#include "tserver/records/tracker.h"

namespace tandem::tserver {

class FeatureMachine final : public Machine {
 public:
  FeatureMachine(std::shared_ptr<const Settings> settings, Now start)
      : state_(std::move(settings), start), table_(all_features()), tracker_(start) {}

  void handle(Input input, Now now, Effects& out) override;
  void begin_telling(Now now, const Put& put) override { tracker_.begin(state_, now, put); }
  void end_telling() override { tracker_.end(state_); }
  void take_changes(Now now, sync::Delta& delta) override { tracker_.changes(state_, now, delta); }
  Told told() const override { return {tracker_.count(), tracker_.checksum()}; }
  const State& state() const { return state_; }

 private:
  void check() const;  // debug builds: throws std::logic_error if an invariant is broken

  State state_;
  const Table table_;
  Tracker tracker_;
};

}  // namespace tandem::tserver
