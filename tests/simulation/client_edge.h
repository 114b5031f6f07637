// A simulated T-Server's clients: the true sessions that outlive their connections, and connections as the clients room
// (tserver/clients/clients) has them.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "network.h"
#include "tserver/clients/kept_sessions.h"

namespace tandem::simulation {

// Which requests of sessions that are kept were carried out, whoever did it.
class Done {
 public:
  // False: it was done before.
  bool add(tserver::SessionId session, std::uint64_t request) { return done_.insert({session, request}).second; }
  // A T-Server took over without having heard all: it may do again what it didn't hear of, and can't go on with
  // sessions whose clients know more than it does.
  void forget(Instant now) {
    done_.clear();
    forgotten_ = now;
  }
  Instant forgotten() const { return forgotten_; }

 private:
  std::set<std::pair<tserver::SessionId, std::uint64_t>> done_;
  Instant forgotten_{0};
};

class ClientEdge {
 public:
  // A client's way to hear.
  struct Listener {
    std::function<void(std::shared_ptr<const tlib::Message>, std::int32_t reference, std::uint64_t stream)> event;
  };
  // Which of its connections a client means; the session behind it may become another.
  using Handle = std::shared_ptr<tserver::SessionId>;
  using Take = std::function<void(tserver::Input)>;

  ClientEdge(Process& owner, Done& done, std::uint64_t last_session, bool primary, Take take);

  Handle accept(StreamPtr stream, Listener listener);
  void ask(const Handle& handle, tlib::Message message);

  // The machine is given it now; false: it was before.
  bool begins(const tserver::ClientRequest& request);
  // Before any of these effects is carried out.
  void record(const tserver::Effects& effects);
  void deliver(const tserver::Deliver& event);
  void close(tserver::SessionId session, const std::string& why);

  std::vector<tserver::SessionId> set_primary(bool primary);
  void admit_kept(bool now);
  tserver::KeptSessions& kept() { return kept_; }

 private:
  struct Session {
    StreamPtr stream;
    Listener listener;
    Handle id;
    std::uint64_t events = 0;
    bool waits = false;
    std::deque<tlib::Message> unread;
  };

  void received(Session& session, tlib::Message message);
  void attach(Session& session, tlib::Message message);
  void attach_waiting();
  tserver::SessionId rename(Session& session, tserver::SessionId to);
  void let_go(tserver::SessionId session);
  void closed(tserver::SessionId session, const std::string& why);
  static void send(Session& session, std::shared_ptr<const tlib::Message> event, std::int32_t reference,
                   std::uint64_t number);
  static void send_new(Session& session, const tserver::KeptSession& kept);
  void watch_kept();

  Process& owner_;
  Done& done_;
  const Take take_;
  tserver::KeptSessions kept_;
  std::map<tserver::SessionId, Session> sessions_;
  std::uint64_t last_session_;
  bool primary_, admits_kept_ = true;
  std::vector<tserver::SessionId> waiting_;
};

}  // namespace tandem::simulation
