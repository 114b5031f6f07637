#include "common/config/report.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace tandem::config {

namespace {

constexpr std::size_t kLongestText = 1000;

// Control characters as \xHH, cut at `most`.
std::string printable(std::string_view text, std::size_t most) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    else
      out += c;
  }
  return text.size() > most ? out + "..." : out;
}

}  // namespace

std::string quoted(std::string_view text) {
  return "\"" + printable(text, 80) + "\"";
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > 64) return {};
  const auto lower = [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); };
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 4) + 1;
  for (const auto candidate : candidates) {
    if (candidate.size() > 64) continue;
    std::vector<std::size_t> row(candidate.size() + 1);  // Levenshtein, one row at a time
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t change = diagonal + (lower(word[i]) == lower(candidate[j]) ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
      }
    }
    if (row.back() < least && row.back() < candidate.size()) {
      least = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  const auto best = nearest(word, candidates);
  return best.empty() ? std::string() : "; did you mean " + quoted(best) + "?";
}

std::string one_of(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

void Report::add(Severity severity, Source at, std::string text) {
  if (full() && severity != Severity::Fatal) {
    ++dropped_;
    return;
  }
  if (problems_.size() > 2 * kMost) return;
  text = printable(text, kLongestText);  // names are in it, too
  if (!seen_.emplace(at.line, text).second) return;
  problems_.push_back({severity, at, std::move(text)});
}

std::vector<Problem> Report::take() {
  std::stable_sort(problems_.begin(), problems_.end(),
                   [](const Problem& a, const Problem& b) { return a.at.line < b.at.line; });
  if (dropped_ > 0) problems_.push_back({Severity::Error, {}, "and " + std::to_string(dropped_) + " more problems"});
  return std::move(problems_);
}

}  // namespace tandem::config
