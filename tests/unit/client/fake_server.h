// A T-Server for tests of clients: takes sessions on a free loopback port and keeps what it receives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/listener.h"
#include "common/net/loop.h"
#include "tserver/client/json.h"

namespace tandem::client::test {

// Runs the loop until `done`; false if that takes far too long.
inline bool until(net::EventLoop& loop, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  if (loop.context().stopped()) loop.context().restart();
  while (!done()) {
    if (loop.context().run_one_until(deadline) == 0) return false;
  }
  return true;
}

class FakeServer {
 public:
  class Session final : public net::Connection::Handler {
   public:
    Session(FakeServer& server, net::ConnectionPtr made) : server_(server), connection(std::move(made)) {
      connection->start(*this);
    }
    ~Session() override { connection->detach(); }
    void on_frame(std::string_view frame) override {
      tlib::Message message;
      if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return;
      received.push_back(message);
      if (server_.on_request) server_.on_request(*this, message);
    }
    void on_closed(net::CloseReason why, const std::string&) override { closed = why; }
    // An event as JSON.
    void send(std::string_view line) {
      const auto message = from_json_line(line);
      if (!message) throw std::invalid_argument(std::string(line) + ": " + message.error().text);
      net::send_message(*connection, *message);
    }

   private:
    FakeServer& server_;

   public:
    net::ConnectionPtr connection;
    std::vector<tlib::Message> received;
    std::optional<net::CloseReason> closed;
  };

  explicit FakeServer(net::EventLoop& loop, net::TlsContextPtr tls = {}) {
    net::ListenerOptions options;
    options.tls = std::move(tls);
    auto opened = net::Listener::open(
        loop, std::move(options),
        [this](net::ConnectionPtr made) { sessions.push_back(std::make_unique<Session>(*this, std::move(made))); },
        [this](const std::string& line) { refused.push_back(line); });
    if (!opened) throw std::runtime_error(opened.error().text);
    listener = std::move(*opened);
    on_request = accept;
  }

  // Takes the session and acknowledges every registration.
  static void accept(Session& session, const tlib::Message& request) {
    const std::string reference = std::to_string(request.referenceid());
    if (request.type() == tlib::RequestRegisterClient) {
      session.send(R"({"event":"EventLinkConnected","ReferenceID":)" + reference + R"(,"SessionID":1})");
    } else if (request.type() == tlib::RequestRegisterAddress) {
      session.send(R"({"event":"EventRegistered","ReferenceID":)" + reference + R"(,"ThisDN":")" + request.thisdn() +
                   R"("})");
    }
  }

  std::uint16_t port() const { return listener->port(); }
  Session& session(std::size_t i = 0) { return *sessions.at(i); }

  std::function<void(Session&, const tlib::Message&)> on_request;
  std::unique_ptr<net::Listener> listener;
  std::deque<std::unique_ptr<Session>> sessions;
  std::vector<std::string> refused;
};

}  // namespace tandem::client::test
