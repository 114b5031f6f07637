// A primary without Connectors, and a backup with some.
#include "tserver/standby/reach.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

constexpr Reach kCutOff{.primary = true, .links = 0, .caught_up = true, .its_links = 2};

struct Bench {
  Bench() { watch.set(10s); }
  // Looks each second. After how many seconds the role is given up; -1: not at all.
  int given_up_after(const Reach& reach, int seconds) {
    for (int i = 1; i <= seconds; ++i) {
      now += 1s;
      if (watch.look(reach, now)) return i;
    }
    return -1;
  }
  void be_primary_for(int seconds) {
    REQUIRE(given_up_after({.primary = true, .links = 2, .caught_up = true, .its_links = 2}, seconds) == -1);
  }
  ReachWatch watch;
  Instant now{100s};
};

}  // namespace

TEST_CASE("a primary that reaches no Connector gives its role to a backup that does, after a time") {
  Bench bench;
  bench.be_primary_for(60);
  CHECK(bench.given_up_after(kCutOff, 60) == 11);
}

TEST_CASE("the role is kept if nothing is won by it") {
  Bench bench;
  bench.be_primary_for(60);
  Reach reach = kCutOff;
  SECTION("the backup reaches no Connector either") {
    reach.its_links = 0;
  }
  SECTION("the backup doesn't know all") {
    reach.caught_up = false;
  }
  SECTION("one Connector is reached") {
    reach.links = 1;
  }
  SECTION("we are the backup") {
    reach.primary = false;
  }
  SECTION("it is switched off") {
    bench.watch.set(0s);
  }
  CHECK(bench.given_up_after(reach, 3600) == -1);
}

TEST_CASE("a Connector reached meanwhile begins the time anew") {
  Bench bench;
  bench.be_primary_for(60);
  for (int i = 0; i < 10; ++i) {
    CHECK(bench.given_up_after(kCutOff, 9) == -1);
    bench.be_primary_for(1);
  }
}

TEST_CASE("the role doesn't go back and forth") {
  Bench bench;
  SECTION("it stays for a while with who has just got it") {
    CHECK(bench.given_up_after(kCutOff, 60) == 31);
  }
  SECTION("it is not tried again and again") {
    bench.be_primary_for(60);
    CHECK(bench.given_up_after(kCutOff, 60) == 11);
    CHECK(bench.given_up_after(kCutOff, 60) == 30);
  }
  SECTION("got back, it stays for a while again") {
    bench.be_primary_for(60);
    CHECK(bench.given_up_after(kCutOff, 60) == 11);
    CHECK(bench.given_up_after({}, 5) == -1);
    CHECK(bench.given_up_after(kCutOff, 60) == 31);
  }
}
