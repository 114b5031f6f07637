// The synchronisation of a pair on the event loop's thread: port, connections and dialing around PairSync.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "common/net/dialer.h"
#include "common/net/listener.h"
#include "tserver/sync/pair_sync.h"

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

class Sync final : private SyncCarrier {
 public:
  using Handlers = SyncHandlers;
  using Figures = PairSync::Figures;

  Sync(net::EventLoop& loop, Logger& log, SyncOptions options, Machine& machine, Handlers handlers);
  ~Sync() override;
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;

  // Begins as backup: listens, but has nothing to tell; connects to the other one. The port, or what is in the way.
  Result<std::uint16_t, Failure> open();
  void set_tls(net::TlsContextPtr server, net::TlsContextPtr client);

  // See PairSync.
  void become_primary(std::uint64_t epoch);
  void become_backup();
  void stop();
  void tell_changes(const Effects& effects);
  bool telling() const { return pair_.telling(); }
  using Confirmed = PairSync::Confirmed;
  void confirm(Instant limit, Confirmed done);
  std::shared_ptr<const Replica> knowledge() const { return pair_.knowledge(); }
  const PairReport& reported() const { return pair_.reported(); }
  const Figures& figures() const { return pair_.figures(); }

 private:
  class Line;

  // SyncCarrier
  void dial() override { dialer_->dial(); }
  void redial() override { dialer_->redial(); }
  void proved() override { dialer_->proved(); }
  void stop_dialing() override;
  void note(LogLevel level, const std::string& text) override { log_.write(level, text); }
  void later(std::function<void()> task) override { loop_.post(std::move(task)); }

  Line& carry(net::ConnectionPtr connection);
  void accept(net::ConnectionPtr connection);
  void let_go(const Line* line);
  bool may_partner(const net::Connection& connection) const;
  void wait();

  net::EventLoop& loop_;
  Logger& log_;
  SyncOptions options_;
  PairSync pair_;
  net::Timer timer_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Dialer> dialer_;
  std::map<const Line*, std::unique_ptr<Line>> lines_;
};

}  // namespace tandem::tserver
