// The T-Library sessions of one T-Server, on the event loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/log/log.h"
#include "common/net/addp.h"
#include "common/net/listener.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct ClientsOptions {
  net::AddpOptions addp;                          // silence after which a client is dropped
  std::chrono::milliseconds open_timeout{10000};  // for RequestRegisterClient
};

class Clients {
 public:
  using Take = std::function<void(Input)>;

  // `take` is given ClientOpened, ClientRequest and ClientClosed, never from within a call to this object.
  Clients(net::EventLoop& loop, Logger& log, ClientsOptions options, Take take);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // Opens a port; `listening.connection` carries the limits of one client. The port's number, or what is in the way.
  Result<std::uint16_t, Failure> listen(net::ListenerOptions listening);
  void set_options(const ClientsOptions& options, const net::ConnectionOptions& connection);  // for new connections
  void set_tls(const net::TlsContextPtr& tls);  // of the ports that have TLS, for new connections

  void deliver(const Deliver& event);
  // Closes at the end of the turn, so that what is delivered in the same turn still arrives.
  void close(SessionId session, const std::string& why);
  // No more accepted; all closed after what is queued.
  void stop(const std::string& why);

  std::size_t count() const { return sessions_.size(); }

 private:
  class Session;
  struct Port {
    std::unique_ptr<net::Listener> listener;
    bool tls;
  };

  void accept(net::ConnectionPtr connection);
  void closed(SessionId session, const std::string& why, LogLevel level);

  net::EventLoop& loop_;
  Logger& log_;
  ClientsOptions options_;
  Take take_;
  std::vector<Port> ports_;
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
  std::uint64_t last_session_ = 0;
  std::string body_;  // of the event being delivered
  std::vector<std::pair<SessionId, std::string>> to_close_;
};

}  // namespace tandem::tserver
