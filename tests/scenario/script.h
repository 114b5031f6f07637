// Scenario files: reading, running, comparing.
#pragma once

#include <string>
#include <vector>

namespace tandem::tserver::test {

struct Step {
  std::string command;                // without "> "; empty before the first
  std::vector<std::string> snapshot;  // "+ " lines of a link that comes up
  std::vector<std::string> expected;
  std::vector<std::string> comments;  // lines in front of it, as they stand
};

struct Scenario {
  std::string name;
  std::vector<std::string> before;  // set, dn, links, lost
  std::vector<Step> steps;
  std::vector<std::string> comments;
};

std::vector<Scenario> read_scenarios(const std::string& text);
std::string write_scenarios(const std::vector<Scenario>& scenarios);

struct Outcome {
  std::vector<std::vector<std::string>> seen;  // one list a step
  std::vector<std::string> faults;
};
Outcome run(const Scenario& scenario);

// Empty if all is as expected; else the scenario with - expected and + seen lines.
std::string difference(const Scenario& scenario, const Outcome& outcome);

}  // namespace tandem::tserver::test
