// The sessions of one T-Server that outlive their connections: who may go on with which one, and until when. Pure: time
// comes in, what is to be done goes out.
//
// At a backup it holds what the primary has told, and nobody goes on with anything until take_over().
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "tserver/clients/kept_session.h"

namespace tandem::tserver {

struct KeptOptions {
  std::chrono::milliseconds keep{30000};  // without a connection; 0: no session is kept
  KeptLimits limits;
  std::size_t unconnected = 2000;  // sessions kept at once without a connection
};

class KeptSessions {
 public:
  explicit KeptSessions(KeptOptions options) : options_(options) {}

  void set_options(const KeptOptions& options) { options_ = options; }
  // Sessions of another start of a T-Server have other numbers.
  void number_from(std::chrono::microseconds wall) {
    last_id_ = kFirstKeptSession + static_cast<std::uint64_t>(wall.count());
  }
  const KeptOptions& options() const { return options_; }

  // --- Connections ---

  // What RequestRegisterClient says of the session.
  struct Wish {
    std::string token;
    std::string holder;           // whose certificate the connection showed
    std::uint64_t last_seen = 0;  // StreamNumber
    std::uint64_t attempt = 0;
    SessionId session{};  // which of those that had this name, as far as the client knows
  };
  struct Resumed {
    SessionId session;
  };  // its connection is the new one from now on
  struct Opened {
    SessionId session;
    std::optional<SessionId> instead;  // a former session of this name, which can't go on: it has ended
  };
  struct Overtaken {};  // a later connection has the session
  struct Refused {
    std::string why;
  };  // no session under this name for this client
  using Attached = std::variant<Resumed, Opened, Overtaken, Refused>;
  Attached attach(const Wish& wish);

  // The connection is gone. False: the session isn't kept, it has ended.
  bool detach(SessionId session, Now now);
  // The session ends, whyever.
  void end(SessionId session);

  // Sessions whose time without connection is over, or that have missed more than is held: they have ended.
  struct Overdue {
    SessionId session;
    std::string why;
  };
  std::vector<Overdue> overdue(Instant now);
  std::optional<Instant> next() const;  // when to ask that again

  // --- The stream ---

  // Null if there is no such session.
  const KeptSession* find(SessionId session) const;
  bool empty() const { return sessions_.empty(); }
  std::size_t size() const { return sessions_.size(); }
  std::size_t unconnected() const { return waiting_.size(); }
  void add(SessionId session, std::int32_t reference_id, std::shared_ptr<const std::string> body);
  void confirm(SessionId session, std::uint64_t number);
  // Is the request to be carried out?
  bool take(SessionId session, std::uint64_t request_id);

  // --- For another T-Server ---

  // Records from now on what changes, until take_changes() takes it.
  void keep_changes(bool on);
  SessionChanges take_changes();
  std::vector<SessionRecord> records() const;
  // From the primary: all there is; one change.
  void replace_all(std::vector<SessionRecord> records);
  void apply(const SessionChanges& changes);
  // This T-Server goes on with all of them. Who had a connection has its time to be resumed from now on, who had none
  // what is left of it, but some seconds.
  void take_over(Now now);

 private:
  struct Waiting {
    Instant until;
    bool whole = true;  // nothing that the client lacks was given up
    // Taken over: the last number that was told. What the client has beyond it is another event than ours.
    std::optional<std::uint64_t> told;
  };

  SessionId open(const Wish& wish);
  void erase(SessionId session);
  void changed(SessionId session) {
    if (tracking_) changed_.insert(session);
  }

  KeptOptions options_;
  std::unordered_map<SessionId, KeptSession> sessions_;
  std::unordered_map<std::string, SessionId> by_token_;
  std::unordered_map<SessionId, Waiting> waiting_;  // without a connection
  std::uint64_t last_id_ = kFirstKeptSession - 1;
  bool tracking_ = false;
  std::unordered_set<SessionId> changed_;
  SessionChanges changes_;
};

}  // namespace tandem::tserver
