#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tserver/client/ctl.h"

int main(int argc, char** argv) {
  using namespace tandem::client;
  try {
    const auto options = parse_ctl_options(std::vector<std::string>(argv + 1, argv + argc));
    if (!options) {
      std::fprintf(stderr, "tandemctl: %s\n%s", options.error().text.c_str(), ctl_usage().c_str());
      return 2;
    }
    if (options->help) return std::fputs(ctl_usage().c_str(), stdout) < 0 ? 1 : 0;
    const CtlResult result = run_ctl(*options);
    std::fputs(result.out.c_str(), stdout);
    std::fputs(result.err.c_str(), stderr);
    return result.exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandemctl: %s\n", error.what());
    return 1;
  }
}
