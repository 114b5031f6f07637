#include "tserver/sync/session.h"

#include <algorithm>
#include <utility>

namespace tandem::tserver {
namespace {

sync::Envelope& send(SyncEffects& out) {
  return std::get<SyncSend>(out.emplace_back(SyncSend{})).envelope;
}

void say_hello(const SyncIdentity& identity, std::uint64_t epoch, bool primary, SyncEffects& out) {
  sync::Hello& hello = *send(out).mutable_hello();
  hello.set_major(kSyncMajor);
  hello.set_minor(kSyncMinor);
  hello.set_application(identity.application);
  hello.set_version(identity.version);
  hello.set_incarnation(identity.incarnation);
  hello.set_epoch(epoch);
  hello.set_primary(primary);
}

void goodbye(sync::Goodbye::Reason reason, const std::string& why, SyncEffects& out) {
  sync::Goodbye& goodbye = *send(out).mutable_goodbye();
  goodbye.set_reason(reason);
  goodbye.set_text(why);
  out.emplace_back(SyncClose{why});
}

std::string other_version(const sync::Hello& hello) {
  return hello.application() + " synchronises by protocol " + std::to_string(hello.major()) + "." +
         std::to_string(hello.minor()) + ", we by " + std::to_string(kSyncMajor) + "." + std::to_string(kSyncMinor);
}

}  // namespace

// --- The primary's end ---

void PrimarySession::received(const sync::Envelope& envelope, Now now, SyncEffects& out) {
  if (over_) return;
  heard_ = now.steady;
  switch (envelope.body_case()) {
    case sync::Envelope::kHello:
      if (!peer_.empty()) break;
      return hello(envelope.hello(), now, out);
    case sync::Envelope::kAck:
      if (!telling_) break;
      return ack(envelope.ack(), now, out);
    case sync::Envelope::kGoodbye:
      over_ = true;
      out.emplace_back(SyncClose{"it said goodbye: " + envelope.goodbye().text()});
      return;
    case sync::Envelope::BODY_NOT_SET:
      return;  // of a later minor version
    default:
      break;
  }
  over_ = true;
  goodbye(sync::Goodbye::PROTOCOL_ERROR, "a message came that a backup doesn't send now", out);
}

void PrimarySession::hello(const sync::Hello& hello, Now now, SyncEffects& out) {
  peer_ = hello.application();
  say_hello(identity_, epoch_, true, out);
  over_ = true;
  if (hello.major() != kSyncMajor) return goodbye(sync::Goodbye::WRONG_VERSION, other_version(hello), out);
  if (hello.application() != identity_.peer) {
    return goodbye(sync::Goodbye::STRANGER,
                   hello.application() + " is not the other T-Server of the pair: that is " + identity_.peer, out);
  }
  over_ = false;
  telling_ = true;
  out.emplace_back(SyncSnapshot{});
  out.emplace_back(SyncReport{{.sync = PairReport::Sync::Joining}});
  next_poll_ = now.steady + times_.poll;
}

void PrimarySession::ack(const sync::Ack& ack, Now now, SyncEffects& out) {
  confirmed_.reset();
  if (ack.caught_up() && !ack.differs()) confirmed_ = ack.sequence();
  if (ack.differs()) {
    out.emplace_back(SyncSnapshot{});
    out.emplace_back(SyncReport{{.sync = PairReport::Sync::Joining}});
    return;
  }
  PairReport report;
  report.sync = ack.caught_up() ? PairReport::Sync::CaughtUp : PairReport::Sync::Joining;
  report.lag_ms = std::max<std::int64_t>((now.wall.count() - ack.sent_at()) / 1000, 0);
  report.links = ack.links();
  out.emplace_back(SyncReport{report});
}

void PrimarySession::check(Now now, const Machine::Told& told, SyncEffects& out) {
  if (over_) return;
  if (now.steady - heard_ >= times_.silence) {
    over_ = true;
    out.emplace_back(SyncClose{"nothing was heard of it in time"});
    return;
  }
  if (!telling_ || now.steady < next_poll_) return;
  next_poll_ = now.steady + times_.poll;
  sync::Poll& poll = *send(out).mutable_poll();
  poll.set_sequence(sequence_);
  poll.set_sent_at(now.wall.count());
  poll.set_count(told.count);
  poll.set_checksum(told.checksum);
}

Instant PrimarySession::due() const {
  if (over_) return Instant::max();
  return telling_ ? std::min(next_poll_, heard_ + times_.silence) : heard_ + times_.silence;
}

bool PrimarySession::delta(sync::Delta& delta) {
  if (!telling_ || over_) return false;
  if (delta.put_size() + delta.deleted_size() + delta.heads_size() + delta.events_size() + delta.ended_size() == 0)
    return false;
  delta.set_sequence(++sequence_);
  delta.set_epoch(epoch_);
  return true;
}

// --- The backup's end ---

BackupSession::BackupSession(SyncIdentity identity, std::uint64_t highest_epoch, SyncTimes times, Now now,
                             SyncEffects& out)
    : identity_(std::move(identity)), highest_epoch_(highest_epoch), times_(times), heard_(now.steady) {
  say_hello(identity_, highest_epoch, false, out);
}

void BackupSession::fail(sync::Goodbye::Reason reason, const std::string& why, SyncEffects& out) {
  over_ = true;
  goodbye(reason, why, out);
}

void BackupSession::received(sync::Envelope& envelope, Now now, SyncEffects& out) {
  if (over_) return;
  heard_ = now.steady;
  const auto body = envelope.body_case();
  if (body == sync::Envelope::kGoodbye) {
    over_ = true;
    out.emplace_back(SyncClose{"it said goodbye: " + envelope.goodbye().text(), envelope.goodbye().knows()});
    return;
  }
  if (greeted_ == (body == sync::Envelope::kHello))
    return fail(sync::Goodbye::PROTOCOL_ERROR, "a message came that a primary doesn't send now", out);
  switch (body) {
    case sync::Envelope::kHello:
      return hello(envelope.hello(), out);
    case sync::Envelope::kSnapshotBegin:
      return begin(envelope.snapshot_begin(), out);
    case sync::Envelope::kRecords:
      return records(*envelope.mutable_records());
    case sync::Envelope::kSnapshotEnd:
      return end(envelope.snapshot_end(), out);
    case sync::Envelope::kDelta:
      return delta(*envelope.mutable_delta(), out);
    case sync::Envelope::kPoll:
      return poll(envelope.poll(), now, out);
    default:
      return;  // of a later minor version
  }
}

void BackupSession::hello(const sync::Hello& hello, SyncEffects& out) {
  greeted_ = true;
  if (hello.major() != kSyncMajor) return fail(sync::Goodbye::WRONG_VERSION, other_version(hello), out);
  if (hello.application() != identity_.peer) {
    return fail(sync::Goodbye::STRANGER,
                hello.application() + " is not the other T-Server of the pair: that is " + identity_.peer, out);
  }
  if (!hello.primary()) return fail(sync::Goodbye::NOT_PRIMARY, hello.application() + " is not primary", out);
  if (hello.epoch() < highest_epoch_)
    return fail(sync::Goodbye::NOT_PRIMARY, hello.application() + " has an old epoch", out);
  epoch_ = hello.epoch();
}

void BackupSession::begin(const sync::SnapshotBegin& begin, SyncEffects& out) {
  if (begin.epoch() < epoch_) return fail(sync::Goodbye::NOT_PRIMARY, "a snapshot came with an old epoch", out);
  epoch_ = begin.epoch();
  sequence_ = begin.sequence();
  replica_ = std::make_shared<Replica>();
  sessions_.clear();
  reading_ = true;
  complete_ = caught_up_ = differs_ = false;
  report(-1, out);
}

void BackupSession::records(sync::Records& records) {
  if (!reading_) return;
  for (const sync::Put& put : records.put()) replica_->put(put.key(), put.record());
  for (sync::Session& session : *records.mutable_sessions()) sessions_.push_back(std::move(session));
}

void BackupSession::end(const sync::SnapshotEnd& end, SyncEffects& out) {
  if (!reading_) return fail(sync::Goodbye::PROTOCOL_ERROR, "a snapshot ended that hadn't begun", out);
  reading_ = false;
  if (end.count() != replica_->records().size() || end.checksum() != replica_->checksum() ||
      end.sessions() != sessions_.size())
    return fail(sync::Goodbye::PROTOCOL_ERROR, "the snapshot's count or checksum is wrong", out);
  complete_ = true;
  out.emplace_back(SyncSessionsAnew{std::move(sessions_)});
  sessions_.clear();
  report(-1, out);
}

void BackupSession::delta(sync::Delta& delta, SyncEffects& out) {
  if (delta.epoch() < epoch_ || differs_) return;  // of a former primary, or before the snapshot that was asked for
  if (reading_ || !complete_ || delta.sequence() != sequence_ + 1)
    return fail(sync::Goodbye::PROTOCOL_ERROR, "a delta is missing", out);
  sequence_ = delta.sequence();
  replica_->apply(delta);
  if (delta.heads_size() + delta.events_size() + delta.ended_size() == 0) return;
  delta.clear_put();
  delta.clear_deleted();
  out.emplace_back(SyncSessions{std::move(delta)});
}

void BackupSession::poll(const sync::Poll& poll, Now now, SyncEffects& out) {
  if (!complete_) return;
  const bool same = poll.sequence() == sequence_ && poll.count() == replica_->records().size() &&
                    poll.checksum() == replica_->checksum();
  caught_up_ = same;
  sync::Ack& ack = *send(out).mutable_ack();
  ack.set_sequence(sequence_);
  ack.set_sent_at(poll.sent_at());
  ack.set_caught_up(caught_up_);
  ack.set_differs(!same);
  ack.set_links(links_);
  if (!same) {  // what differs is not taken over
    differs_ = true;
    complete_ = false;
  }
  report(std::max<std::int64_t>((now.wall.count() - poll.sent_at()) / 1000, 0), out);
}

void BackupSession::check(Now now, SyncEffects& out) {
  if (over_ || now.steady - heard_ < times_.silence) return;
  over_ = true;
  out.emplace_back(SyncClose{"nothing was heard of it in time"});
}

void BackupSession::report(std::int64_t lag_ms, SyncEffects& out) {
  PairReport report;
  report.sync = caught_up_ ? PairReport::Sync::CaughtUp : PairReport::Sync::Joining;
  report.lag_ms = lag_ms;
  report.records = replica_->records().size();
  out.emplace_back(SyncReport{report});
}

}  // namespace tandem::tserver
