#include "tserver/sync/sync.h"

#include <algorithm>
#include <utility>

namespace tandem::tserver {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

constexpr std::size_t kFrameLimit = 256 << 20;  // the changes of one input: a new configuration may change all
constexpr std::size_t kRecordsAtOnce = 128 << 10;
constexpr Instant kReportEvery{1s};

std::string why_closed(const std::string& over, net::CloseReason reason, const std::string& text) {
  if (!over.empty()) return over;
  if (reason == net::CloseReason::Local) return text;
  return std::string(net::to_string(reason)) + (text == net::to_string(reason) ? "" : ": " + text);
}

}  // namespace

// The backup's connection, as the primary has it.
class Sync::Incoming final : public net::Connection::Handler {
 public:
  Incoming(Sync& owner, net::ConnectionPtr connection)
      : owner_(owner),
        connection_(std::move(connection)),
        session_(owner.options_.identity, *owner.epoch_, owner.options_.times, owner.loop_.now()),
        timer_(owner.loop_) {
    connection_->start(*this);
    wait();
  }
  ~Incoming() override {
    if (telling_) stop_telling();
    connection_->detach();
  }

  bool telling() const { return telling_ && session_.telling(); }

  void tell(sync::Envelope& envelope) {
    if (!telling() || !session_.delta(*envelope.mutable_delta())) return;
    ++owner_.figures_.deltas;
    owner_.figures_.bytes += envelope.ByteSizeLong();
    net::send_message(*connection_, envelope);
  }
  void poll() {
    session_.poll_now();
    session_.check(owner_.loop_.now(), owner_.machine_.told(), effects_);
    carry_out();
  }
  void goodbye(sync::Goodbye::Reason reason, const std::string& why) {
    if (telling_) stop_telling();
    sync::Envelope envelope;
    envelope.mutable_goodbye()->set_reason(reason);
    envelope.mutable_goodbye()->set_text(why);
    net::send_message(*connection_, envelope);
    connection_->close(why);
  }

 private:
  void on_frame(std::string_view frame) override {
    sync::Envelope envelope;
    if (!envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
      over_ = "a frame can't be decoded";
      return connection_->close(over_);
    }
    session_.received(envelope, owner_.loop_.now(), effects_);
    carry_out();
  }

  void on_closed(net::CloseReason reason, const std::string& text) override {
    owner_.log_.write(LogLevel::Standard, "synchronisation: the backup" +
                                              (session_.peer().empty() ? "" : " " + session_.peer()) + " is gone, " +
                                              why_closed(over_, reason, text));
    owner_.report({});
    owner_.end_confirming(false);
    owner_.loop_.post([&owner = owner_, self = this] {
      if (owner.incoming_.get() == self) owner.incoming_.reset();
    });
    if (telling_) stop_telling();
    timer_.cancel();
  }

  void carry_out() {
    for (SyncEffect& effect : std::exchange(effects_, {})) {
      if (auto* send = std::get_if<SyncSend>(&effect)) {
        net::send_message(*connection_, send->envelope);
      } else if (std::holds_alternative<SyncSnapshot>(effect)) {
        send_snapshot();
      } else if (auto* report = std::get_if<SyncReport>(&effect)) {
        if (report->report.sync == PairReport::Sync::CaughtUp && !std::exchange(caught_up_, true))
          owner_.log_.write(LogLevel::Standard, "synchronisation: the backup " + session_.peer() + " has caught up");
        report->report.records = owner_.machine_.told().count;
        owner_.report(report->report);
        if (session_.confirmed()) owner_.end_confirming(true);
      } else if (auto* close = std::get_if<SyncClose>(&effect)) {
        over_ = close->why;
        connection_->close(over_);
      }
    }
    wait();
  }

  void send_snapshot() {
    telling_ = true;
    caught_up_ = false;
    ++owner_.figures_.snapshots;
    sync::Envelope envelope;
    envelope.mutable_snapshot_begin()->set_sequence(session_.sequence());
    envelope.mutable_snapshot_begin()->set_epoch(*owner_.epoch_);
    net::send_message(*connection_, envelope);
    std::size_t size = 0, bytes = 0, count = 0, sessions = 0;
    envelope.mutable_records();
    const auto flush = [&] {
      if (size > 0) net::send_message(*connection_, envelope);
      bytes += size;
      size = 0;
      envelope.mutable_records()->Clear();
    };
    owner_.machine_.begin_telling(owner_.loop_.now(), [&](const std::string& key, const std::string& record) {
      sync::Put& put = *envelope.mutable_records()->add_put();
      put.set_key(key);
      put.set_record(record);
      ++count;
      size += key.size() + record.size() + 8;
      if (size >= kRecordsAtOnce) flush();
    });
    flush();
    if (owner_.handlers_.keep_session_changes) owner_.handlers_.keep_session_changes(true);
    if (owner_.handlers_.all_sessions) owner_.handlers_.all_sessions(*envelope.mutable_records());
    sessions = static_cast<std::size_t>(envelope.records().sessions_size());
    if (sessions > 0) net::send_message(*connection_, envelope);
    const Machine::Told told = owner_.machine_.told();
    envelope.mutable_snapshot_end()->set_count(told.count);
    envelope.mutable_snapshot_end()->set_checksum(told.checksum);
    envelope.mutable_snapshot_end()->set_sessions(sessions);
    net::send_message(*connection_, envelope);
    owner_.log_.write(LogLevel::Standard, "synchronisation: snapshot for " + session_.peer() + " (" +
                                              connection_->peer_name() + "), " + std::to_string(count) +
                                              " records of " + std::to_string(bytes) + " bytes, " +
                                              std::to_string(sessions) + " client sessions");
  }

  void stop_telling() {
    telling_ = false;
    owner_.machine_.end_telling();
    if (owner_.handlers_.keep_session_changes) owner_.handlers_.keep_session_changes(false);
  }

  void wait() {
    const Instant due = session_.due();
    if (due == Instant::max()) return timer_.cancel();
    timer_.start(due, [this] {
      session_.check(owner_.loop_.now(), owner_.machine_.told(), effects_);
      carry_out();
    });
  }

  Sync& owner_;
  net::ConnectionPtr connection_;
  PrimarySession session_;
  net::Timer timer_;
  SyncEffects effects_;
  std::string over_;
  bool telling_ = false, caught_up_ = false;
};

// Our connection to the primary.
class Sync::Outgoing final : public net::Connection::Handler {
 public:
  Outgoing(Sync& owner, net::ConnectionPtr connection)
      : owner_(owner),
        connection_(std::move(connection)),
        session_(owner.options_.identity, owner.highest_epoch_, owner.options_.times, owner.loop_.now(), effects_),
        timer_(owner.loop_) {
    connection_->start(*this);
    carry_out();
  }
  ~Outgoing() override { connection_->detach(); }

  std::shared_ptr<Replica> knowledge() const { return session_.knowledge(); }
  void close(const std::string& why) { connection_->close(why); }

 private:
  void on_frame(std::string_view frame) override {
    if (!envelope_.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
      over_ = "a frame can't be decoded";
      return connection_->close(over_);
    }
    if (owner_.handlers_.links) session_.set_links(owner_.handlers_.links());
    session_.received(envelope_, owner_.loop_.now(), effects_);
    carry_out();
  }

  void on_closed(net::CloseReason reason, const std::string& text) override {
    timer_.cancel();
    const std::string why = why_closed(over_, reason, text);
    const bool news = session_.epoch() != 0 || why != owner_.last_failure_;
    owner_.last_failure_ = why;
    owner_.log_.write(news ? LogLevel::Standard : LogLevel::Trace,
                      "synchronisation: session with the primary ended, " + why);
    owner_.highest_epoch_ = std::max(owner_.highest_epoch_, session_.epoch());
    if (auto known = session_.knowledge()) owner_.knowledge_ = std::move(known);
    owner_.loop_.post([&owner = owner_, self = this] {
      if (owner.outgoing_.get() == self) owner.outgoing_.reset();
    });
    if (owner_.epoch_ || owner_.stopped_) return;
    PairReport report;
    report.sync = PairReport::Sync::Joining;
    owner_.report(report);
    owner_.dialer_->redial();
  }

  void carry_out() {
    for (SyncEffect& effect : std::exchange(effects_, {})) {
      std::visit(Overloaded{
                     [&](SyncSend& send) { net::send_message(*connection_, send.envelope); },
                     [&](SyncSnapshot&) {},
                     [&](SyncSessions& changed) {
                       if (owner_.handlers_.sessions_changed) owner_.handlers_.sessions_changed(changed.delta);
                     },
                     [&](SyncSessionsAnew& anew) {
                       if (owner_.handlers_.sessions_anew) owner_.handlers_.sessions_anew(std::move(anew.sessions));
                     },
                     [&](SyncReport& report) { tell(report.report); },
                     [&](SyncClose& close) {
                       over_ = close.why;
                       if (close.other_knows && owner_.knowledge() == nullptr && owner_.handlers_.other_knows)
                         owner_.handlers_.other_knows();
                       connection_->close(over_);
                     },
                 },
                 effect);
    }
    const Instant due = session_.due();
    if (due == Instant::max()) return timer_.cancel();
    timer_.start(due, [this] {
      session_.check(owner_.loop_.now(), effects_);
      carry_out();
    });
  }

  void tell(const PairReport& report) {
    const bool now = report.sync == PairReport::Sync::CaughtUp;
    if (now && !caught_up_) {
      owner_.dialer_->proved();
      owner_.knowledge_.reset();
      owner_.log_.write(LogLevel::Standard,
                        "synchronisation: caught up with the primary, " + std::to_string(report.records) + " records");
    } else if (!now && caught_up_) {
      owner_.log_.write(LogLevel::Standard, "synchronisation: joins anew");
    }
    caught_up_ = now;
    owner_.report(report);
  }

  Sync& owner_;
  net::ConnectionPtr connection_;
  SyncEffects effects_;
  BackupSession session_;
  net::Timer timer_;
  sync::Envelope envelope_;
  std::string over_;
  bool caught_up_ = false;
};

Sync::Sync(net::EventLoop& loop, Logger& log, SyncOptions options, Machine& machine, Handlers handlers)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      machine_(machine),
      handlers_(std::move(handlers)),
      confirm_timer_(loop) {}
Sync::~Sync() = default;

Result<std::uint16_t, Failure> Sync::open() {
  net::ConnectionOptions connection;
  connection.frame_limit = kFrameLimit;
  connection.queue_limit = options_.queue_limit;
  auto opened = net::Listener::open(
      loop_,
      {.host = options_.address,
       .port = options_.port,
       .tls = options_.server_tls,
       .connection_limit = 8,
       .connection = connection},
      [this](net::ConnectionPtr accepted) { accept(std::move(accepted)); },
      [this](const std::string& line) { log_.write(LogLevel::Standard, "ha-sync port: " + line); });
  if (!opened) return opened.error();
  listener_ = std::move(*opened);
  dialer_ = net::Dialer::make(
      loop_,
      {.hosts = {options_.peer},
       .tls = options_.client_tls,
       .backoff = {.first = 100ms, .limit = 1000ms},
       .connection = connection},
      [this](net::ConnectionPtr made) {
        if (epoch_ || stopped_) return made->close("the role has changed");
        outgoing_ = std::make_unique<Outgoing>(*this, std::move(made));
      },
      [this](const std::string& line, std::chrono::milliseconds) {
        const LogLevel level = line == last_failure_ ? LogLevel::Trace : LogLevel::Standard;
        last_failure_ = line;
        log_.write(level, "synchronisation: " + line);
      });
  report({.sync = PairReport::Sync::Joining});
  dialer_->dial();
  return listener_->port();
}

void Sync::set_tls(net::TlsContextPtr server, net::TlsContextPtr client) {
  if (listener_ != nullptr) listener_->set_tls(std::move(server));
  if (dialer_ != nullptr) dialer_->set_tls(std::move(client));
}

bool Sync::may_partner(const net::Connection& connection) const {
  const auto& names = options_.partners;
  return names.empty() || std::find(names.begin(), names.end(), connection.peer_name()) != names.end();
}

void Sync::accept(net::ConnectionPtr connection) {
  if (!may_partner(*connection)) {
    log_.write(LogLevel::Standard, "synchronisation: refused " + connection->peer() + ", its certificate " +
                                       connection->peer_name() + " is not one of ha/sync-partners");
    return connection->close("not with this certificate");
  }
  if (!epoch_ || stopped_) {
    sync::Envelope envelope;
    envelope.mutable_goodbye()->set_reason(sync::Goodbye::NOT_PRIMARY);
    envelope.mutable_goodbye()->set_text("not primary");
    envelope.mutable_goodbye()->set_knows(!stopped_ && knowledge() != nullptr);
    net::send_message(*connection, envelope);
    return connection->close("not primary");
  }
  if (incoming_ != nullptr) log_.write(LogLevel::Standard, "synchronisation: the backup connects anew");
  incoming_.reset();
  end_confirming(false);
  incoming_ = std::make_unique<Incoming>(*this, std::move(connection));
}

void Sync::become_primary(std::uint64_t epoch) {
  epoch_ = epoch;
  highest_epoch_ = std::max(highest_epoch_, epoch);
  if (dialer_ != nullptr) dialer_->stop();
  outgoing_.reset();
  knowledge_.reset();
  report({});
}

void Sync::become_backup() {
  epoch_.reset();
  knowledge_.reset();
  if (incoming_ != nullptr) incoming_->goodbye(sync::Goodbye::NOT_PRIMARY, "it gave the role up");
  report({.sync = PairReport::Sync::Joining});
  if (dialer_ != nullptr && !stopped_) dialer_->redial();
}

void Sync::stop() {
  stopped_ = true;
  if (dialer_ != nullptr) dialer_->stop();
  if (incoming_ != nullptr) incoming_->goodbye(sync::Goodbye::SHUTDOWN, "it stops");
  if (outgoing_ != nullptr) outgoing_->close("it stops");
}

bool Sync::telling() const {
  return incoming_ != nullptr && incoming_->telling();
}

void Sync::tell_changes() {
  if (!telling()) return;
  delta_.mutable_delta()->Clear();
  machine_.take_changes(loop_.now(), *delta_.mutable_delta());
  if (handlers_.session_changes) handlers_.session_changes(*delta_.mutable_delta());
  incoming_->tell(delta_);
}

void Sync::confirm(Instant limit, Confirmed done) {
  end_confirming(false);
  confirming_ = std::move(done);
  if (!telling()) return end_confirming(false);
  confirm_timer_.start_in(limit, [this] { end_confirming(false); });
  incoming_->poll();
}

void Sync::end_confirming(bool confirmed) {
  if (!confirming_) return;
  confirm_timer_.cancel();
  loop_.post([done = std::exchange(confirming_, nullptr), confirmed] { done(confirmed); });
}

std::shared_ptr<const Replica> Sync::knowledge() const {
  if (outgoing_ != nullptr) {
    if (auto known = outgoing_->knowledge()) return known;
  }
  return knowledge_;
}

void Sync::report(const PairReport& report) {
  const bool same = report.sync == reported_.sync && (report.lag_ms < 0) == (reported_.lag_ms < 0);
  if (same && loop_.steady() - reported_at_ < kReportEvery) return;
  reported_ = report;
  reported_at_ = loop_.steady();
  if (handlers_.report) handlers_.report(report);
}

}  // namespace tandem::tserver
