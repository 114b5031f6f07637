// The environment reader: any text gives an environment and a bounded list of problems, never more.
#include <cstdint>
#include <cstdlib>

#include "common/config/reload.h"
#include "common/config/report.h"
#include "common/config/scope.h"

using namespace tandem::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Loaded loaded = read_environment(text, "fuzz.yaml");
  if (!loaded.environment || loaded.problems.size() > 2 * Report::kMost + 2) std::abort();
  for (const auto& problem : loaded.problems) {
    const std::string line = to_string(problem, "fuzz.yaml");
    if (line.find('\n') != std::string::npos || line.size() > 64 * 1024) std::abort();
  }
  for (const auto& application : loaded.environment->applications) {
    if (!compare(*loaded.environment, *loaded.environment, application.name).empty()) std::abort();
    if (application.type == AppType::TServer) (void)links_of(*loaded.environment, application);
  }
  return 0;
}
