// Whatever clients, phones and Connectors do: after each input everything that must hold is checked, and at the end
// nothing may be left. TANDEM_SEED=n replays one seed, TANDEM_SEEDS and TANDEM_STEPS say how many.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "monkey.h"

using namespace tandem::tserver::test;

namespace {

std::uint32_t number(const char* name, std::uint32_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

void expect_sound(std::uint32_t seed, const Run& run) {
  std::string faults;
  for (const std::string& fault : run.faults) faults += "  ! " + fault + "\n";
  if (!faults.empty())
    FAIL("TANDEM_SEED=" << seed << " step " << run.steps << "\n" << faults << "last log lines:\n" << run.story);
}

}  // namespace

TEST_CASE("whatever happens, what must hold holds") {
  const std::uint32_t steps = number("TANDEM_STEPS", 3000);
  if (const std::uint32_t seed = number("TANDEM_SEED", 0); seed != 0) {
    expect_sound(seed, play(seed, steps));
    return;
  }
  const std::uint32_t seeds = number("TANDEM_SEEDS", 24);
  std::size_t established = 0, diverted = 0, held = 0, moved = 0, added = 0, deleted = 0, lobbies = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    const Run run = play(seed, steps);
    expect_sound(seed, run);
    established += run.established;
    diverted += run.diverted;
    held += run.held;
    moved += run.moved;
    added += run.added;
    deleted += run.deleted;
    lobbies += run.lobbies;
  }
  // It would prove little if no call ever came to be.
  CHECK(established > seeds * 20);
  CHECK(diverted > seeds * 10);
  CHECK(held > seeds * 20);
  CHECK(moved > seeds * 5);
  CHECK(added > seeds * 10);
  CHECK(deleted > seeds * 10);
  CHECK(lobbies > seeds);
}

TEST_CASE("a backup knows at each moment what the primary knows, and goes on from there") {
  const std::uint32_t steps = number("TANDEM_STEPS", 1500);
  const std::uint32_t replayed = number("TANDEM_SEED", 0);
  const std::uint32_t seeds = replayed != 0 ? replayed : number("TANDEM_SEEDS", 8);
  std::size_t established = 0, takeovers = 0;
  for (std::uint32_t seed = replayed != 0 ? replayed : 1; seed <= seeds; ++seed) {
    const Run run = play(seed, steps, true);
    expect_sound(seed, run);
    established += run.established;
    takeovers += run.takeovers;
  }
  if (replayed != 0) return;
  CHECK(established > seeds * 5);
  CHECK(takeovers > seeds * 3);
}

TEST_CASE("the same seed gives the same run") {
  CHECK(play(5, 500).story == play(5, 500).story);
}
