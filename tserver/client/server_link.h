// One connection to one of several T-Servers, made anew whenever it is lost: dialing, heartbeats, the time a server has
// to take a session. What is said on it is its owner's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/addp.h"
#include "common/net/connection.h"
#include "common/net/dialer.h"
#include "tserver/client/client.h"

namespace tandem::client {

class ServerLink final : private net::Connection::Handler {
 public:
  struct Handlers {
    std::function<void()> connected;                      // RequestRegisterClient is to be sent
    std::function<void(tlib::Message& message)> message;  // whatever it is but a heartbeat
    // The connection is gone; the next one is being made unless stop() or close() was called.
    std::function<void(const std::string& why, const tlib::Message& disconnected)> lost;
    std::function<void(const std::string& line)> trouble;  // why an attempt failed
    std::function<std::uint64_t()> confirm;                // StreamNumber for a heartbeat; 0: none
  };

  // Of `options` everything but `servers` counts; those are tried in turn.
  ServerLink(net::EventLoop& loop, const ClientOptions& options, std::vector<net::HostPort> servers, Handlers handlers);
  ~ServerLink() override;
  ServerLink(const ServerLink&) = delete;
  ServerLink& operator=(const ServerLink&) = delete;

  void dial();
  // No more attempts; a connection ends after what was sent has left.
  void close();
  // Gives the connection up at once: lost() is called.
  void lose(const std::string& why);
  // The same without a word: another link has its session.
  void drop();

  bool up() const { return connection_ != nullptr; }
  std::string peer() const { return connection_ ? connection_->peer() : std::string(); }
  // False: it doesn't take it any more, and will be lost.
  bool send(const tlib::Message& message);
  // RequestRegisterClient, whose answer must come in time: proved() says that it has.
  void send_open(const tlib::Message& request);
  void proved();

  // EventServerConnected or EventServerDisconnected about this connection.
  tlib::Message local_event(tlib::MessageType type) const;

 private:
  void begin(net::ConnectionPtr connection);
  void on_frame(std::string_view frame) override;
  void on_closed(net::CloseReason reason, const std::string& text) override;
  void ended(const std::string& why);
  void watch();

  net::EventLoop& loop_;
  const net::AddpOptions addp_options_;
  const std::chrono::milliseconds open_timeout_;
  const Handlers handlers_;
  std::unique_ptr<net::Dialer> dialer_;
  net::ConnectionPtr connection_;
  net::Addp addp_;
  net::Timer addp_timer_;
  net::Timer open_timer_;
  tlib::Message message_;  // reused: a stream of like events costs no allocation
  bool wanted_ = false;
};

}  // namespace tandem::client
