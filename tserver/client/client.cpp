#include "tserver/client/client.h"

#include <charconv>
#include <limits>
#include <utility>

namespace tandem::client {

using tlib::Message;

class Client::Session final : private net::Connection::Handler {
 public:
  Session(net::EventLoop& loop, ClientOptions options, OnEvent on_event, OnTrouble on_trouble)
      : loop_(loop),
        options_(std::move(options)),
        on_event_(std::move(on_event)),
        on_trouble_(std::move(on_trouble)),
        addp_(options_.addp, loop.steady()),
        addp_timer_(loop),
        open_timer_(loop) {
    net::DialerOptions dial;
    dial.hosts = options_.servers;
    dial.tls = options_.tls;
    dial.verify_name = options_.verify_name;
    dial.connect_timeout = options_.connect_timeout;
    dial.backoff = options_.backoff;
    dialer_ = net::Dialer::make(
        loop_, std::move(dial), [this](net::ConnectionPtr connection) { begin(std::move(connection)); },
        [this](const std::string& line, std::chrono::milliseconds) { trouble(line); });
  }

  ~Session() override {
    if (connection_) connection_->detach();
  }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void open() {
    wanted_ = true;
    if (!connection_) dialer_->dial();
  }

  void close() {
    wanted_ = false;
    dialer_->stop();
    if (connection_) connection_->close("closed by the application");
  }

  bool connected() const { return connected_; }

  std::int32_t send(Message& request) {
    if (!connected_) return 0;
    if (!request.has_referenceid()) request.set_referenceid(next_reference());
    return net::send_message(*connection_, request) ? request.referenceid() : 0;
  }

 private:
  void begin(net::ConnectionPtr connection) {
    connection_ = std::move(connection);
    connection_->start(*this);
    addp_ = net::Addp(options_.addp, loop_.steady());
    Message request;
    request.set_type(tlib::RequestRegisterClient);
    request.set_protocolversion(protocol_version);
    request.set_referenceid(next_reference());
    request.set_applicationname(options_.application);
    if (!options_.password.empty()) request.set_applicationpassword(options_.password);
    net::send_message(*connection_, request);
    open_timer_.start_in(options_.open_timeout, [this] { lost("no answer to RequestRegisterClient"); });
    watch();
  }

  void on_frame(std::string_view frame) override {
    addp_.received(loop_.steady());
    if (!message_.ParseFromArray(frame.data(), static_cast<int>(frame.size())) || !message_.has_type()) {
      // Kept from the handler and from the next frames: what follows can't be trusted to be in order.
      return lost("received what is not a T-Library message");
    }
    switch (message_.type()) {
      case tlib::AddpPoll:
        message_.set_type(tlib::AddpAnswer);
        net::send_message(*connection_, message_);
        return;
      case tlib::AddpAnswer:
        return;
      default:
        break;
    }
    if (!connected_) opened();
    if (connection_) on_event_(message_);
  }

  // The first word of the server decides whether there is a session.
  void opened() {
    if (message_.type() == tlib::EventError) {
      const std::string why = "refused: " + std::to_string(message_.errorcode()) + " " + message_.errormessage();
      on_event_(message_);
      return lost(why);
    }
    open_timer_.cancel();
    dialer_->proved();
    connected_ = true;
    on_event_(local_event(tlib::EventServerConnected));
  }

  void on_closed(net::CloseReason reason, const std::string& text) override {
    ended(text.empty() ? net::to_string(reason) : text);
  }

  // Gives up the connection at once.
  void lost(const std::string& why) {
    connection_->detach();
    ended(why);
  }

  void ended(const std::string& why) {
    open_timer_.cancel();
    addp_timer_.cancel();
    const std::string peer = connection_->peer();
    Message event = local_event(tlib::EventServerDisconnected);
    event.set_errormessage(why);
    connection_.reset();
    if (wanted_) dialer_->redial();
    if (std::exchange(connected_, false)) {
      on_event_(event);
    } else if (wanted_) {
      trouble(peer + ": " + why);
    }
  }

  // Heartbeat: asks what to do now and comes back when it may be time again.
  void watch() {
    const net::Addp::Step step = addp_.check(loop_.steady());
    if (step.what == net::Addp::What::Dead) return lost("the server is silent");
    if (step.what == net::Addp::What::Poll) {
      Message poll;
      poll.set_type(tlib::AddpPoll);
      poll.set_requestid(step.stamp);
      net::send_message(*connection_, poll);
    }
    if (step.again > Instant{0}) addp_timer_.start(step.again, [this] { watch(); });
  }

  Message local_event(tlib::MessageType type) const {
    Message event;
    event.set_type(type);
    const std::string& peer = connection_->peer();
    const auto colon = peer.rfind(':');
    if (colon != std::string::npos) {
      std::int32_t port = 0;
      std::from_chars(peer.data() + colon + 1, peer.data() + peer.size(), port);
      event.set_host(peer.substr(0, colon));
      event.set_port(port);
    }
    const auto wall = loop_.now().wall.count();
    event.set_timeinsecs(static_cast<std::int32_t>(wall / 1000000));
    event.set_timeinusecs(static_cast<std::int32_t>(wall % 1000000));
    return event;
  }

  std::int32_t next_reference() {
    last_reference_ = last_reference_ == std::numeric_limits<std::int32_t>::max() ? 1 : last_reference_ + 1;
    return last_reference_;
  }

  void trouble(const std::string& line) {
    if (on_trouble_) on_trouble_(line);
  }

  net::EventLoop& loop_;
  const ClientOptions options_;
  const OnEvent on_event_;
  const OnTrouble on_trouble_;
  std::unique_ptr<net::Dialer> dialer_;
  net::ConnectionPtr connection_;
  net::Addp addp_;
  net::Timer addp_timer_;
  net::Timer open_timer_;
  Message message_;  // reused: a stream of like events costs no allocation
  std::int32_t last_reference_ = 0;
  bool wanted_ = false;     // between open() and close()
  bool connected_ = false;  // the server took the session
};

Client::Client(net::EventLoop& loop, ClientOptions options, OnEvent on_event, OnTrouble on_trouble)
    : session_(std::make_unique<Session>(loop, std::move(options), std::move(on_event), std::move(on_trouble))) {}

Client::~Client() = default;

void Client::open() {
  session_->open();
}
void Client::close() {
  session_->close();
}
bool Client::connected() const {
  return session_->connected();
}
std::int32_t Client::send(Message& request) {
  return session_->send(request);
}

}  // namespace tandem::client
