#include "common/log/server_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "common/log/console.h"
#include "common/log/line_format.h"
#include "common/log/log_file.h"

namespace tandem {
namespace {

using Clock = std::chrono::system_clock;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level));  // Debug is its trace, Standard its warn
}
LogLevel from_spdlog(spdlog::level::level_enum level) {
  return static_cast<LogLevel>(std::min(static_cast<int>(level), static_cast<int>(LogLevel::Standard)));
}

}  // namespace

// The one sink of the spdlog logger: it knows all outputs, so that they can be exchanged while others write.
class ServerLog::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void apply(const LogSettings& settings) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    format_ = LineFormat(settings);
    buffering_ = settings.buffering;
    check_point_ = settings.check_point;
    next_check_point_ = now + check_point_;
    std::vector<Output> old = std::move(outputs_);
    outputs_.clear();
    for (const auto& output : lowest_of_each(settings)) add(output, settings, old, now);
    for (auto& console : {&out_, &err_}) console->flush(now);
  }

  void reopen() {
    const std::lock_guard lock(mutex_);
    for (auto& output : outputs_)
      if (output.file) open(output, Clock::now());
  }

  std::size_t failing() {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(outputs_.begin(), outputs_.end(), [](const Output& output) { return output.failing; }));
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const LogLevel level = from_spdlog(message.level);
    if (check_point_.count() > 0 && message.time >= next_check_point_) {
      next_check_point_ = message.time + check_point_;
      put(LogLevel::Standard, message.time, "Check point");
    }
    put(level, message.time, {message.payload.data(), message.payload.size()});
  }
  void flush_() override {
    const auto now = Clock::now();
    out_.flush(now);
    err_.flush(now);
  }

 private:
  struct Output {
    LogLevel lowest = LogLevel::Debug;
    Console* console = nullptr;  // takes what the file can't while it is failing
    std::unique_ptr<LogFile> file;
    bool failing = false;
    Clock::time_point retry{};
  };

  // An output that is named at several levels takes the lowest, once.
  static std::vector<LogOutput> lowest_of_each(const LogSettings& settings) {
    std::vector<LogOutput> outputs;
    for (const auto& output : settings.outputs) {
      const auto known =
          std::find_if(outputs.begin(), outputs.end(), [&](const LogOutput& o) { return o.name == output.name; });
      if (known == outputs.end())
        outputs.push_back(output);
      else
        known->lowest = std::min(known->lowest, output.lowest);
    }
    if (outputs.empty()) outputs.push_back({"stderr", LogLevel::Standard});
    return outputs;
  }

  void add(const LogOutput& wanted, const LogSettings& settings, std::vector<Output>& old, Clock::time_point now) {
    Output output;
    output.lowest = wanted.lowest;
    output.console = wanted.name == "stdout" ? &out_ : &err_;
    if (wanted.name != "stdout" && wanted.name != "stderr") {
      const auto same = std::find_if(old.begin(), old.end(),
                                     [&](const Output& o) { return o.file && o.file->path() == wanted.name; });
      if (same != old.end()) {
        output.file = std::move(same->file);
        output.failing = same->failing;
      } else {
        output.file = std::make_unique<LogFile>(wanted.name);
        open(output, now);
      }
      output.file->keep(settings);
    }
    outputs_.push_back(std::move(output));
  }

  void open(Output& output, Clock::time_point now) {
    const auto opened = output.file->open(now);
    output.failing = !opened;
    output.retry = now + std::chrono::seconds{10};
    if (!opened) tell(output, "can't be opened: " + opened.error().text, now);
  }

  void tell(const Output& output, const std::string& why, Clock::time_point now) {
    std::string line;
    format_.append(line, LogLevel::Standard, now,
                   "Log file " + output.file->path().string() + " " + why + "; its lines go to standard error");
    err_.write(line, false, now);
  }

  // A full disk is tried again after a while.
  bool write_file(Output& output, Clock::time_point at) {
    if (output.failing && at < output.retry) return false;
    const bool was_failing = output.failing;
    output.failing = !output.file->write(line_, at);
    if (!output.failing) return true;
    output.retry = at + std::chrono::seconds{10};
    if (!was_failing) tell(output, std::string("can't be written: ") + std::strerror(errno), at);
    return false;
  }

  void put(LogLevel level, Clock::time_point at, std::string_view text) {
    line_.clear();
    format_.append(line_, level, at, text);
    for (auto& output : outputs_) {
      if (level < output.lowest) continue;
      if (output.file && write_file(output, at)) continue;
      output.console->write(line_, buffering_ && level != LogLevel::Standard, at);
    }
  }

  LineFormat format_{LogSettings{}};
  Console out_{STDOUT_FILENO}, err_{STDERR_FILENO};
  std::vector<Output> outputs_;
  bool buffering_ = true;
  std::chrono::hours check_point_{0};
  Clock::time_point next_check_point_{};
  std::string line_;
};

struct ServerLog::Inside {
  std::shared_ptr<Sink> sink = std::make_shared<Sink>();
  spdlog::logger logger{"tandem", sink};
};

ServerLog::ServerLog(const LogSettings& settings) : inside_(std::make_unique<Inside>()) {
  apply(settings);
}
ServerLog::~ServerLog() {
  flush();
}

void ServerLog::apply(const LogSettings& settings) {
  inside_->sink->apply(settings);
  LogLevel lowest = LogLevel::Standard;
  for (const auto& output : settings.outputs) lowest = std::min(lowest, output.lowest);
  if (settings.verbose) lowest = std::max(lowest, *settings.verbose);
  inside_->logger.set_level(settings.verbose ? to_spdlog(lowest) : spdlog::level::off);
}

bool ServerLog::enabled(LogLevel level) const {
  return inside_->logger.should_log(to_spdlog(level));
}

void ServerLog::write(LogLevel level, std::string_view line) {
  inside_->logger.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void ServerLog::reopen() {
  inside_->sink->reopen();
}
std::size_t ServerLog::failing() const {
  return inside_->sink->failing();
}
void ServerLog::flush() {
  inside_->sink->flush();
}

}  // namespace tandem
