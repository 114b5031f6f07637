#include "common/metrics/process.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace tandem::metrics {
namespace {

// Fields of /proc/self/stat behind the name, which may hold blanks and brackets: field 3 of proc(5) first.
std::vector<double> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto end = line.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(line.substr(end + 1));
  std::string state;
  rest >> state;
  std::vector<double> fields{0, 0, 0, 0};  // the first numbers of proc(5): none, pid, name, state
  for (double value; rest >> value;) fields.push_back(value);
  return fields;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace

void add_process(Exposition& out) {
  const auto stat = stat_fields();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (stat.size() > 24 && ticks > 0) {
    out.counter("process_cpu_seconds_total", "Processor time used.").add((stat[14] + stat[15]) / ticks);
    out.gauge("process_resident_memory_bytes", "Resident memory.")
        .add(stat[24] * static_cast<double>(sysconf(_SC_PAGESIZE)));
    out.gauge("process_virtual_memory_bytes", "Address space.").add(stat[23]);
    out.gauge("process_threads", "Threads.").add(stat[20]);
    out.gauge("process_start_time_seconds", "Start, in seconds since 1970.").add(boot_time() + stat[22] / ticks);
  }
  const auto heap = mallinfo2();
  out.gauge("process_heap_bytes", "Memory allocated and in use: what grows with it for ever is lost.")
      .add(static_cast<double>(heap.uordblks + heap.hblkhd));
  std::error_code error;
  double open = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error))
    ++open;
  if (!error) out.gauge("process_open_fds", "Open file descriptors.").add(open);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    out.gauge("process_max_fds", "Most file descriptors that may be open.").add(static_cast<double>(limit.rlim_cur));
}

}  // namespace tandem::metrics
