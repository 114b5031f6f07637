// tserver: starts one T-Server from the environment file and runs it until a signal ends it.
#include <google/protobuf/stubs/logging.h>
#include <malloc.h>
#include <sys/resource.h>

#include <csignal>
#include <iostream>

#include "common/config/command_line.h"
#include "common/config/log_settings.h"
#include "common/config/reload.h"
#include "common/log/server_log.h"
#include "common/service/heap.h"
#include "common/service/notify.h"
#include "tserver/program/server.h"

namespace {

using namespace tandem;

// Every client is a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

bool logs_to_stdout(const LogSettings& settings) {
  for (const LogOutput& output : settings.outputs) {
    if (output.name == "stdout") return settings.verbose.has_value();
  }
  return false;
}

class Program {
 public:
  explicit Program(config::Start start)
      : start_(std::move(start)),
        log_settings_(config::log_settings(*start_.environment, *start_.application)),
        log_(log_settings_),
        server_(loop_, log_, TANDEM_VERSION),
        flush_(loop_),
        tidy_(loop_),
        alive_(loop_) {}

  int run() {
    const std::string name = start_.application->name;
    log_.write(LogLevel::Standard,
               "tserver " TANDEM_VERSION " starts as " + name + " from " + start_.command_line.config);
    auto started = server_.start(start_.environment, name);
    if (!started) {
      log_.write(LogLevel::Standard, "can't start: " + started.error().text);
      std::cerr << "tserver: " << started.error().text << '\n';
      return 1;
    }
    log_.write(LogLevel::Standard, *started);
    log_.flush();
    if (!logs_to_stdout(log_settings_)) std::cout << *started << std::endl;
    server_.on_metrics([this](metrics::Exposition& out) {
      out.gauge("tandem_log_files_failing", "Log files that can't be written.")
          .add(static_cast<double>(log_.failing()));
    });
    server_.on_stopped([this] { loop_.stop(); });
    for (const int signal : {SIGTERM, SIGINT}) {
      loop_.on_signal(signal, [this, signal] { stop(signal); });
    }
    loop_.on_signal(SIGHUP, [this, name] { reload(name); });
    keep_flushing();
    keep_tidy();
    ready_line_ = *started;
    manager_.ready(ready_line_);
    keep_alive();
    loop_.run();
    log_.write(LogLevel::Standard, name + " has stopped");
    return 0;
  }

 private:
  void stop(int signal) {
    log_.write(LogLevel::Standard, std::string("stopping, signal ") + (signal == SIGTERM ? "TERM" : "INT"));
    manager_.stopping("stops when no call is being set up");
    server_.stop(signal == SIGINT);
  }

  void reload(const std::string& name) {
    manager_.reloading();
    read_again(name);
    manager_.ready(ready_line_);
  }

  void read_again(const std::string& name) {
    log_.reopen();
    config::Reload reload = config::reload_environment(*start_.environment, name);
    for (const config::Problem& problem : reload.problems) {
      log_.write(LogLevel::Standard, config::to_string(problem, start_.environment->file));
    }
    if (reload.environment == nullptr) {
      return log_.write(LogLevel::Standard, "the environment file is not taken over, the settings in force stay");
    }
    for (const config::Change& change : reload.changes) log_.write(LogLevel::Standard, config::to_string(change));
    log_.write(LogLevel::Standard,
               "environment file read again, " + std::to_string(reload.changes.size()) + " changes");
    start_.environment = reload.environment;
    start_.application = start_.environment->application(name);
    log_.apply(config::log_settings(*start_.environment, *start_.application));
    server_.apply(start_.environment);
  }

  // Fed by the loop that does the work: what holds it up is seen.
  void keep_alive() {
    const auto every = manager_.alive_every();
    if (!every) return;
    manager_.alive();
    alive_.start_in(*every, [this] { keep_alive(); });
  }

  void keep_flushing() {
    log_.flush();
    flush_.start_in(1s, [this] { keep_flushing(); });
  }

  void keep_tidy() {
    tidy_heap(spare_heap_);
    tidy_.start_in(1min, [this] { keep_tidy(); });
  }

  config::Start start_;
  LogSettings log_settings_;
  ServerLog log_;
  net::EventLoop loop_;
  tserver::Server server_;
  net::Timer flush_;
  net::Timer tidy_;
  net::Timer alive_;
  SpareHeap spare_heap_;
  ServiceManager manager_ = ServiceManager::from_environment();
  std::string ready_line_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    google::protobuf::SetLogHandler(nullptr);  // what others send wrong is logged by us, in our words
    std::signal(SIGPIPE, SIG_IGN);
    config::Start start = config::start_program(argc, argv, config::AppType::TServer, TANDEM_VERSION);
    std::cout << start.out << std::flush;
    std::cerr << start.err << std::flush;
    if (start.exit_code) return *start.exit_code;
    raise_descriptor_limit();
    // Buffers that were large for a moment go back as a whole. Left to itself the library takes ever larger ones from the
    // heap, which they leave in pieces: some 0.2 MB a minute under load.
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    return Program(std::move(start)).run();
  } catch (const std::exception& error) {
    std::cerr << "tserver: " << error.what() << '\n';
    return 1;
  }
}
