#include "common/config/log_settings.h"

#include "common/config/log_options.h"
#include "common/config/scope.h"
#include "common/config/tserver_options.h"

namespace tandem::config {
namespace {

std::optional<LogLevel> level_of(Verbose verbose) {
  switch (verbose) {
    case Verbose::All:
    case Verbose::Debug:
      return LogLevel::Debug;
    case Verbose::Trace:
      return LogLevel::Trace;
    case Verbose::Interaction:
      return LogLevel::Interaction;
    case Verbose::Standard:
      return LogLevel::Standard;
    case Verbose::None:
      break;
  }
  return std::nullopt;
}

}  // namespace

LogSettings log_settings(const Environment& environment, const Application& application) {
  const Scope scope = scope_of(environment, application);
  const auto& rows = options::log;
  LogSettings settings;
  settings.verbose = level_of(scope.get(rows.verbose));
  const auto add = [&](const Option<LogOutputs>& row, LogLevel lowest) {
    for (const auto& name : scope.get(row).names)
      settings.outputs.push_back({name == "stdout" || name == "stderr" ? name : environment.path(name), lowest});
  };
  add(rows.all, LogLevel::Debug);
  add(rows.standard, LogLevel::Standard);
  add(rows.interaction, LogLevel::Interaction);
  add(rows.trace, LogLevel::Trace);
  add(rows.debug, LogLevel::Debug);
  settings.buffering = scope.get(rows.buffering);
  const LogSegment segment = scope.get(rows.segment);
  settings.segment_bytes = segment.bytes;
  settings.segment_age = segment.age;
  const LogExpire expire = scope.get(rows.expire);
  settings.expire_files = expire.files;
  settings.expire_days = expire.days;
  const LogStartup startup = scope.get(rows.keep_startup_file);
  settings.keep_startup = startup.keep;
  settings.startup_bytes = startup.bytes;
  settings.check_point = std::chrono::hours{scope.get(rows.check_point)};
  settings.full_format = scope.get(rows.message_format) == MessageFormat::Full;
  const TimeFormat format = scope.get(rows.time_format);
  settings.time = format == TimeFormat::Time     ? LogSettings::Time::Short
                  : format == TimeFormat::Locale ? LogSettings::Time::Locale
                                                 : LogSettings::Time::Iso8601;
  settings.utc = scope.get(rows.time_convert) == TimeConvert::Utc;
  settings.host = application.host;
  settings.application = application.name;
  return settings;
}

HiddenHeaders hidden_headers(const Environment& environment, const Application& application) {
  const Scope scope = scope_of(environment, application);
  List more = scope.get(options::log.hide_header);
  // A T-Server's own options come without the annex of its switch.
  if (const Switch* of = environment.switch_of(application); of != nullptr && application.type == AppType::TServer)
    more = Scope().then(level::kSwitch, of->annex).get(options::log.hide_header);
  return {scope.get(options::tserver.hide_sensitive_data), std::move(more)};
}

}  // namespace tandem::config
