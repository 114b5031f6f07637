// The synchronisation of a pair, on the event loop's thread: as primary takes the backup's connection and tells it what
// the machine knows, as backup connects to the primary and keeps what it is told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "common/net/dialer.h"
#include "common/net/listener.h"
#include "tserver/sync/session.h"

namespace tandem::tserver {

struct SyncOptions {
  SyncIdentity identity;
  std::string address;  // to listen on
  std::uint16_t port = 0;
  net::HostPort peer;
  net::TlsContextPtr server_tls, client_tls;  // null: plain TCP, for tests only
  std::vector<std::string> partners;          // names of certificates that are taken; none: all the authority signed
  std::size_t queue_limit = 64 << 20;         // bytes that may wait for the backup; above it the session is dropped
  SyncTimes times;
};

class Sync {
 public:
  struct Handlers {
    std::function<void(const PairReport&)> report;
    std::function<std::uint32_t()> links{};  // backup: how many Connectors it reaches
    std::function<void()> other_knows{};     // we know nothing, and the other one, no primary either, does
    // Client sessions that outlive their connection; may be empty.
    std::function<void(sync::Records&)> all_sessions;               // primary: adds them
    std::function<void(sync::Delta&)> session_changes;              // primary: adds what changed
    std::function<void(const sync::Delta&)> sessions_changed;       // backup
    std::function<void(std::vector<sync::Session>)> sessions_anew;  // backup
    std::function<void(bool)> keep_session_changes;                 // primary: whether anybody listens
  };

  Sync(net::EventLoop& loop, Logger& log, SyncOptions options, Machine& machine, Handlers handlers);
  ~Sync();
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;

  // Begins as backup: listens, but has nothing to tell; connects to the other one. The port, or what is in the way.
  Result<std::uint16_t, Failure> open();
  void set_tls(net::TlsContextPtr server, net::TlsContextPtr client);

  // From now on tells whoever connects.
  void become_primary(std::uint64_t epoch);
  // What it knew is forgotten; it listens to the other one.
  void become_backup();
  void stop();

  // As primary: what an input changed, before its effects are carried out. Does nothing if nobody listens.
  void tell_changes();
  bool telling() const;
  // As primary: asks the backup whether it knows all that was told, and says what came of it within `limit`; never from
  // here. Nothing may be told meanwhile.
  using Confirmed = std::function<void(bool)>;
  void confirm(Instant limit, Confirmed done);

  // As backup: what a takeover starts from; null: not enough is known.
  std::shared_ptr<const Replica> knowledge() const;

  // Since the start, as primary.
  struct Figures {
    std::uint64_t deltas = 0, bytes = 0, snapshots = 0;
  };
  const Figures& figures() const { return figures_; }

 private:
  class Incoming;
  class Outgoing;

  void accept(net::ConnectionPtr connection);
  void report(const PairReport& report);
  void end_confirming(bool confirmed);
  bool may_partner(const net::Connection& connection) const;

  net::EventLoop& loop_;
  Logger& log_;
  SyncOptions options_;
  Machine& machine_;
  Handlers handlers_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Dialer> dialer_;
  std::unique_ptr<Incoming> incoming_;
  std::unique_ptr<Outgoing> outgoing_;
  std::shared_ptr<Replica> knowledge_;  // of the last session
  std::uint64_t highest_epoch_ = 0;
  std::optional<std::uint64_t> epoch_;  // as primary
  bool stopped_ = false;
  PairReport reported_;
  Instant reported_at_{0};
  std::string last_failure_;
  sync::Envelope delta_;
  Confirmed confirming_;
  net::Timer confirm_timer_;
  Figures figures_;
};

}  // namespace tandem::tserver
