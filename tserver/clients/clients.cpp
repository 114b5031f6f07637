#include "tserver/clients/clients.h"

#include "tserver/clients/encoding.h"
#include "tserver/clients/intake.h"

namespace tandem::tserver {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string text_of(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
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
  // `level` of the line that tells it.
  void close(const std::string& why, LogLevel level) {
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
                   [this](tlib::Message& message) {
                     if (message.type() == tlib::RequestRegisterClient) open_deadline_.cancel();
                     owner_.take_(ClientRequest{id_, std::move(message)});
                   },
                   [this](Poll& poll) { net::send_message(*connection_, addp_message(tlib::AddpAnswer, poll.stamp)); },
                   [](Alive&) {},
                   [this](Answerable& answer) { send(answer.error.SerializeAsString(), 0); },
                   [this](Hopeless& hopeless) { close("malformed frame: " + hopeless.why, LogLevel::Standard); },
               },
               intake);
  }
  void on_closed(net::CloseReason reason, const std::string& text) override {
    using enum net::CloseReason;
    if (reason == Local) return owner_.closed(id_, text, close_level_);
    if (reason == PeerClosed) return owner_.closed(id_, text, LogLevel::Trace);
    owner_.closed(id_, std::string(net::to_string(reason)) + ": " + text, LogLevel::Standard);
  }

  void check_heartbeat() {
    const auto step = addp_.check(owner_.loop_.steady());
    if (step.what == net::Addp::What::Dead) {
      // Nothing queued would reach it any more.
      return owner_.closed(id_, "no sign of life for " + text_of(addp_.timeout()), LogLevel::Standard);
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
};

Clients::Clients(net::EventLoop& loop, Logger& log, ClientsOptions options, Take take)
    : loop_(loop), log_(log), options_(options), take_(std::move(take)) {}
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
  for (const Port& port : ports_) port.listener->set_options(connection);
}

void Clients::set_tls(const net::TlsContextPtr& tls) {
  for (const Port& port : ports_) {
    if (port.tls) port.listener->set_tls(tls);
  }
}

void Clients::accept(net::ConnectionPtr connection) {
  const SessionId id{++last_session_};
  std::string peer = connection->peer();
  std::string certificate = connection->peer_name();
  if (!certificate.empty()) peer += " (" + certificate + ")";
  auto& session = sessions_[id] = std::make_unique<Session>(*this, id, std::move(connection));
  session->start();
  if (log_.enabled(LogLevel::Trace)) {
    log_.write(LogLevel::Trace, session->name() + ": connected, " + session->connection().protocol());
  }
  take_(ClientOpened{id, std::move(peer), std::move(certificate)});
}

void Clients::deliver(const Deliver& event) {
  bool serialised = false;
  for (const SessionId to : event.to) {
    const auto found = sessions_.find(to);
    if (found == sessions_.end()) continue;
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
      if (const auto found = sessions_.find(id); found != sessions_.end()) found->second->close(text, LogLevel::Trace);
    }
  });
}

void Clients::stop(const std::string& why) {
  ports_.clear();
  for (const auto& [id, session] : sessions_) session->close(why, LogLevel::Trace);
}

void Clients::closed(SessionId session, const std::string& why, LogLevel level) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  if (log_.enabled(level)) log_.write(level, found->second->name() + ": closed, " + why);
  loop_.post([gone = std::shared_ptr<Session>(std::move(found->second))] {});  // not while it is on the stack
  sessions_.erase(found);
  take_(ClientClosed{session, why});
}

}  // namespace tandem::tserver
