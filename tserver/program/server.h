// One running T-Server: the machine, its clients and its links on one event loop. Wires them together and decides
// nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/environment.h"
#include "common/http/operator_port.h"
#include "common/log/hide.h"
#include "common/log/log.h"
#include "common/net/loop.h"
#include "tserver/clients/clients.h"
#include "tserver/gateway/meter.h"
#include "tserver/links/links.h"
#include "tserver/model/machine.h"
#include "tserver/program/settings_of.h"
#include "tserver/records/replica.h"
#include "tserver/standby/reach.h"
#include "tserver/standby/standby.h"
#include "tserver/sync/sync.h"

namespace tandem::tserver {

class FeatureMachine;

class Server final : private http::Operated {
 public:
  Server(net::EventLoop& loop, Logger& log, std::string version);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Opens the ports and begins to dial the Connectors. The line that says what is open, or why not.
  Result<std::string, Failure> start(std::shared_ptr<const config::Environment> environment, const std::string& name);
  // Takes over a changed environment: settings and links at once, TLS files and limits for new connections.
  void apply(std::shared_ptr<const config::Environment> environment);
  // More for the metrics, from whoever has it.
  void on_metrics(std::function<void(metrics::Exposition&)> more) { more_metrics_ = std::move(more); }
  // Called when the last has left, whoever asked for the end.
  void on_stopped(std::function<void()> stopped) { stopped_ = std::move(stopped); }
  // Waits for a moment when nobody waits, rings or is being called, TServer/stop-timeout at most; then says goodbye to
  // all. Established calls stay up on the Connectors. At once if forced, or asked for again.
  void stop(bool force);

 private:
  void take(Input input);
  void carry_out(Effect& effect);
  void log_input(const Input& input);
  void log_effect(const Effect& effect);
  void set_hiding(const config::Scope& scope);
  Result<std::string, Failure> open_ports(const config::Scope& scope);
  Result<void, Failure> make_tls(const config::Scope& scope);
  Result<void, Failure> open_operator_port(const config::Port& port, const config::Scope& scope);
  void set_links(const config::Scope& scope);
  void renew_timers();
  void await_settled(Instant deadline);
  void leave(bool force);
  void say_goodbye();
  void await_silence(Instant deadline);

  // --- One of a pair (server_pair.cpp) ---
  // How long the backup has to confirm that it knows all, before the role passes to it.
  static constexpr Instant kConfirm = std::chrono::seconds(1);
  Result<void, Failure> make_sync(const config::Scope& scope);
  Result<void, Failure> make_standby(const config::Scope& scope);
  void paired(const PairReport& report);
  void become_primary(std::uint64_t epoch, bool again);
  void check_taken_over();
  void taken_over();
  void become_backup(const std::string& why);
  void remember();
  void give_up(GiveUpRole role);
  void go_on();

  // http::Operated
  void add_metrics(metrics::Exposition& out) override;
  http::Standing standing() override;
  std::string end(bool force) override;

  net::EventLoop& loop_;
  Logger& log_;
  std::string version_;
  std::string name_;
  std::shared_ptr<const config::Environment> environment_;
  const config::Application* application_ = nullptr;  // inside environment_
  LinkPlan plan_;
  net::TlsContextPtr client_tls_;         // of the ports towards clients; null without certificate
  net::TlsContextPtr link_tls_;           // towards Connectors, with our certificate
  net::TlsContextPtr link_tls_nameless_;  // and without
  std::unique_ptr<FeatureMachine> machine_;
  Meter meter_;
  std::unique_ptr<net::KeyedTimers> timers_;
  std::unique_ptr<net::KeyedTimers> old_timers_;  // cancelled all together, perhaps while they fire
  std::uint32_t timer_era_ = 0;
  net::Timer stopping_;
  net::Timer taking_over_;  // runs while Connectors are still to tell the new primary of their calls
  std::unique_ptr<Clients> clients_;
  std::unique_ptr<Links> links_;
  std::unique_ptr<Sync> sync_;        // null: alone
  std::unique_ptr<Standby> standby_;  // null: alone
  ReachWatch reach_;
  // What it knew when it stepped down, until it knows what a later primary knows.
  struct Remembered {
    Replica replica;
    std::vector<SessionRecord> sessions;
    bool forced = false;  // the other one is to have the role, whatever it knows
  };
  std::optional<Remembered> remembered_;
  Effects effects_;
  std::deque<Input> later_;  // inputs that came while one was being handled
  bool busy_ = false;
  bool held_ = false;  // the backup is asked whether it knows all: nothing is handled meanwhile
  bool hide_ = true;   // hide-sensitive-data
  HiddenHeaders hidden_headers_{true, {}};
  enum class Phase { Serving, Suspending, Leaving } phase_ = Phase::Serving;
  std::function<void()> stopped_;
  std::function<void(metrics::Exposition&)> more_metrics_;
  std::vector<std::pair<std::string, std::chrono::seconds>> certificates_;  // in force: file and end
  std::unique_ptr<http::OperatorPort> operator_port_;
};

}  // namespace tandem::tserver
