#include "tserver/program/server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/overloaded.h"
#include "common/config/log_settings.h"
#include "common/config/scope.h"
#include "common/config/tserver_options.h"
#include "common/messages/link_text.h"
#include "common/messages/tlib_text.h"
#include "tserver/features/machine_state.h"
#include "tserver/gateway/page.h"

namespace tandem::tserver {

Server::Server(net::EventLoop& loop, Logger& log, std::string version)
    : loop_(loop), log_(log), version_(std::move(version)), stopping_(loop), taking_over_(loop) {
  renew_timers();
}
Server::~Server() = default;

Result<std::string, Failure> Server::start(std::shared_ptr<const config::Environment> environment,
                                           const std::string& name) {
  name_ = name;
  environment_ = std::move(environment);
  application_ = environment_->application(name);
  const config::Scope scope = config::scope_of(*environment_, *application_);
  plan_.update(config::links_of(*environment_, *application_));
  set_hiding(scope);

  const Now now = loop_.now();
  machine_ = std::make_unique<FeatureMachine>(
      std::make_shared<const Settings>(settings_of(*environment_, *application_, version_, plan_)), now);
  const auto sink = [this](Input input) { take(std::move(input)); };
  clients_ = std::make_unique<Clients>(loop_, log_, clients_options(scope), sink);
  // One T-Server alone is primary; its start is its epoch. Of two, each begins as backup.
  const bool alone = peer_of(*environment_, *application_) == nullptr;
  const auto epoch = std::chrono::duration_cast<std::chrono::milliseconds>(now.wall).count();
  links_ = std::make_unique<Links>(loop_, log_,
                                   LinkIdentity{.application = name,
                                                .version = version_,
                                                .role = alone ? link::ROLE_PRIMARY : link::ROLE_BACKUP,
                                                .epoch = alone ? static_cast<std::uint64_t>(epoch) : 0},
                                   sink, [this](const std::string& why) {
                                     if (standby_ != nullptr) standby_->fenced(why);
                                   });

  if (auto made = make_tls(scope); !made) return made.error();
  auto opened = open_ports(scope);
  if (!opened) return opened.error();
  if (!alone) {
    clients_->set_primary(false);
    if (auto made = make_sync(scope); !made) return made.error();
    if (auto made = make_standby(scope); !made) return made.error();
  }
  set_links(scope);
  if (standby_ != nullptr) standby_->start();
  return {boost::system::in_place_value, name + " ready: " + *opened};
}

// None of those set before fires any more.
void Server::renew_timers() {
  ++timer_era_;
  old_timers_ =
      std::exchange(timers_, std::make_unique<net::KeyedTimers>(loop_, [this, era = timer_era_](const TimerKey& key) {
                      if (era == timer_era_) take(TimerFired{key});
                    }));
}

Result<void, Failure> Server::make_tls(const config::Scope& scope) {
  const bool tls_port = std::any_of(
      application_->ports.begin(), application_->ports.end(),
      [](const config::Port& port) { return port.name == "tlib" && port.transport == config::Transport::Tls; });
  const bool tls_link = std::any_of(plan_.entries.begin(), plan_.entries.end(),
                                    [](const LinkPlan::Entry& entry) { return entry.used && entry.config.tls; });
  const net::TlsOptions options = tls_options(*application_, scope);
  net::TlsContextPtr client, with, without;
  if (tls_port) {
    auto made = net::TlsContext::make(net::TlsSide::Server, options);
    if (!made) return made.error();
    client = *made;
  }
  if (tls_link) {
    auto made = net::TlsContext::make(net::TlsSide::Client, options);
    if (!made) return made.error();
    with = *made;
    net::TlsOptions nameless = options;
    nameless.certificate.clear();
    made = net::TlsContext::make(net::TlsSide::Client, nameless);
    if (!made) return made.error();
    without = *made;
  }
  certificates_.clear();
  for (const std::string& file : {options.certificate, options.ca})
    if (const auto end = net::certificate_expiry(file)) certificates_.emplace_back(file, *end);
  client_tls_ = client;
  link_tls_ = with;
  link_tls_nameless_ = without;
  return {};
}

Result<std::string, Failure> Server::open_ports(const config::Scope& scope) {
  std::string open;
  for (const config::Port& port : application_->ports) {
    if (port.name == "ha-sync") continue;  // opened with the pair
    if (port.name == "http") {
      if (auto opened = open_operator_port(port, scope); !opened) return opened.error();
      continue;
    }
    if (port.name != "tlib") {
      log_.write(LogLevel::Standard, "port " + port.name + " is not served by this version");
      continue;
    }
    const bool tls = port.transport == config::Transport::Tls;
    const auto number = clients_->listen(
        {.host = port.address,
         .port = port.port,
         .tls = tls ? client_tls_ : nullptr,
         .connection_limit = static_cast<std::size_t>(scope.get(config::options::tserver_limits.clients)),
         .connection = client_connection(scope)});
    if (!number) return Failure{"port tlib: " + number.error().text};
    const bool v6 = port.address.find(':') != std::string::npos;
    open += (open.empty() ? "tlib " : ", tlib ") + (v6 ? "[" + port.address + "]" : port.address) + ":" +
            std::to_string(*number) + (tls ? " (tls)" : " (tcp)");
  }
  if (open.empty()) return Failure{"application " + name_ + " has no port tlib"};
  return {boost::system::in_place_value, open};
}

Result<void, Failure> Server::open_operator_port(const config::Port& port, const config::Scope& scope) {
  net::TlsOptions files = tls_options(*application_, scope);
  files.mutual = false;  // scrapers and probes need no certificate; orders do
  auto opened = http::OperatorPort::open(
      {.host = port.address,
       .port = port.port,
       .tls = port.transport == config::Transport::Tls,
       .tls_files = std::move(files)},
      [this](std::function<void()> task) {
        loop_.post(std::move(task));
        return true;
      },
      *this);
  if (!opened) return Failure{"port http: " + opened.error().text};
  operator_port_ = std::move(*opened);
  log_.write(LogLevel::Standard, "port http open: " + port.address + ":" + std::to_string(operator_port_->port()));
  return {};
}

void Server::set_links(const config::Scope& scope) {
  for (std::size_t i = 0; i < plan_.entries.size(); ++i) {
    const LinkPlan::Entry& entry = plan_.entries[i];
    const auto link = static_cast<LinkNo>(i);
    if (!entry.used) {
      links_->remove(link);
      continue;
    }
    LinkOptions options = link_options(scope, entry.config);
    if (entry.config.tls) options.tls = entry.config.use_certificate ? link_tls_ : link_tls_nameless_;
    links_->set(link, std::move(options));
  }
}

void Server::apply(std::shared_ptr<const config::Environment> environment) {
  environment_ = std::move(environment);
  application_ = environment_->application(name_);
  const config::Scope scope = config::scope_of(*environment_, *application_);
  plan_.update(config::links_of(*environment_, *application_));
  set_hiding(scope);
  if (auto made = make_tls(scope); !made) {
    log_.write(LogLevel::Standard, "the TLS files in force stay: " + made.error().text);
  }
  clients_->set_tls(client_tls_);
  if (operator_port_ != nullptr) {
    net::TlsOptions files = tls_options(*application_, scope);
    files.mutual = false;
    if (auto set = operator_port_->set_tls(files); !set)
      log_.write(LogLevel::Standard, "port http: " + set.error().text);
  }
  if (sync_ != nullptr) {
    if (auto tls = sync_tls(tls_options(*application_, scope))) sync_->set_tls(tls->server, tls->client);
  }
  clients_->set_options(clients_options(scope), client_connection(scope));
  reach_.set(scope.get(config::options::ha.no_connector_timeout));
  take(SettingsChanged{std::make_shared<const Settings>(settings_of(*environment_, *application_, version_, plan_))});
  set_links(scope);
}

void Server::take(Input input) {
  if (busy_ || held_) {
    later_.push_back(std::move(input));
    return;
  }
  if (standby_ != nullptr) standby_->check();
  busy_ = true;
  const auto handle = [this](Input one) {
    if (const auto* request = std::get_if<ClientRequest>(&one); request != nullptr && !clients_->begins(*request))
      return;
    effects_.clear();
    const bool all = log_.enabled(LogLevel::Debug);
    if (all) log_input(one);
    meter_.begin(one);
    const Now now = loop_.now();
    machine_->handle(std::move(one), now, effects_);
    meter_.end(effects_, loop_.steady() - now.steady);
    clients_->record(effects_);
    if (sync_ != nullptr) sync_->tell_changes(effects_);  // leaves before all that follows from the input
    for (Effect& effect : effects_) {
      if (all) log_effect(effect);
      carry_out(effect);
    }
  };
  handle(std::move(input));
  while (!later_.empty()) {
    Input next = std::move(later_.front());
    later_.pop_front();
    handle(std::move(next));
  }
  busy_ = false;
  if (taking_over_.running()) check_taken_over();
}

void Server::carry_out(Effect& effect) {
  std::visit(Overloaded{
                 [this](const Deliver& event) { clients_->deliver(event); },
                 [this](Order& order) { links_->order(std::move(order)); },
                 [this](const SetTimer& timer) { timers_->set(timer.key, timer.at); },
                 [this](const CancelTimer& timer) { timers_->cancel(timer.key); },
                 [this](CancelAllTimers) { renew_timers(); },
                 [this](const GiveUpRole& role) { give_up(role); },
                 [this](const CloseClient& client) { clients_->close(client.session, client.why); },
                 [this](const LogLine& line) { log_.write(line.level, line.text); },
             },
             effect);
}

void Server::set_hiding(const config::Scope& scope) {
  hide_ = scope.get(config::options::tserver.hide_sensitive_data);
  hidden_headers_ = config::hidden_headers(*environment_, *application_);
}

// Every message of clients and Connectors, in level debug (MMC-276 to MMC-280).
void Server::log_input(const Input& input) {
  if (const auto* request = std::get_if<ClientRequest>(&input)) {
    log_.write(LogLevel::Debug,
               "from client " + std::to_string(request->session.value) + ": " + tlib_text(request->message, hide_));
  } else if (const auto* happened = std::get_if<Happened>(&input)) {
    log_.write(LogLevel::Debug,
               "from link " + std::to_string(happened->link) + ": " + link_text(happened->happening, hidden_headers_));
  }
}

void Server::log_effect(const Effect& effect) {
  if (const auto* event = std::get_if<Deliver>(&effect)) {
    std::string to;
    for (const SessionId session : event->to) to += " " + std::to_string(session.value);
    log_.write(LogLevel::Debug, "to clients" + to + ": " + tlib_text(*event->event, hide_));
  } else if (const auto* order = std::get_if<Order>(&effect)) {
    log_.write(LogLevel::Debug,
               "to link " + std::to_string(order->link) + ": " + link_text(order->command, hidden_headers_));
  }
}

// --- The end ---

void Server::stop(bool force) {
  if (phase_ == Phase::Leaving) return stopped_();
  if (force || phase_ == Phase::Suspending) return leave(force);
  phase_ = Phase::Suspending;
  const auto limit = config::scope_of(*environment_, *application_).get(config::options::tserver.stop_timeout);
  await_settled(loop_.steady() + limit);
}

void Server::await_settled(Instant deadline) {
  if (phase_ != Phase::Suspending) return;
  const State& state = machine_->state();
  const std::size_t left = unsettled(state);
  const bool joining = state.role == Role::Primary && state.pair.sync == PairReport::Sync::Joining;
  if ((left == 0 && !joining) || loop_.steady() >= deadline) {
    if (left > 0)
      log_.write(LogLevel::Standard, "stops with " + std::to_string(left) + " calls that are not established yet");
    return leave(false);
  }
  stopping_.start_in(20ms, [this, deadline] { await_settled(deadline); });
}

// The backup goes on from what it knows: a primary makes sure first that this is all. From then on nothing is handled.
void Server::leave(bool force) {
  phase_ = Phase::Leaving;
  if (force || sync_ == nullptr || !sync_->telling()) return say_goodbye();
  held_ = true;
  sync_->confirm(kConfirm, [this](bool confirmed) {
    if (!confirmed) log_.write(LogLevel::Standard, "stops, the backup did not confirm in time that it knows all");
    say_goodbye();
  });
}

void Server::say_goodbye() {
  clients_->stop("the T-Server stops");
  links_->stop("the T-Server stops");
  if (sync_ != nullptr) sync_->stop();
  if (standby_ != nullptr) standby_->stop();  // the other may act from now on
  await_silence(loop_.steady() + 2s);
}

void Server::await_silence(Instant deadline) {
  const bool given_back = standby_ == nullptr || standby_->idle();
  if ((given_back && clients_->count() == 0 && links_->connected() == 0) || loop_.steady() >= deadline)
    return stopped_();
  stopping_.start_in(10ms, [this, deadline] { await_silence(deadline); });
}

// --- For operators ---

void Server::add_metrics(metrics::Exposition& out) {
  const Clients::Queues queues = clients_->queues();
  const Sync::Figures sync = sync_ == nullptr ? Sync::Figures{} : sync_->figures();
  const config::Scope scope = config::scope_of(*environment_, *application_);
  tserver::add_metrics(out, machine_->state(), meter_,
                       {.links = links_->figures(),
                        .client_queues = queues.all,
                        .longest_client_queue = queues.largest,
                        .client_queue_limit = scope.get(config::options::tserver_limits.client_queue).count,
                        .kept_sessions = clients_->kept().size(),
                        .kept_unconnected = clients_->kept().unconnected(),
                        .timers = timers_->size(),
                        .sync_deltas = sync.deltas,
                        .sync_bytes = sync.bytes,
                        .sync_snapshots = sync.snapshots},
                       loop_.now());
  out.gauge("tandem_certificate_expires_seconds", "End of a certificate in force, in seconds since 1970.");
  for (const auto& [file, end] : certificates_) out.add({{"file", file}}, static_cast<double>(end.count()));
  if (more_metrics_) more_metrics_(out);
}

http::Standing Server::standing() {
  const State& state = machine_->state();
  http::Standing out{name_, version_, "ready", {}, {}};
  if (state.role == Role::Backup) out.state = "backup";
  if (phase_ != Phase::Serving) {
    out.state = phase_ == Phase::Suspending ? "suspending" : "stopping";
    out.unready.push_back("is stopping");
  }
  if (state.links_up == 0) out.unready.emplace_back("no Connector is connected");
  out.figures = {{"calls", state.calls.size()}, {"clients", clients_->count()}, {"links", state.links_up}};
  return out;
}

std::string Server::end(bool force) {
  log_.write(LogLevel::Standard, force ? "told to stop at once" : "told to stop");
  loop_.post([this, force] { stop(force); });
  return force ? "stops now" : "stops as soon as every call is established or over";
}

}  // namespace tandem::tserver
