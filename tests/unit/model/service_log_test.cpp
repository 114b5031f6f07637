// What the log says when DNs go out of service and come back: a few by name, many by their number.
#include <catch2/catch.hpp>

#include "tserver/features/machine.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

struct Bench {
  explicit Bench(int dns) {
    auto settings = std::make_shared<Settings>();
    settings->links = {{"connector1", ""}, {"connector2", ""}};
    for (int i = 0; i < dns; ++i) {
      const Dn dn("sip:u" + std::to_string(i) + "@t.test");
      settings->dns[dn] = {.dn = dn};
    }
    given = *settings;
    machine = make_machine(settings, now);
  }
  // Lines about DNs at levels that are on by default, and how many more there are in trace.
  std::vector<std::string> give(Input input) {
    Effects effects;
    machine->handle(std::move(input), now, effects);
    std::vector<std::string> lines;
    traced = 0;
    for (const Effect& effect : effects) {
      const auto* line = std::get_if<LogLine>(&effect);
      if (line == nullptr || line->text.find("service") == std::string::npos) continue;
      if (line->level == LogLevel::Trace) {
        ++traced;
      } else {
        lines.push_back(line->text);
      }
    }
    return lines;
  }
  std::vector<std::string> up(LinkNo link) { return give(LinkUp{link, {}, {}}); }
  std::vector<std::string> down(LinkNo link) { return give(LinkDown{link, "gone"}); }

  Now now{100s, 1790000000s};
  Settings given;
  std::unique_ptr<Machine> machine;
  std::size_t traced = 0;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("MMC-111: many DNs out of service and back are one line of the log") {
  Bench bench(300);
  CHECK(bench.up(0) == Lines{"300 DNs: in service"});
  CHECK(bench.traced == 300);
  // One of two Connectors: nothing happens to any DN.
  CHECK(bench.up(1).empty());
  CHECK(bench.down(1).empty());
  CHECK(bench.up(1).empty());
  CHECK(bench.traced == 0);
  bench.down(1);
  CHECK(bench.down(0) == Lines{"300 DNs: out of service, no Connector serves its pool"});
  CHECK(bench.traced == 300);
  bench.up(0);
  // As many that are deleted, and some that are added.
  Settings others = bench.given;
  for (int i = 0; i < 200; ++i) others.dns.erase(Dn("sip:u" + std::to_string(i) + "@t.test"));
  for (int i = 0; i < 50; ++i) {
    const Dn dn("sip:v" + std::to_string(i) + "@t.test");
    others.dns[dn] = {.dn = dn};
  }
  CHECK(bench.give(SettingsChanged{std::make_shared<const Settings>(others)}) ==
        Lines{"50 DNs: in service", "200 DNs: out of service, by the configuration"});
}

TEST_CASE("a few are named") {
  Bench bench(2);
  CHECK(bench.up(0) == Lines{"sip:u0@t.test: in service", "sip:u1@t.test: in service"});
  CHECK(bench.down(0) == Lines{"sip:u0@t.test: out of service, no Connector serves its pool",
                               "sip:u1@t.test: out of service, no Connector serves its pool"});
}
