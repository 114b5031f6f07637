#include "tserver/client/server_link.h"

#include <charconv>
#include <utility>

namespace tandem::client {

using tlib::Message;

ServerLink::ServerLink(net::EventLoop& loop, const ClientOptions& options, std::vector<net::HostPort> servers,
                       Handlers handlers)
    : loop_(loop),
      addp_options_(options.addp),
      open_timeout_(options.open_timeout),
      handlers_(std::move(handlers)),
      addp_(options.addp, loop.steady()),
      addp_timer_(loop),
      open_timer_(loop) {
  net::DialerOptions dial;
  dial.hosts = std::move(servers);
  dial.tls = options.tls;
  dial.verify_name = options.verify_name;
  dial.connect_timeout = options.connect_timeout;
  dial.backoff = options.backoff;
  dialer_ = net::Dialer::make(
      loop_, std::move(dial), [this](net::ConnectionPtr connection) { begin(std::move(connection)); },
      [this](const std::string& line, std::chrono::milliseconds) { handlers_.trouble(line); });
}

ServerLink::~ServerLink() {
  if (connection_) connection_->detach();
}

void ServerLink::dial() {
  wanted_ = true;
  if (!connection_) dialer_->dial();
}

void ServerLink::close() {
  wanted_ = false;
  dialer_->stop();
  if (connection_) connection_->close("closed by the application");
}

void ServerLink::lose(const std::string& why) {
  connection_->detach();
  ended(why);
}

void ServerLink::drop() {
  if (!connection_) return;
  connection_->detach();
  open_timer_.cancel();
  addp_timer_.cancel();
  connection_.reset();
  if (wanted_) dialer_->redial();
}

bool ServerLink::send(const Message& message) {
  return connection_ && net::send_message(*connection_, message);
}

void ServerLink::send_open(const Message& request) {
  send(request);
  open_timer_.start_in(open_timeout_, [this] { lose("no answer to RequestRegisterClient"); });
}

void ServerLink::proved() {
  open_timer_.cancel();
  dialer_->proved();
}

void ServerLink::begin(net::ConnectionPtr connection) {
  connection_ = std::move(connection);
  connection_->start(*this);
  addp_ = net::Addp(addp_options_, loop_.steady());
  watch();
  handlers_.connected();
}

void ServerLink::on_frame(std::string_view frame) {
  addp_.received(loop_.steady());
  if (!message_.ParseFromArray(frame.data(), static_cast<int>(frame.size())) || !message_.has_type()) {
    // Kept from the handler and from the next frames: what follows can't be trusted to be in order.
    return lose("received what is not a T-Library message");
  }
  switch (message_.type()) {
    case tlib::AddpPoll:
      message_.set_type(tlib::AddpAnswer);
      if (const std::uint64_t number = handlers_.confirm(); number != 0) message_.set_streamnumber(number);
      net::send_message(*connection_, message_);
      return;
    case tlib::AddpAnswer:
      return;
    default:
      handlers_.message(message_);
  }
}

void ServerLink::on_closed(net::CloseReason reason, const std::string& text) {
  ended(text.empty() ? net::to_string(reason) : text);
}

void ServerLink::ended(const std::string& why) {
  open_timer_.cancel();
  addp_timer_.cancel();
  Message event = local_event(tlib::EventServerDisconnected);
  event.set_errormessage(why);
  connection_.reset();
  if (wanted_) dialer_->redial();
  handlers_.lost(why, event);
}

// Heartbeat: asks what to do now and comes back when it may be time again.
void ServerLink::watch() {
  const net::Addp::Step step = addp_.check(loop_.steady());
  if (step.what == net::Addp::What::Dead) return lose("the server is silent");
  if (step.what == net::Addp::What::Poll) {
    Message poll;
    poll.set_type(tlib::AddpPoll);
    poll.set_requestid(step.stamp);
    if (const std::uint64_t number = handlers_.confirm(); number != 0) poll.set_streamnumber(number);
    net::send_message(*connection_, poll);
  }
  if (step.again > Instant{0}) addp_timer_.start(step.again, [this] { watch(); });
}

Message ServerLink::local_event(tlib::MessageType type) const {
  Message event;
  event.set_type(type);
  const std::string peer = this->peer();
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

}  // namespace tandem::client
