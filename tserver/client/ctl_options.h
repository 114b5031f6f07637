// Command line of `tandemctl`.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace tandem::client {

struct CtlOptions {
  enum class Verb { Status, Check, Calls, Agents, Dns, Switchover, Stop, Drain };
  bool help = false;
  bool force = false;  // stop, switchover
  Verb verb = Verb::Status;
  std::string config;
  std::string app;            // empty: all of the file
  std::string ca, cert, key;  // in place of the application's own
  std::chrono::milliseconds patience{5000};
};

Result<CtlOptions, Failure> parse_ctl_options(const std::vector<std::string>& arguments);
std::string ctl_usage();

}  // namespace tandem::client
