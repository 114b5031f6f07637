#include "tserver/clients/clients.h"

#include <random>

#include "common/base/overloaded.h"
#include "tserver/clients/encoding.h"
#include "tserver/clients/intake.h"

namespace tandem::tserver {
namespace {

std::string text_of(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

std::string became(SessionId session) {
  return "it is client " + std::to_string(session.value) + " now";
}

std::string full_peer(const net::Connection& connection) {
  return connection.peer_name().empty() ? connection.peer() : connection.peer() + " (" + connection.peer_name() + ")";
}

// A name for a session that nobody can guess.
std::string new_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 2; ++i) token += to_hex((std::uint64_t{random()} << 32) | random());
  return token;
}

}  // namespace

class Clients::Session final : public net::Connection::Handler {
 public:
  Session(Clients& owner, SessionId id, net::ConnectionPtr connection)
      : owner_(owner),
        id_(id),
        connection_(std::move(connection)),
        addp_(owner.options_.addp, owner.loop_.steady()),
        heartbeat_(owner.loop_),
        open_deadline_(owner.loop_) {
    open_deadline_.start_in(owner_.options_.open_timeout, [this] {
      close("no RequestRegisterClient within " + text_of(owner_.options_.open_timeout), LogLevel::Standard);
    });
    check_heartbeat();
  }
  ~Session() override { connection_->detach(); }

  void start() { connection_->start(*this); }
  void send(std::string_view body, std::int32_t reference_id) {
    if (connection_->send(ClientFields(stream_ + 1, reference_id).bytes(), body)) ++stream_;
  }
  // The session is a kept one whose events after `sent` are due.
  void become(SessionId id, std::uint64_t sent) {
    id_ = id;
    stream_ = sent;
  }
  SessionId id() const { return id_; }
  std::size_t queued() const { return connection_->queued(); }
  void send_new(const KeptSession& session) {
    while (const SessionEvent* event = session.after(stream_)) {
      if (!connection_->send(ClientFields(event->number, event->reference_id).bytes(), *event->body)) return;
      stream_ = event->number;
    }
  }
  // Nothing more is read until what it asked for is taken back.
  void wait_with(tlib::Message asked) {
    asked_ = std::move(asked);
    connection_->pause();
  }
  tlib::Message go_on() {
    connection_->resume();
    return std::exchange(asked_, {});
  }
  void send_unnumbered(const tlib::Message& message) { net::send_message(*connection_, message); }
  void opened() { open_deadline_.cancel(); }
  // For good. `level` of the line that tells it.
  void close(const std::string& why, LogLevel level) {
    may_return_ = false;
    close_level_ = level;
    heartbeat_.cancel();
    open_deadline_.cancel();
    connection_->close(why);
  }
  std::string name() const { return "client " + std::to_string(id_.value) + " at " + connection_->peer(); }
  const net::Connection& connection() const { return *connection_; }

 private:
  void on_frame(std::string_view frame) override {
    addp_.received(owner_.loop_.steady());
    Intake intake = take_in(frame);
    std::visit(Overloaded{
                   [this](tlib::Message& message) { owner_.received(*this, std::move(message)); },
                   [this](Poll& poll) {
                     owner_.kept_.confirm(id_, poll.confirmed);
                     net::send_message(*connection_, addp_message(tlib::AddpAnswer, poll.stamp));
                   },
                   [this](Alive& alive) { owner_.kept_.confirm(id_, alive.confirmed); },
                   [this](End&) { close("ended by the client", LogLevel::Trace); },
                   [this](Answerable& answer) { refuse(answer.error.SerializeAsString()); },
                   [this](Hopeless& hopeless) { close("malformed frame: " + hopeless.why, LogLevel::Standard); },
               },
               intake);
  }
  void refuse(std::string error) {
    const KeptSession* kept = owner_.kept_.find(id_);
    if (kept == nullptr) return send(error, 0);
    owner_.kept_.add(id_, 0, std::make_shared<const std::string>(std::move(error)));
    send_new(*kept);
  }

  void on_closed(net::CloseReason reason, const std::string& text) override {
    using enum net::CloseReason;
    if (reason == Local) return owner_.closed(id_, text, close_level_, may_return_);
    if (reason == PeerClosed) return owner_.closed(id_, text, LogLevel::Trace, may_return_);
    const bool harmless = reason == Broken || reason == SlowReader || reason == Idle;
    owner_.closed(id_, std::string(net::to_string(reason)) + ": " + text, LogLevel::Standard, may_return_ && harmless);
  }

  void check_heartbeat() {
    const auto step = addp_.check(owner_.loop_.steady());
    if (step.what == net::Addp::What::Dead) {
      // Nothing queued would reach it any more.
      return owner_.closed(id_, "no sign of life for " + text_of(addp_.timeout()), LogLevel::Standard, may_return_);
    }
    if (step.what == net::Addp::What::Poll) net::send_message(*connection_, addp_message(tlib::AddpPoll, step.stamp));
    if (step.again > Instant::zero()) heartbeat_.start(step.again, [this] { check_heartbeat(); });
  }

  Clients& owner_;
  SessionId id_;
  net::ConnectionPtr connection_;
  net::Addp addp_;
  net::Timer heartbeat_;
  net::Timer open_deadline_;
  std::uint64_t stream_ = 0;  // number of the last event sent
  LogLevel close_level_ = LogLevel::Trace;
  bool may_return_ = true;  // nobody has ended the session
  tlib::Message asked_;     // while it waits
};

Clients::Clients(net::EventLoop& loop, Logger& log, ClientsOptions options, Take take)
    : loop_(loop), log_(log), options_(options), take_(std::move(take)), kept_(options.kept), kept_timer_(loop) {
  kept_.number_from(loop.now().wall);
}
Clients::~Clients() = default;

Result<std::uint16_t, Failure> Clients::listen(net::ListenerOptions listening) {
  const bool tls = listening.tls != nullptr;
  auto opened = net::Listener::open(
      loop_, std::move(listening), [this](net::ConnectionPtr connection) { accept(std::move(connection)); },
      [this](const std::string& line) { log_.write(LogLevel::Standard, "tlib port: " + line); });
  if (!opened) return opened.error();
  ports_.push_back({std::move(*opened), tls});
  return ports_.back().listener->port();
}

void Clients::set_options(const ClientsOptions& options, const net::ConnectionOptions& connection) {
  options_ = options;
  kept_.set_options(options.kept);
  for (const Port& port : ports_) port.listener->set_options(connection);
}

void Clients::set_tls(const net::TlsContextPtr& tls) {
  for (const Port& port : ports_) {
    if (port.tls) port.listener->set_tls(tls);
  }
}

void Clients::accept(net::ConnectionPtr connection) {
  const SessionId id{++last_session_};
  std::string peer = full_peer(*connection);
  std::string certificate = connection->peer_name();
  auto& session = sessions_[id] = std::make_unique<Session>(*this, id, std::move(connection));
  session->start();
  if (log_.enabled(LogLevel::Trace)) {
    log_.write(LogLevel::Trace, session->name() + ": connected, " + session->connection().protocol());
  }
  take_(ClientOpened{id, std::move(peer), std::move(certificate)});
}

void Clients::received(Session& session, tlib::Message message) {
  const SessionId id = session.id();
  if (message.type() == tlib::RequestRegisterClient) {
    session.opened();
    if (message.has_sessiontoken() && !is_kept(id)) {
      if (admits_kept_) return attach(session, std::move(message));
      waiting_.push_back(id);
      return session.wait_with(std::move(message));
    }
  } else if (is_kept(id)) {
    kept_.confirm(id, message.streamnumber());
  }
  take_(ClientRequest{id, std::move(message)});
}

bool Clients::begins(const ClientRequest& request) {
  return !is_kept(request.session) || !request.message.has_requestid() ||
         kept_.take(request.session, request.message.requestid());
}

void Clients::admit_kept(bool now) {
  if (std::exchange(admits_kept_, now) || !now) return;
  loop_.at_turn_end([this] { attach_waiting(); });
}

void Clients::attach_waiting() {
  for (const SessionId id : std::exchange(waiting_, {})) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) attach(*found->second, found->second->go_on());
  }
}

void Clients::attach(Session& session, tlib::Message message) {
  KeptSessions::Attached attached = KeptSessions::Refused{"this T-Server is the backup"};
  if (primary_) {
    if (message.sessiontoken().empty()) message.set_sessiontoken(new_token());
    attached = kept_.attach({message.sessiontoken(), session.connection().peer_name(), message.streamnumber(),
                             message.sessionattempt(), SessionId{message.sessionid()}});
  }
  std::visit(Overloaded{[&](const KeptSessions::Resumed& resumed) {
                          let_go(resumed.session);
                          const SessionId before = rename(session, resumed.session);
                          session.become(resumed.session, message.streamnumber());
                          tlib::Message answer;
                          answer.set_type(tlib::EventSessionResumed);
                          if (message.has_referenceid()) answer.set_referenceid(message.referenceid());
                          answer.set_sessionid(resumed.session.value);
                          answer.set_sessiontoken(message.sessiontoken());
                          answer.set_sessionkept(static_cast<std::uint64_t>(options_.kept.keep.count()));
                          session.send_unnumbered(answer);
                          const KeptSession& kept = *kept_.find(resumed.session);
                          if (log_.enabled(LogLevel::Interaction)) {
                            log_.write(LogLevel::Interaction, session.name() + ": session resumed after event " +
                                                                  std::to_string(message.streamnumber()) + " of " +
                                                                  std::to_string(kept.head().last_number));
                          }
                          session.send_new(kept);
                          // Last: the role may pass with it, and all sessions that are kept are let go then.
                          take_(ClientClosed{before, became(resumed.session)});
                        },
                        [&](const KeptSessions::Opened& opened) {
                          if (opened.instead) let_go(*opened.instead);
                          const SessionId before = rename(session, opened.session);
                          session.become(opened.session, 0);
                          const net::Connection& connection = session.connection();
                          ClientOpened anew{opened.session, full_peer(connection), connection.peer_name()};
                          if (opened.instead)
                            take_(ClientClosed{*opened.instead, "what it missed is not there any more"});
                          take_(ClientClosed{before, became(opened.session)});
                          take_(std::move(anew));
                          message.set_sessionkept(static_cast<std::uint64_t>(options_.kept.keep.count()));
                          take_(ClientRequest{opened.session, std::move(message)});
                          if (kept_.find(opened.session) == nullptr)
                            take_(ClientClosed{opened.session, "the role passed when it was opened"});
                        },
                        [&](const KeptSessions::Overtaken&) {
                          session.close("a later connection has the session", LogLevel::Interaction);
                        },
                        [&](const KeptSessions::Refused& refused) {
                          if (log_.enabled(LogLevel::Trace))
                            log_.write(LogLevel::Trace, session.name() + ": the session is not kept: " + refused.why);
                          message.clear_sessiontoken();
                          take_(ClientRequest{session.id(), std::move(message)});
                        }},
             attached);
  watch_kept();
}

SessionId Clients::rename(Session& session, SessionId to) {
  const SessionId from = session.id();
  auto node = sessions_.extract(from);
  node.key() = to;
  sessions_.insert(std::move(node));
  return from;
}

// The connection it has, if any, is none of the session's any more.
void Clients::let_go(SessionId session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  loop_.post([gone = std::shared_ptr<Session>(std::move(found->second))] {});
  sessions_.erase(found);
}

void Clients::watch_kept() {
  const auto next = kept_.next();
  if (!next) return kept_timer_.cancel();
  kept_timer_.start(*next, [this] {
    for (const KeptSessions::Overdue& over : kept_.overdue(loop_.steady())) {
      log_.write(LogLevel::Standard, "client " + std::to_string(over.session.value) + ": ended, " + over.why);
      take_(ClientClosed{over.session, over.why});
    }
    watch_kept();
  });
}

std::vector<SessionId> Clients::set_primary(bool primary) {
  primary_ = primary;
  std::vector<SessionId> gone;
  if (primary) {
    kept_.take_over(loop_.now());
  } else {
    for (const SessionRecord& record : kept_.records()) {
      gone.push_back(record.head.session);
      let_go(record.head.session);
    }
    kept_.replace_all({});
  }
  watch_kept();
  return gone;
}

void Clients::record(const Effects& effects) {
  if (kept_.empty()) return;
  bool waits = false;
  for (const Effect& effect : effects) {
    const auto* event = std::get_if<Deliver>(&effect);
    if (event == nullptr) continue;
    std::shared_ptr<const std::string> body;
    for (const SessionId to : event->to) {
      if (!is_kept(to)) continue;
      if (body == nullptr) body = std::make_shared<const std::string>(event->event->SerializeAsString());
      kept_.add(to, to == event->requester ? event->reference_id : 0, body);
      waits = waits || !sessions_.contains(to);
    }
  }
  if (waits) watch_kept();
}

void Clients::deliver(const Deliver& event) {
  bool serialised = false;
  for (const SessionId to : event.to) {
    const auto found = sessions_.find(to);
    if (found == sessions_.end()) continue;
    if (is_kept(to)) {
      if (const KeptSession* kept = kept_.find(to)) found->second->send_new(*kept);
      continue;
    }
    if (!serialised) {
      body_.clear();
      event.event->AppendToString(&body_);
      serialised = true;
    }
    found->second->send(body_, to == event.requester ? event.reference_id : 0);
  }
}

void Clients::close(SessionId session, const std::string& why) {
  to_close_.emplace_back(session, why);
  if (to_close_.size() > 1) return;
  loop_.at_turn_end([this] {
    for (const auto& [id, text] : std::exchange(to_close_, {})) {
      if (const auto found = sessions_.find(id); found != sessions_.end()) {
        found->second->close(text, LogLevel::Trace);
      } else if (kept_.find(id) != nullptr) {
        kept_.end(id);
        take_(ClientClosed{id, text});
      }
    }
  });
}

void Clients::stop(const std::string& why) {
  stopping_ = true;
  ports_.clear();
  kept_timer_.cancel();
  for (const auto& [id, session] : sessions_) session->close(why, LogLevel::Trace);
}

Clients::Queues Clients::queues() const {
  Queues queues;
  for (const auto& [id, session] : sessions_) {
    queues.all += session->queued();
    queues.largest = std::max(queues.largest, session->queued());
  }
  return queues;
}

void Clients::closed(SessionId session, const std::string& why, LogLevel level, bool may_return) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  const bool kept = is_kept(session) && (stopping_ || (may_return && kept_.detach(session, loop_.now())));
  if (kept) level = std::max(level, LogLevel::Interaction);
  if (log_.enabled(level)) {
    log_.write(level, found->second->name() + ": closed, " + why +
                          (kept && !stopping_ ? "; the session is kept for " + text_of(options_.kept.keep) : ""));
  }
  loop_.post([gone = std::shared_ptr<Session>(std::move(found->second))] {});  // not while it is on the stack
  sessions_.erase(found);
  if (kept) return watch_kept();  // another T-Server may go on with it, or this one
  kept_.end(session);
  take_(ClientClosed{session, why});
}

}  // namespace tandem::tserver
