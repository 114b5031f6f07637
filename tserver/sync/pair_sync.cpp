#include "tserver/sync/pair_sync.h"

#include <algorithm>
#include <utility>

#include "common/base/overloaded.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kRecordsAtOnce = 128 << 10;
constexpr Instant kReportEvery{1s};

void say_goodbye(SyncLine& line, sync::Goodbye::Reason reason, const std::string& why, bool knows = false) {
  sync::Envelope envelope;
  envelope.mutable_goodbye()->set_knows(knows);
  envelope.mutable_goodbye()->set_reason(reason);
  envelope.mutable_goodbye()->set_text(why);
  line.send(envelope);
  line.close(why);
}

bool can_be_seen(const Effect& effect) {
  return std::visit(Overloaded{
                        [](const SetTimer&) { return false; },
                        [](const CancelTimer&) { return false; },
                        [](const LogLine&) { return false; },
                        [](const auto&) { return true; },
                    },
                    effect);
}

}  // namespace

struct PairSync::Backup {
  SyncLine& line;
  PrimarySession session;
  bool telling = false, caught_up = false, leaving = false;
  std::string over{};  // why we closed it
};

struct PairSync::Primary {
  SyncLine& line;
  BackupSession session;
  bool caught_up = false;
  std::string over{};
};

PairSync::PairSync(SyncIdentity identity, SyncTimes times, Machine& machine, SyncHandlers handlers,
                   SyncCarrier& carrier)
    : identity_(std::move(identity)),
      times_(times),
      machine_(machine),
      handlers_(std::move(handlers)),
      carrier_(carrier) {}

PairSync::~PairSync() {
  if (backup_ != nullptr) stop_telling(*backup_);
}

void PairSync::open(Now now) {
  report({.sync = PairReport::Sync::Joining}, now);
  carrier_.dial();
}

void PairSync::accepted(SyncLine& line, Now now) {
  if (!epoch_ || stopped_)
    return say_goodbye(line, sync::Goodbye::NOT_PRIMARY, "not primary", !stopped_ && knows());
  if (backup_ != nullptr) {
    carrier_.note(LogLevel::Standard, "synchronisation: the backup connects anew");
    let_go_of_backup();
  }
  backup_ = std::make_unique<Backup>(Backup{line, PrimarySession(identity_, *epoch_, times_, now)});
}

void PairSync::connected(SyncLine& line, Now now) {
  if (epoch_ || stopped_) return line.close("the role has changed");
  SyncEffects effects;
  if (primary_ != nullptr) primary_->line.drop();
  primary_ = std::make_unique<Primary>(Primary{line, BackupSession(identity_, highest_epoch_, times_, now, effects)});
  carry_out(*primary_, std::move(effects), now);
}

void PairSync::unreachable(const std::string& why) {
  const LogLevel level = why == last_failure_ ? LogLevel::Trace : LogLevel::Standard;
  last_failure_ = why;
  carrier_.note(level, "synchronisation: " + why);
}

void PairSync::received(SyncLine& line, sync::Envelope& envelope, Now now) {
  SyncEffects effects;
  if (backup_ != nullptr && &backup_->line == &line) {
    backup_->session.received(envelope, now, effects);
    carry_out(*backup_, std::move(effects), now);
  } else if (primary_ != nullptr && &primary_->line == &line) {
    if (handlers_.links) primary_->session.set_links(handlers_.links());
    primary_->session.received(envelope, now, effects);
    carry_out(*primary_, std::move(effects), now);
  }
}

void PairSync::closed(SyncLine& line, const std::string& why, Now now) {
  if (backup_ != nullptr && &backup_->line == &line) {
    const auto gone = std::exchange(backup_, nullptr);
    stop_telling(*gone);
    const std::string& peer = gone->session.peer();
    carrier_.note(LogLevel::Standard, "synchronisation: the backup" + (peer.empty() ? "" : " " + peer) + " is gone, " +
                                          (gone->over.empty() ? why : gone->over));
    if (!gone->leaving) report({}, now);
    end_confirming(false);
  } else if (primary_ != nullptr && &primary_->line == &line) {
    const auto gone = std::exchange(primary_, nullptr);
    const std::string& text = gone->over.empty() ? why : gone->over;
    const bool news = gone->session.epoch() != 0 || text != last_failure_;
    last_failure_ = text;
    carrier_.note(news ? LogLevel::Standard : LogLevel::Trace,
                  "synchronisation: session with the primary ended, " + text);
    highest_epoch_ = std::max(highest_epoch_, gone->session.epoch());
    if (auto known = gone->session.knowledge()) knowledge_ = std::move(known);
    if (epoch_ || stopped_) return;
    report({.sync = PairReport::Sync::Joining}, now);
    carrier_.redial();
  }
}

void PairSync::check(Now now) {
  if (confirming_ && now.steady >= confirm_until_) end_confirming(false);
  SyncEffects effects;
  if (backup_ != nullptr && backup_->session.due() <= now.steady) {
    tell_rest(now);
    backup_->session.check(now, machine_.told(), effects);
    carry_out(*backup_, std::exchange(effects, {}), now);
  }
  if (primary_ != nullptr && primary_->session.due() <= now.steady) {
    primary_->session.check(now, effects);
    carry_out(*primary_, std::move(effects), now);
  }
}

Instant PairSync::due() const {
  Instant one = backup_ != nullptr ? backup_->session.due() : Instant::max();
  if (confirming_) one = std::min(one, confirm_until_);
  return primary_ != nullptr ? std::min(one, primary_->session.due()) : one;
}

// --- As primary ---

void PairSync::carry_out(Backup& backup, SyncEffects effects, Now now) {
  for (SyncEffect& effect : effects) {
    if (auto* send = std::get_if<SyncSend>(&effect)) {
      backup.line.send(send->envelope);
    } else if (std::holds_alternative<SyncSnapshot>(effect)) {
      send_snapshot(backup, now);
    } else if (auto* progress = std::get_if<SyncReport>(&effect)) {
      if (progress->report.sync == PairReport::Sync::CaughtUp && !std::exchange(backup.caught_up, true))
        carrier_.note(LogLevel::Standard, "synchronisation: the backup " + backup.session.peer() + " has caught up");
      progress->report.records = machine_.told().count;
      report(progress->report, now);
      if (backup.session.confirmed()) end_confirming(true);
    } else if (auto* close = std::get_if<SyncClose>(&effect)) {
      backup.over = close->why;
      backup.line.close(close->why);
    }
  }
}

void PairSync::send_snapshot(Backup& backup, Now now) {
  backup.telling = true;
  backup.caught_up = false;
  ++figures_.snapshots;
  sync::Envelope envelope;
  envelope.mutable_snapshot_begin()->set_sequence(backup.session.sequence());
  envelope.mutable_snapshot_begin()->set_epoch(*epoch_);
  backup.line.send(envelope);
  std::size_t size = 0, bytes = 0, count = 0;
  envelope.mutable_records();
  const auto flush = [&] {
    if (size > 0) backup.line.send(envelope);
    bytes += size;
    size = 0;
    envelope.mutable_records()->Clear();
  };
  machine_.begin_telling(now, [&](const std::string& key, const std::string& record) {
    sync::Put& put = *envelope.mutable_records()->add_put();
    put.set_key(key);
    put.set_record(record);
    ++count;
    size += key.size() + record.size() + 8;
    if (size >= kRecordsAtOnce) flush();
  });
  flush();
  if (handlers_.keep_session_changes) handlers_.keep_session_changes(true);
  if (handlers_.all_sessions) handlers_.all_sessions(*envelope.mutable_records());
  const auto sessions = static_cast<std::size_t>(envelope.records().sessions_size());
  if (sessions > 0) backup.line.send(envelope);
  const Machine::Told told = machine_.told();
  envelope.mutable_snapshot_end()->set_count(told.count);
  envelope.mutable_snapshot_end()->set_checksum(told.checksum);
  envelope.mutable_snapshot_end()->set_sessions(sessions);
  backup.line.send(envelope);
  carrier_.note(LogLevel::Standard, "synchronisation: snapshot for " + backup.session.peer() + " (" +
                                        backup.line.partner() + "), " + std::to_string(count) + " records of " +
                                        std::to_string(bytes) + " bytes, " + std::to_string(sessions) +
                                        " client sessions");
}

void PairSync::stop_telling(Backup& backup) {
  if (!std::exchange(backup.telling, false)) return;
  machine_.end_telling();
  if (handlers_.keep_session_changes) handlers_.keep_session_changes(false);
}

void PairSync::let_go_of_backup() {
  const auto gone = std::exchange(backup_, nullptr);
  if (gone == nullptr) return;
  stop_telling(*gone);
  gone->line.drop();
  end_confirming(false);
}

void PairSync::confirm(Instant limit, Confirmed done, Now now) {
  end_confirming(false);
  confirming_ = std::move(done);
  if (!telling()) return end_confirming(false);
  confirm_until_ = now.steady + limit;
  tell_rest(now);
  SyncEffects effects;
  backup_->session.poll_now();
  backup_->session.check(now, machine_.told(), effects);
  carry_out(*backup_, std::move(effects), now);
}

void PairSync::end_confirming(bool confirmed) {
  if (confirming_) carrier_.later([done = std::exchange(confirming_, nullptr), confirmed] { done(confirmed); });
}

void PairSync::tell_changes(const Effects& effects, Now now) {
  untold_ = true;
  if (std::any_of(effects.begin(), effects.end(), can_be_seen)) tell_rest(now);
}

void PairSync::tell_rest(Now now) {
  if (!std::exchange(untold_, false) || !telling()) return;
  delta_.mutable_delta()->Clear();
  machine_.take_changes(now, *delta_.mutable_delta());
  if (handlers_.session_changes) handlers_.session_changes(*delta_.mutable_delta());
  if (!backup_->session.delta(*delta_.mutable_delta())) return;
  ++figures_.deltas;
  figures_.bytes += delta_.ByteSizeLong();
  backup_->line.send(delta_);
}

bool PairSync::telling() const {
  return backup_ != nullptr && backup_->telling && backup_->session.telling();
}

// --- As backup ---

void PairSync::carry_out(Primary& primary, SyncEffects effects, Now now) {
  for (SyncEffect& effect : effects) {
    std::visit(Overloaded{
                   [&](SyncSend& send) { primary.line.send(send.envelope); },
                   [&](SyncSnapshot&) {},
                   [&](SyncSessions& changed) {
                     if (handlers_.sessions_changed) handlers_.sessions_changed(changed.delta);
                   },
                   [&](SyncSessionsAnew& anew) {
                     if (handlers_.sessions_anew) handlers_.sessions_anew(std::move(anew.sessions));
                   },
                   [&](SyncReport& progress) { tell_progress(primary, progress.report, now); },
                   [&](SyncClose& close) {
                     primary.over = close.why;
                     primary.line.close(close.why);
                     if (close.other_knows && !knows() && handlers_.other_knows) handlers_.other_knows();
                   },
               },
               effect);
  }
}

void PairSync::tell_progress(Primary& primary, const PairReport& progress, Now now) {
  const bool there = progress.sync == PairReport::Sync::CaughtUp;
  if (there && !primary.caught_up) {
    carrier_.proved();
    knowledge_.reset();
    carrier_.note(LogLevel::Standard,
                  "synchronisation: caught up with the primary, " + std::to_string(progress.records) + " records");
  } else if (!there && primary.caught_up) {
    carrier_.note(LogLevel::Standard, "synchronisation: joins anew");
  }
  primary.caught_up = there;
  report(progress, now);
}

bool PairSync::knows() const {
  return knowledge() != nullptr || (handlers_.remembers && handlers_.remembers());
}

std::shared_ptr<const Replica> PairSync::knowledge() const {
  if (primary_ != nullptr) {
    if (auto known = primary_->session.knowledge()) return known;
  }
  return knowledge_;
}

bool PairSync::caught_up() const {
  return primary_ != nullptr && primary_->session.caught_up();
}

// --- The role ---

void PairSync::become_primary(std::uint64_t epoch, Now now) {
  epoch_ = epoch;
  highest_epoch_ = std::max(highest_epoch_, epoch);
  carrier_.stop_dialing();
  if (const auto gone = std::exchange(primary_, nullptr)) gone->line.drop();
  knowledge_.reset();
  report({}, now);
}

void PairSync::become_backup(Now now) {
  epoch_.reset();
  knowledge_.reset();
  if (backup_ != nullptr) {
    stop_telling(*backup_);
    backup_->leaving = true;
    say_goodbye(backup_->line, sync::Goodbye::NOT_PRIMARY, "it gave the role up");
  }
  report({.sync = PairReport::Sync::Joining}, now);
  if (!stopped_) carrier_.redial();
}

void PairSync::stop() {
  stopped_ = true;
  carrier_.stop_dialing();
  if (backup_ != nullptr) {
    stop_telling(*backup_);
    say_goodbye(backup_->line, sync::Goodbye::SHUTDOWN, "it stops");
  }
  if (primary_ != nullptr) primary_->line.close("it stops");
}

void PairSync::report(const PairReport& report, Now now) {
  const bool same = report.sync == reported_.sync && (report.lag_ms < 0) == (reported_.lag_ms < 0);
  if (same && now.steady - reported_at_ < kReportEvery) return;
  reported_ = report;
  reported_at_ = now.steady;
  if (handlers_.report) handlers_.report(report);
}

}  // namespace tandem::tserver
