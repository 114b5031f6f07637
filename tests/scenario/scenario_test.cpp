// Runs every scenario in flows/ and its folders, one a file; about.txt says what a folder is about.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "script.h"

using namespace tandem::tserver::test;

namespace {

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TANDEM_FLOWS)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "about.txt") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every flow goes as written") {
  const bool approve = std::getenv("TANDEM_APPROVE") != nullptr;
  std::size_t count = 0;
  for (const auto& path : files()) {
    std::vector<Scenario> scenarios = read_scenarios(content(path));
    for (Scenario& scenario : scenarios) {
      ++count;
      const Outcome outcome = run(scenario);
      if (approve) {
        for (std::size_t i = 0; i < scenario.steps.size() && i < outcome.seen.size(); ++i)
          scenario.steps[i].expected = outcome.seen[i];
      }
      const std::string diff = difference(scenario, outcome);
      if (!diff.empty()) FAIL_CHECK(path.string() << ": scenario " << scenario.name << "\n" << diff);
    }
    if (approve) std::ofstream(path) << write_scenarios(scenarios);
  }
  CHECK(count > 400);
}

TEST_CASE("a scenario that expects something else is told apart") {
  const auto scenarios = read_scenarios("scenario x\n> client a alice\n  a EventNothing\n");
  CHECK(difference(scenarios.front(), run(scenarios.front())) == "> client a alice\n  - a EventNothing\n");
}
