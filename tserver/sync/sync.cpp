#include "tserver/sync/sync.h"

#include <algorithm>
#include <utility>

namespace tandem::tserver {
namespace {

constexpr std::size_t kFrameLimit = 256 << 20;  // the changes of one input: a new configuration may change all

std::string why_closed(net::CloseReason reason, const std::string& text) {
  if (reason == net::CloseReason::Local) return text;
  return std::string(net::to_string(reason)) + (text == net::to_string(reason) ? "" : ": " + text);
}

}  // namespace

class Sync::Line final : public SyncLine, private net::Connection::Handler {
 public:
  Line(Sync& owner, net::ConnectionPtr connection) : owner_(owner), connection_(std::move(connection)) {}
  ~Line() override { connection_->detach(); }

  void start() { connection_->start(*this); }
  void send(const sync::Envelope& envelope) override { net::send_message(*connection_, envelope); }
  void close(const std::string& why) override { connection_->close(why); }
  void drop() override {
    connection_->detach();
    owner_.let_go(this);
  }
  std::string partner() const override { return connection_->peer_name(); }

 private:
  void on_frame(std::string_view frame) override {
    if (!envelope_.ParseFromArray(frame.data(), static_cast<int>(frame.size())))
      return connection_->close("a frame can't be decoded");
    owner_.pair_.received(*this, envelope_, owner_.loop_.now());
    owner_.wait();
  }
  void on_closed(net::CloseReason reason, const std::string& text) override {
    owner_.pair_.closed(*this, why_closed(reason, text), owner_.loop_.now());
    owner_.wait();
    owner_.let_go(this);
  }

  Sync& owner_;
  net::ConnectionPtr connection_;
  sync::Envelope envelope_;
};

Sync::Sync(net::EventLoop& loop, Logger& log, SyncOptions options, Machine& machine, Handlers handlers)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      pair_(options_.identity, options_.times, machine, std::move(handlers), *this),
      timer_(loop) {}
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
        Line& line = carry(std::move(made));
        pair_.connected(line, loop_.now());
        wait();
      },
      [this](const std::string& line, std::chrono::milliseconds) { pair_.unreachable(line); });
  pair_.open(loop_.now());
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
  Line& line = carry(std::move(connection));
  pair_.accepted(line, loop_.now());
  wait();
}

Sync::Line& Sync::carry(net::ConnectionPtr connection) {
  auto made = std::make_unique<Line>(*this, std::move(connection));
  Line& line = *made;
  lines_.emplace(&line, std::move(made));
  line.start();
  return line;
}

// Perhaps it is on the stack.
void Sync::let_go(const Line* line) {
  const auto found = lines_.find(line);
  if (found == lines_.end()) return;
  loop_.post([gone = std::shared_ptr<Line>(std::move(found->second))] {});
  lines_.erase(found);
}

void Sync::stop_dialing() {
  if (dialer_ != nullptr) dialer_->stop();
}

void Sync::wait() {
  const Instant due = pair_.due();
  if (due == Instant::max()) return timer_.cancel();
  timer_.start(due, [this] {
    pair_.check(loop_.now());
    wait();
  });
}

void Sync::become_primary(std::uint64_t epoch) {
  pair_.become_primary(epoch, loop_.now());
  wait();
}

void Sync::become_backup() {
  pair_.become_backup(loop_.now());
  wait();
}

void Sync::stop() {
  pair_.stop();
  wait();
}

void Sync::confirm(Instant limit, Confirmed done) {
  pair_.confirm(limit, std::move(done), loop_.now());
  wait();
}

void Sync::tell_changes(const Effects& effects) {
  pair_.tell_changes(effects, loop_.now());
}

}  // namespace tandem::tserver
