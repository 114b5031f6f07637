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
#include "tserver/clients/kept_sessions.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct ClientsOptions {
  net::AddpOptions addp;                          // silence after which a client is dropped
  std::chrono::milliseconds open_timeout{10000};  // for RequestRegisterClient
  KeptOptions kept;                               // sessions that outlive their connections
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

  // A request is handled now, not before: one that waited while the role passed has had no effect. False: it has been
  // handled already, and its answer was sent, or will be.
  bool begins(const ClientRequest& request);
  // Numbers what is delivered to sessions that are kept, and holds it: before any of these effects is carried out.
  void record(const Effects& effects);
  void deliver(const Deliver& event);
  // Closes at the end of the turn, so that what is delivered in the same turn still arrives.
  void close(SessionId session, const std::string& why);
  // No more accepted; all closed after what is queued.
  void stop(const std::string& why);

  std::size_t count() const { return sessions_.size(); }  // connections
  // Bytes that wait to be read by clients.
  struct Queues {
    std::size_t all = 0, largest = 0;
  };
  Queues queues() const;

  // --- A pair of T-Servers ---

  // The primary opens and resumes sessions that are kept, from what kept() holds by then; a backup has sessions only
  // that end with their connection. Who becomes backup lets go of all that are kept, without a word to the machine;
  // these are they. They go on at the other T-Server.
  std::vector<SessionId> set_primary(bool primary);
  KeptSessions& kept() { return kept_; }
  // False: whoever asks for a session that is kept waits, unread, until this is true again. It begins true.
  void admit_kept(bool now);

 private:
  class Session;
  struct Port {
    std::unique_ptr<net::Listener> listener;
    bool tls;
  };

  void accept(net::ConnectionPtr connection);
  void closed(SessionId session, const std::string& why, LogLevel level, bool may_return);
  void received(Session& session, tlib::Message message);
  void attach(Session& session, tlib::Message message);
  void attach_waiting();
  // The connection's session is `to` from now on; the one it had, which has ended.
  SessionId rename(Session& session, SessionId to);
  void let_go(SessionId session);
  void watch_kept();

  net::EventLoop& loop_;
  Logger& log_;
  ClientsOptions options_;
  Take take_;
  std::vector<Port> ports_;
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
  std::uint64_t last_session_ = 0;
  std::string body_;  // of the event being delivered
  KeptSessions kept_;
  net::Timer kept_timer_;  // the next one that is overdue
  bool primary_ = true;
  bool admits_kept_ = true;
  std::vector<SessionId> waiting_;  // for that
  bool stopping_ = false;
  std::vector<std::pair<SessionId, std::string>> to_close_;
};

}  // namespace tandem::tserver
