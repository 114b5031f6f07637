#include "common/base/dial_plan_rule.h"

#include <algorithm>

namespace tandem {
namespace {

constexpr std::size_t kMaxPattern = 255;
constexpr std::size_t kMaxAddress = 255;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool blank(char c) {
  return c == ' ' || c == '\t';
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::string without_blanks(std::string_view text) {
  std::string kept;
  std::copy_if(text.begin(), text.end(), std::back_inserter(kept), [](char c) { return !blank(c); });
  return kept;
}

}  // namespace

std::optional<DialPlanRule> DialPlanRule::parse(std::string_view text) {
  if (text.size() > kMaxPattern) return std::nullopt;
  DialPlanRule rule;
  rule.text_ = without_blanks(text);
  std::string_view pattern = rule.text_;
  if (const auto arrow = pattern.find("=>"); arrow != std::string_view::npos) {
    const std::string_view target = pattern.substr(arrow + 2);
    if (target.empty() || target.find_first_not_of('?') != std::string_view::npos) return std::nullopt;
    rule.bars_ = true;
    pattern = pattern.substr(0, arrow);
  }
  bool variable = false;
  for (const char c : pattern) {
    if (c == '{' || c == '}') {
      if (variable == (c == '{')) return std::nullopt;
      variable = c == '{';
    } else if (!variable) {
      rule.tokens_.push_back({Kind::Literal, lower(c)});
    } else {
      const Kind kind = c == 'D'   ? Kind::Digit
                        : c == 'S' ? Kind::Character
                        : c == '#' ? Kind::Digits
                        : c == '*' ? Kind::Characters
                                   : Kind::Literal;
      rule.tokens_.push_back({kind, lower(c)});
    }
  }
  if (variable || rule.tokens_.empty()) return std::nullopt;
  return rule;
}

// All places in the pattern that the address so far can have reached, one character after the other.
bool DialPlanRule::matches(std::string_view address) const {
  if (address.size() > kMaxAddress) return false;
  const std::size_t end = tokens_.size();
  std::vector<bool> here(end + 1, false), next(end + 1, false);
  const auto reach = [&](std::vector<bool>& places, std::size_t at) {
    places[at] = true;  // runs may be empty
    while (at < end && (tokens_[at].kind == Kind::Digits || tokens_[at].kind == Kind::Characters)) places[++at] = true;
  };
  reach(here, 0);
  for (const char c : address) {
    if (blank(c)) continue;
    std::fill(next.begin(), next.end(), false);
    for (std::size_t at = 0; at < end; ++at) {
      if (!here[at]) continue;
      switch (tokens_[at].kind) {
        case Kind::Literal:
          if (lower(c) == tokens_[at].literal) reach(next, at + 1);
          break;
        case Kind::Digit:
          if (digit(c)) reach(next, at + 1);
          break;
        case Kind::Character:
          reach(next, at + 1);
          break;
        case Kind::Digits:
          if (digit(c)) reach(next, at);
          break;
        case Kind::Characters:
          reach(next, at);
          break;
      }
    }
    here.swap(next);
  }
  return here[end];
}

}  // namespace tandem
