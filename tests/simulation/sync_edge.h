// The synchronisation of a simulated T-Server: the true PairSync on simulated connections. What a backup has when it
// says that it has caught up is looked at here.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "network.h"
#include "tserver/sync/pair_sync.h"

namespace tandem::simulation {

class SyncEdge final : private tserver::SyncCarrier {
 public:
  struct Other {
    Process* process = nullptr;
    std::function<SyncEdge*()> edge;  // null: it isn't there
  };

  SyncEdge(Process& owner, Network& network, Other other, tserver::Machine& machine, tserver::SyncHandlers handlers);
  ~SyncEdge() override;

  void open() { pair_.open(owner_.now()); }
  void become_primary(std::uint64_t epoch);
  void become_backup();
  void confirm(Instant limit, tserver::PairSync::Confirmed done);
  void tell_changes(const tserver::Effects& effects) { pair_.tell_changes(effects, owner_.now()); }

  std::shared_ptr<const tserver::Replica> knowledge() const { return pair_.knowledge(); }
  bool caught_up() const { return pair_.caught_up(); }
  const tserver::PairReport& reported() const { return pair_.reported(); }
  // As backup: has it all that the other one said?
  bool heard_all() const { return heard_on_ && heard_on_->heard_all(0); }
  // As primary: something waits to be told.
  bool untold() const { return pair_.untold(); }
  // As primary: on which connection it tells; as backup: on which it was told last. Null: on none.
  StreamPtr telling_on() const { return pair_.telling() ? telling_on_ : nullptr; }
  const StreamPtr& heard_on() const { return heard_on_; }
  // Called whenever it answered a poll: everything that was told was there.
  void on_caught_up(std::function<void()> look) { look_ = std::move(look); }

 private:
  class Line;

  // SyncCarrier
  void dial() override { dial_in(Instant{0}); }
  void redial() override { dial_in(std::chrono::milliseconds(100)); }
  void proved() override {}
  void stop_dialing() override { ++dial_; }
  void note(LogLevel level, const std::string& text) override;
  void later(std::function<void()> task) override { owner_.later(Instant{0}, std::move(task)); }

  void dial_in(Instant wait);
  void accept(const StreamPtr& stream);
  Line& carry(const StreamPtr& stream, int side);
  void arrived(const StreamPtr& stream, sync::Envelope envelope);
  void closed(const StreamPtr& stream, const std::string& why);
  void let_go(const StreamPtr& stream);
  void wait();

  Process& owner_;
  Network& network_;
  const Other other_;
  tserver::PairSync pair_;
  std::map<StreamPtr, std::unique_ptr<Line>> lines_;
  StreamPtr telling_on_, heard_on_;
  std::uint32_t dial_ = 0;  // which attempt counts
  Instant armed_{0};
  std::function<void()> look_;
};

}  // namespace tandem::simulation
