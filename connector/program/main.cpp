// connector: SIP, media and the CTI link of one Connector.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <functional>
#include <iostream>

#include "common/config/command_line.h"
#include "common/config/log_settings.h"
#include "common/config/reload.h"
#include "common/log/server_log.h"
#include "common/service/notify.h"
#include "connector/program/engine.h"
#include "connector/program/settings.h"
#include "connector/sip/library.h"

namespace tandem::connector {
namespace {

constexpr auto kVersion = "0.1.0";

EngineSettings settings_of(const config::Environment& environment, const config::Application& application) {
  EngineSettings out{sip_settings(environment, application),   link_settings(environment, application),
                     media_settings(environment, application), front_end_settings(environment, application),
                     core_settings(environment, application),  config::hidden_headers(environment, application),
                     http_settings(environment, application),  keep_settings(environment, application)};
  out.link.identity.version = kVersion;
  return out;
}

// Signals are taken by the main thread alone, one after another; every other thread leaves them blocked.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

void reload(std::shared_ptr<const config::Environment>& environment, const std::string& name, ServerLog& log,
            Engine& engine) {
  log.reopen();
  const auto again = config::reload_environment(*environment, name);
  for (const auto& problem : again.problems)
    log.write(LogLevel::Standard, config::to_string(problem, environment->file));
  const config::Application* application = again.environment ? again.environment->application(name) : nullptr;
  if (application == nullptr) {
    log.write(LogLevel::Standard, "the configuration stays as it was");
    return;
  }
  for (const auto& change : again.changes) log.write(LogLevel::Standard, "changed: " + config::to_string(change));
  log.apply(config::log_settings(*again.environment, *application));
  engine.configure(settings_of(*again.environment, *application));
  environment = again.environment;
  log.write(LogLevel::Standard, "configuration read again, " + std::to_string(again.changes.size()) + " changes");
}

// The watchdog is fed while the thread that does the work answers: one that hangs is seen. Waits are a second at most.
void keep_alive(const ServiceManager& manager, Engine& engine, std::chrono::steady_clock::time_point& fed) {
  const auto every = manager.alive_every();
  const auto now = std::chrono::steady_clock::now();
  if (!every || now - fed + 1s < *every) return;
  engine.left();
  manager.alive();
  fed = now;
}

// Until the last call is over, an operator loses patience, or the time is up.
void wait_idle(Engine& engine, const std::function<int(std::chrono::milliseconds)>& wait, std::chrono::seconds limit,
               Logger& log) {
  engine.drain();
  const auto begun = std::chrono::steady_clock::now();
  while (const std::size_t left = engine.left()) {
    const int number = wait(100ms);
    const bool late = limit.count() > 0 && std::chrono::steady_clock::now() - begun >= limit;
    if (number != SIGTERM && number != SIGINT && !late) continue;
    log.write(LogLevel::Standard, (late ? "drain-timeout is over, " : "told again to end, ") + std::to_string(left) +
                                      " parties and streams are left");
    return;
  }
}

// SIP transactions live for half a minute, so the heap of that thread grows and shrinks all the time. In an arena of
// its own glibc would move its end a page at a time, which cost more than sending the messages; the main arena moves in
// large steps.
void tune_heap() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int run(config::Start start) {
  const sigset_t signals = block_signals();
  ServerLog log(config::log_settings(*start.environment, *start.application));
  const std::string name = start.application->name;
  log.write(LogLevel::Standard, "connector " + std::string(kVersion) + " starts as " + name);
  Engine engine(settings_of(*start.environment, *start.application), log);
  engine.on_metrics([&log](metrics::Exposition& out) {
    out.gauge("tandem_log_files_failing", "Log files that can't be written.").add(static_cast<double>(log.failing()));
  });
  if (const auto started = engine.start(); !started) {
    log.write(LogLevel::Standard, "can't start: " + started.error().text);
    std::cerr << "connector: " << started.error().text << '\n';
    return 1;
  }
  log.write(LogLevel::Standard, "ready");
  std::cout << "connector " << name << " ready" << std::endl;
  const auto manager = ServiceManager::from_environment();
  manager.ready(name + " ready");
  // An order by HTTP is the signal that means the same.
  engine.on_order([](bool force) { kill(getpid(), force ? SIGINT : SIGTERM); });
  auto environment = start.environment;
  auto fed = std::chrono::steady_clock::now();
  const auto wait = [&](std::chrono::milliseconds time) {
    log.flush();
    const timespec limit{time / 1s, (time % 1s) / 1ns};
    const int number = sigtimedwait(&signals, nullptr, &limit);
    if (number == SIGHUP) {
      manager.reloading();
      reload(environment, name, log, engine);
      manager.ready(name + " ready");
    }
    keep_alive(manager, engine, fed);
    return number;
  };
  int number = 0;
  while (number != SIGTERM && number != SIGINT) number = wait(1s);
  manager.stopping("takes no new calls, ends when the last one is over");
  if (number == SIGTERM) wait_idle(engine, wait, drain_timeout(*environment, *environment->application(name)), log);
  log.write(LogLevel::Standard, "stopping");
  engine.stop(std::chrono::seconds(5));
  log.write(LogLevel::Standard, "stopped");
  return 0;
}

}  // namespace
}  // namespace tandem::connector

int main(int argc, char** argv) {
  try {
    tandem::connector::tune_heap();
    auto start = tandem::config::start_program(
        argc, argv, tandem::config::AppType::Connector,
        std::string(tandem::connector::kVersion) + ", " + tandem::connector::library::name());
    std::cout << start.out;
    std::cerr << start.err;
    if (start.exit_code) return *start.exit_code;
    return tandem::connector::run(std::move(start));
  } catch (const std::exception& error) {
    std::cerr << "connector: " << error.what() << '\n';
    return 1;
  }
}
