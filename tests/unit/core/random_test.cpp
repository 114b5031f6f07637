// Random calls with everything late, twice, or never: whatever comes, each leg is forgotten once, each endpoint closed
// once, each party ends once for the T-Server, each subscriber is told of the end, and nothing stays behind.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "random_storm.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

TEST_CASE("whatever comes, nothing stays behind") {
  // TANDEM_SEED=n repeats one, TANDEM_RUNS=n does more.
  const char* given_seed = std::getenv("TANDEM_SEED");
  const char* given_runs = std::getenv("TANDEM_RUNS");
  const std::uint64_t first = given_seed ? std::strtoull(given_seed, nullptr, 10) : 1;
  const std::uint64_t runs = given_seed ? 1 : given_runs ? std::strtoull(given_runs, nullptr, 10) : 300;
  std::size_t scenes = 0, reinvites = 0, holds = 0, music = 0, ringback = 0, forks = 0, joins = 0, merges = 0;
  std::size_t refers = 0, notified = 0, played = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    INFO("again with TANDEM_SEED=" << seed);
    Storm storm(seed);
    storm.run(600);
    const auto& books = storm.books();
    REQUIRE(books.legs.empty());
    REQUIRE(books.open.empty());
    REQUIRE(books.place.empty());
    REQUIRE(books.parties.empty());
    REQUIRE(books.timers.size() == 0);
    REQUIRE(books.watching.empty());
    REQUIRE(books.accepted.empty());
    scenes += books.scenes;
    reinvites += books.reinvites;
    holds += books.holds;
    music += books.music;
    ringback += books.ringback;
    forks += books.forks;
    joins += books.joins;
    merges += books.merges;
    refers += books.refers;
    notified += books.notified;
    played += books.played;
  }
  if (given_seed || given_runs) return;
  CHECK(scenes > 300);
  CHECK(reinvites > 100);
  CHECK(holds > 100);
  CHECK(music > 100);
  CHECK(ringback > 300);
  CHECK(forks > 300);
  CHECK(joins > 300);
  CHECK(merges > 100);
  CHECK(refers > 50);
  CHECK(notified > 100);
  CHECK(played > 100);
}

TEST_CASE("the same inputs give the same actions") {
  const auto run = [] {
    std::string all;
    Bench bench;
    bench.invited(in(1), Phone{}.sdp());
    for (const auto& text : bench.admit(made(1), made(2), link::Admit::WAITING)) all += text;
    for (const auto& text : bench.wait(std::chrono::hours(1))) all += text;
    return all;
  };
  CHECK(run() == run());
}
