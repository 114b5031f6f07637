#include "script.h"

#include <algorithm>
#include <sstream>

namespace tandem::tserver::test {
namespace {

std::string trimmed(const std::string& line) {
  const auto from = line.find_first_not_of(" \t");
  if (from == std::string::npos) return {};
  return line.substr(from, line.find_last_not_of(" \t\r") - from + 1);
}

}  // namespace

std::vector<Scenario> read_scenarios(const std::string& text) {
  std::vector<Scenario> scenarios;
  std::vector<std::string> comments;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::string plain = trimmed(line);
    if (plain.empty() || plain.front() == '#') {
      comments.push_back(plain);
    } else if (plain.starts_with("scenario ")) {
      scenarios.push_back({plain.substr(9), {}, {}, std::move(comments)});
      comments.clear();
    } else if (scenarios.empty()) {
      scenarios.push_back({"?? " + plain, {}, {}, {}});
    } else if (plain.starts_with("> ")) {
      scenarios.back().steps.push_back({plain.substr(2), {}, {}, std::move(comments)});
      comments.clear();
    } else if (plain.starts_with("+ ") && !scenarios.back().steps.empty()) {
      scenarios.back().steps.back().snapshot.push_back(plain.substr(2));
    } else if (scenarios.back().steps.empty()) {
      scenarios.back().before.push_back(plain);
    } else {
      scenarios.back().steps.back().expected.push_back(plain);
    }
  }
  return scenarios;
}

std::string write_scenarios(const std::vector<Scenario>& scenarios) {
  std::string text;
  const auto put = [&](const std::vector<std::string>& lines, const char* indent) {
    for (const std::string& line : lines) text += (line.empty() ? "" : indent + line) + "\n";
  };
  for (const Scenario& scenario : scenarios) {
    put(scenario.comments, "");
    text += "scenario " + scenario.name + "\n";
    put(scenario.before, "");
    for (const Step& step : scenario.steps) {
      put(step.comments, "");
      text += "> " + step.command + "\n";
      put(step.snapshot, "+ ");
      put(step.expected, "  ");
    }
  }
  return text;
}

std::string difference(const Scenario& scenario, const Outcome& outcome) {
  std::string text;
  bool same = outcome.faults.empty();
  for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    const std::vector<std::string> seen =
        i < outcome.seen.size() ? outcome.seen[i] : std::vector<std::string>{"(not run)"};
    text += "> " + step.command + "\n";
    const std::size_t lines = std::max(seen.size(), step.expected.size());
    for (std::size_t n = 0; n < lines; ++n) {
      const std::string* want = n < step.expected.size() ? &step.expected[n] : nullptr;
      const std::string* got = n < seen.size() ? &seen[n] : nullptr;
      if (want != nullptr && got != nullptr && *want == *got) {
        text += "    " + *want + "\n";
        continue;
      }
      same = false;
      if (want != nullptr) text += "  - " + *want + "\n";
      if (got != nullptr) text += "  + " + *got + "\n";
    }
  }
  for (const std::string& fault : outcome.faults) text += "  ! " + fault + "\n";
  return same ? "" : text;
}

}  // namespace tandem::tserver::test
