// One synchronisation session, seen from either end: pure state machines over envelopes. Protocol: proto/sync.proto,
// docs/high-availability.md. Whoever drives them sends, closes, and asks check() again when told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "proto/sync.pb.h"
#include "tserver/model/machine.h"
#include "tserver/records/replica.h"

namespace tandem::tserver {

inline constexpr std::uint32_t kSyncMajor = 1;
inline constexpr std::uint32_t kSyncMinor = 2;

struct SyncIdentity {
  std::string application;
  std::string version;
  std::string peer;  // application name of the other T-Server of the pair
  std::uint64_t incarnation = 0;
};

struct SyncTimes {
  Instant poll{200ms};     // between polls
  Instant silence{5s};     // nothing heard for so long: the session is dead
  Instant hello_wait{5s};  // for the other side's Hello, and a backup for its snapshot to go on
};

// --- What is to be done ---

struct SyncSend {
  sync::Envelope envelope;
};
struct SyncSnapshot {};  // primary: send one now
struct SyncSessions {    // backup: changes of client sessions that outlive their connection
  sync::Delta delta;
};
struct SyncSessionsAnew {  // backup: all there are
  std::vector<sync::Session> sessions;
};
struct SyncReport {
  PairReport report;
};
struct SyncClose {
  std::string why;
  bool other_knows = false;  // it is no primary, but has all that one told
};
using SyncEffect = std::variant<SyncSend, SyncSnapshot, SyncSessions, SyncSessionsAnew, SyncReport, SyncClose>;
using SyncEffects = std::vector<SyncEffect>;

// The primary's end. The other says Hello first.
class PrimarySession {
 public:
  PrimarySession(SyncIdentity identity, std::uint64_t epoch, SyncTimes times, Now now)
      : identity_(std::move(identity)), epoch_(epoch), times_(times), heard_(now.steady) {}

  void received(const sync::Envelope& envelope, Now now, SyncEffects& out);
  // Call at due(). `told`: all that was told, for the poll.
  void check(Now now, const Machine::Told& told, SyncEffects& out);
  Instant due() const;
  // What one input changed. False: nobody listens yet, or it is empty.
  bool delta(sync::Delta& delta);
  // The last Delta told.
  std::uint64_t sequence() const { return sequence_; }
  bool telling() const { return telling_; }
  // The next check() polls.
  void poll_now() { next_poll_ = Instant{0}; }
  // The backup has confirmed that it knows all that was told.
  bool confirmed() const { return telling_ && !over_ && confirmed_ == sequence_; }
  const std::string& peer() const { return peer_; }

 private:
  void hello(const sync::Hello& hello, Now now, SyncEffects& out);
  void ack(const sync::Ack& ack, Now now, SyncEffects& out);

  SyncIdentity identity_;
  std::uint64_t epoch_;
  SyncTimes times_;
  Instant heard_;
  Instant next_poll_{0};
  bool telling_ = false, over_ = false;
  std::uint64_t sequence_ = 0;
  std::optional<std::uint64_t> confirmed_;
  std::string peer_;
};

// The backup's end. It says Hello first. What it was told stays valid when the session ends: knowledge().
class BackupSession {
 public:
  BackupSession(SyncIdentity identity, std::uint64_t highest_epoch, SyncTimes times, Now now, SyncEffects& out);

  void received(sync::Envelope& envelope, Now now, SyncEffects& out);
  void check(Now now, SyncEffects& out);
  Instant due() const { return over_ ? Instant::max() : heard_ + times_.silence; }
  // How many Connectors we are linked to; the primary is told.
  void set_links(std::uint32_t links) { links_ = links; }

  // What a takeover starts from; null: no snapshot has been complete.
  std::shared_ptr<Replica> knowledge() const { return complete_ ? replica_ : nullptr; }
  bool caught_up() const { return caught_up_; }
  std::uint64_t epoch() const { return epoch_; }  // of the primary

 private:
  void hello(const sync::Hello& hello, SyncEffects& out);
  void begin(const sync::SnapshotBegin& begin, SyncEffects& out);
  void records(sync::Records& records);
  void end(const sync::SnapshotEnd& end, SyncEffects& out);
  void delta(sync::Delta& delta, SyncEffects& out);
  void poll(const sync::Poll& poll, Now now, SyncEffects& out);
  void report(std::int64_t lag_ms, SyncEffects& out);
  void fail(sync::Goodbye::Reason reason, const std::string& why, SyncEffects& out);

  SyncIdentity identity_;
  std::uint64_t highest_epoch_;
  SyncTimes times_;
  Instant heard_;
  bool greeted_ = false, over_ = false;
  bool reading_ = false;   // a snapshot is being sent
  bool complete_ = false;  // there was a whole one
  bool caught_up_ = false;
  std::uint32_t links_ = 0;
  bool differs_ = false;  // another snapshot was asked for
  std::uint64_t epoch_ = 0;
  std::uint64_t sequence_ = 0;
  std::shared_ptr<Replica> replica_ = std::make_shared<Replica>();
  std::vector<sync::Session> sessions_;
};

}  // namespace tandem::tserver
