// Collects the problems of a file and words them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/environment.h"

namespace tandem::config {

// In quotes, control characters as \xHH, cut after 80 characters: safe on a terminal and in a log.
std::string quoted(std::string_view text);

// The candidate nearest to a misspelt word, or empty if none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);
// "; did you mean "x"?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);
// "a, b or c"
std::string one_of(const std::vector<std::string_view>& words);

// Bounded, and without the same words for the same line twice: an inherited mistake is told once.
class Report {
 public:
  static constexpr std::size_t kMost = 200;

  void warn(Source at, std::string text) { add(Severity::Warning, at, std::move(text)); }
  void error(Source at, std::string text) { add(Severity::Error, at, std::move(text)); }
  void fatal(Source at, std::string text) { add(Severity::Fatal, at, std::move(text)); }
  void add(Severity severity, Source at, std::string text);
  // Only fatal ones count above it: ask before building costly words.
  bool full() const { return problems_.size() >= kMost; }

  std::vector<Problem> take();  // in order of lines

 private:
  std::vector<Problem> problems_;
  std::set<std::pair<int, std::string>> seen_;
  std::size_t dropped_ = 0;
};

}  // namespace tandem::config
