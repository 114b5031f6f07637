// The words of a line of a scenario: plain ones, and pairs name=value; quotes and braces hold what has blanks.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tandem::tserver::test {

struct Words {
  std::vector<std::string> plain;
  std::vector<std::pair<std::string, std::string>> pairs;

  explicit Words(const std::string& line) {
    for (std::size_t at = 0; at < line.size();) {
      if (line[at] == ' ') {
        ++at;
        continue;
      }
      std::string word;
      bool in_quotes = false;
      int depth = 0;
      std::size_t eq = std::string::npos;
      for (; at < line.size() && (line[at] != ' ' || in_quotes || depth > 0); ++at) {
        if (line[at] == '"') {
          in_quotes = !in_quotes;
          continue;
        }
        if (line[at] == '{') ++depth;
        if (line[at] == '}') --depth;
        if (line[at] == '=' && eq == std::string::npos && depth == 0) eq = word.size();
        word += line[at];
      }
      if (eq == std::string::npos) {
        plain.push_back(word);
      } else {
        pairs.emplace_back(word.substr(0, eq), word.substr(eq + 1));
      }
    }
  }

  std::string get(const std::string& key, const std::string& otherwise = "") const {
    for (const auto& [name, value] : pairs) {
      if (name == key) return value;
    }
    return otherwise;
  }
  std::vector<std::string> all(const std::string& key) const {
    std::vector<std::string> values;
    for (const auto& [name, value] : pairs) {
      if (name == key) values.push_back(value);
    }
    return values;
  }
  bool has(const std::string& word) const { return std::find(plain.begin(), plain.end(), word) != plain.end(); }
  std::string at(std::size_t i) const { return i < plain.size() ? plain[i] : ""; }
};

}  // namespace tandem::tserver::test
