// A changed environment file against the one in force (SIGHUP).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/environment.h"
#include "common/config/option.h"

namespace tandem::config {

struct Change {
  std::string what;      // "application TServer_1: TServer/router-timeout", "DN sip:bob@tandem.test"
  std::string from, to;  // as written; "(none)" or "10 (default)" where not set; secrets are not shown
  Effect effect = Effect::Immediately;
};
std::string to_string(const Change& change);  // one log line

// What differs for one application: its options, ports, TLS files, and the objects of its switch. Pure.
std::vector<Change> compare(const Environment& before, const Environment& after, std::string_view application);

struct Reload {
  std::shared_ptr<const Environment> environment;  // the new one, or null: keep the old
  std::vector<Change> changes;
  std::vector<Problem> problems;  // any error or fatal one makes `environment` null
};

// Reads the file again, checks it whole, and compares. The caller logs and applies.
Reload reload_environment(const Environment& before, std::string_view application);

}  // namespace tandem::config
