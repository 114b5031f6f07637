#include <catch2/catch.hpp>

#include "common/metrics/exposition.h"
#include "common/metrics/process.h"

using namespace tandem::metrics;

TEST_CASE("families and samples are text as Prometheus reads it", "[metrics]") {
  Exposition out;
  out.gauge("tandem_calls", "Calls in progress.").add(3).add({{"state", "held"}, {"type", "Internal"}}, 2);
  out.counter("tandem_events_total", "Events.").add({{"event", "EventRinging"}}, 12345678901234);
  CHECK(out.text() ==
        "# HELP tandem_calls Calls in progress.\n"
        "# TYPE tandem_calls gauge\n"
        "tandem_calls 3\n"
        "tandem_calls{state=\"held\",type=\"Internal\"} 2\n"
        "# HELP tandem_events_total Events.\n"
        "# TYPE tandem_events_total counter\n"
        "tandem_events_total{event=\"EventRinging\"} 12345678901234\n");
}

TEST_CASE("label values are escaped, so that no name of a file or DN can break the page", "[metrics]") {
  Exposition out;
  out.gauge("x", "y").add({{"file", "a\"b\\c\nd"}}, 0.25);
  CHECK(out.text().find("x{file=\"a\\\"b\\\\c\\nd\"} 0.25\n") != std::string::npos);
}

TEST_CASE("a histogram's buckets are cumulated and their bounds inclusive", "[metrics]") {
  Histogram histogram({0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
  Exposition out;
  out.histogram("wait_seconds", "Wait.").add({{"dn", "q"}}, histogram);
  CHECK(out.text() ==
        "# HELP wait_seconds Wait.\n"
        "# TYPE wait_seconds histogram\n"
        "wait_seconds_bucket{dn=\"q\",le=\"0.1\"} 2\n"
        "wait_seconds_bucket{dn=\"q\",le=\"1\"} 3\n"
        "wait_seconds_bucket{dn=\"q\",le=\"+Inf\"} 4\n"
        "wait_seconds_sum{dn=\"q\"} 7.65\n"
        "wait_seconds_count{dn=\"q\"} 4\n");
}

TEST_CASE("the process tells its memory, descriptors and start", "[metrics]") {
  Exposition out;
  add_process(out);
  for (const char* name :
       {"process_resident_memory_bytes ", "process_heap_bytes ", "process_open_fds ", "process_max_fds ",
        "process_cpu_seconds_total ", "process_start_time_seconds ", "process_threads "}) {
    const auto at = out.text().find(std::string("\n") + name);
    REQUIRE(at != std::string::npos);
    // A sanitizer's heap isn't counted.
    if (std::string_view(name) != "process_cpu_seconds_total " && std::string_view(name) != "process_heap_bytes ")
      CHECK(std::stod(out.text().substr(at + 1 + std::string_view(name).size())) > 0);
  }
}
