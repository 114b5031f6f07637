// What one T-Server of a pair does about synchronisation, whichever end it is just now: as primary it tells the backup
// that connects what the machine knows, as backup it keeps what the primary tells. Pure: connections are lines that
// somebody else carries, time comes with each call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "tserver/sync/session.h"

namespace tandem::tserver {

// A connection to the other T-Server. None of its calls calls back.
class SyncLine {
 public:
  virtual ~SyncLine() = default;
  virtual void send(const sync::Envelope& envelope) = 0;
  virtual void close(const std::string& why) = 0;  // after what was sent; PairSync::closed() follows
  virtual void drop() = 0;                         // at once; nothing follows, and the line isn't used any more
  virtual std::string partner() const = 0;         // what the other one's certificate calls it
};

// Who carries the lines.
class SyncCarrier {
 public:
  virtual ~SyncCarrier() = default;
  virtual void dial() = 0;          // the other T-Server, until there is a line: PairSync::connected()
  virtual void redial() = 0;        // the same, but first it waits its time
  virtual void proved() = 0;        // the line was good: waits begin short again
  virtual void stop_dialing() = 0;  // until one of the above
  virtual void note(LogLevel level, const std::string& text) = 0;
  virtual void later(std::function<void()> task) = 0;  // soon, and not from here
};

struct SyncHandlers {
  // How far the backup is, when that changes and each second. Whoever passes it on later passes on reported(): it may
  // be another by then.
  std::function<void(const PairReport&)> report;
  std::function<std::uint32_t()> links{};  // backup: how many Connectors it reaches
  std::function<bool()> remembers{};       // no primary any more: we have what we knew as one
  std::function<void()> other_knows{};     // we know nothing, and the other one, no primary either, does
  // Client sessions that outlive their connection; may be empty.
  std::function<void(sync::Records&)> all_sessions;               // primary: adds them
  std::function<void(sync::Delta&)> session_changes;              // primary: adds what changed
  std::function<void(const sync::Delta&)> sessions_changed;       // backup
  std::function<void(std::vector<sync::Session>)> sessions_anew;  // backup
  std::function<void(bool)> keep_session_changes;                 // primary: whether anybody listens
};

class PairSync {
 public:
  PairSync(SyncIdentity identity, SyncTimes times, Machine& machine, SyncHandlers handlers, SyncCarrier& carrier);
  ~PairSync();
  PairSync(const PairSync&) = delete;
  PairSync& operator=(const PairSync&) = delete;

  // --- Lines: each is told here until it is closed or dropped ---

  void open(Now now);  // as backup
  void accepted(SyncLine& line, Now now);
  void connected(SyncLine& line, Now now);
  void unreachable(const std::string& why);
  void received(SyncLine& line, sync::Envelope& envelope, Now now);
  void closed(SyncLine& line, const std::string& why, Now now);
  void check(Now now);  // at due(), which any call may change
  Instant due() const;

  // --- The role ---

  // From now on tells whoever connects.
  void become_primary(std::uint64_t epoch, Now now);
  // What it knew is forgotten; it listens to the other one.
  void become_backup(Now now);
  void stop();

  // As primary: what an input changed, before its effects are carried out. If nobody can see any of them it may wait for
  // the next that somebody can, or for the next poll: as if the input had come later. Does nothing if nobody listens.
  void tell_changes(const Effects& effects, Now now);
  bool telling() const;
  // As primary: something may have changed of which nobody has been told.
  bool untold() const { return untold_; }
  // As primary: asks the backup whether it knows all that was told, and says what came of it within `limit`; never from
  // here. Nothing may be told meanwhile.
  using Confirmed = std::function<void(bool)>;
  void confirm(Instant limit, Confirmed done, Now now);

  // As backup: what a takeover starts from; null: not enough is known.
  std::shared_ptr<const Replica> knowledge() const;
  // As backup: what it has is what the primary had at its last poll.
  bool caught_up() const;
  const PairReport& reported() const { return reported_; }

  // Since the start, as primary.
  struct Figures {
    std::uint64_t deltas = 0, bytes = 0, snapshots = 0;
  };
  const Figures& figures() const { return figures_; }

 private:
  struct Backup;   // at the other end, while we are primary
  struct Primary;  // at the other end, while we are backup

  void carry_out(Backup& backup, SyncEffects effects, Now now);
  void carry_out(Primary& primary, SyncEffects effects, Now now);
  void send_snapshot(Backup& backup, Now now);
  void stop_telling(Backup& backup);
  void let_go_of_backup();
  void tell_rest(Now now);
  void end_confirming(bool confirmed);
  bool knows() const;
  void tell_progress(Primary& primary, const PairReport& report, Now now);
  void report(const PairReport& report, Now now);

  const SyncIdentity identity_;
  const SyncTimes times_;
  Machine& machine_;
  const SyncHandlers handlers_;
  SyncCarrier& carrier_;
  std::unique_ptr<Backup> backup_;
  std::unique_ptr<Primary> primary_;
  std::shared_ptr<Replica> knowledge_;  // of the last session
  std::uint64_t highest_epoch_ = 0;
  std::optional<std::uint64_t> epoch_;  // as primary
  bool stopped_ = false;
  PairReport reported_;
  Instant reported_at_{0};
  std::string last_failure_;
  sync::Envelope delta_;
  bool untold_ = false;
  Confirmed confirming_;
  Instant confirm_until_{0};
  Figures figures_;
};

}  // namespace tandem::tserver
