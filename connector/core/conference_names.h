// Addresses of the conferences that can be entered by calling them, as the options count and uri-pattern of section
// conference-services give them: a prefix, the number from 1 on with leading zeros, a suffix.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::connector {

struct ConferenceNames {
  std::string before, after;  // "sip:conf", "@tandem.test"; lower case
  std::size_t digits = 0;
  std::uint32_t count = 0;  // 0: there are none

  // Of a pattern such as "conf{DDD}" or "sip:conf{DDD}@tandem.test"; `domain` completes what has none. None: it has no
  // run of D in braces, or too short a one for `count`.
  static std::optional<ConferenceNames> of(std::string_view pattern, std::uint32_t count, std::string_view domain) {
    const auto open = pattern.find('{');
    const auto close = pattern.find('}', open);
    if (open == std::string_view::npos || close == std::string_view::npos || close == open + 1) return std::nullopt;
    const auto run = pattern.substr(open + 1, close - open - 1);
    if (run.find_first_not_of('D') != std::string_view::npos || run.size() > 9) return std::nullopt;
    if (std::to_string(count).size() > run.size()) return std::nullopt;
    ConferenceNames out{std::string(pattern.substr(0, open)), std::string(pattern.substr(close + 1)), run.size(),
                        count};
    if (!out.before.starts_with("sip:")) out.before.insert(0, "sip:");
    if (out.after.find('@') == std::string::npos) out.after.append("@").append(domain);
    for (std::string* part : {&out.before, &out.after})
      std::transform(part->begin(), part->end(), part->begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
  }

  std::string name(std::uint32_t number) const {
    std::string text = std::to_string(number);
    if (text.size() < digits) text.insert(0, digits - text.size(), '0');
    return before + text + after;
  }

  // Which one a URI (lower case) names; none: it is no conference's.
  std::optional<std::uint32_t> number(std::string_view uri) const {
    if (count == 0 || uri.size() != before.size() + digits + after.size() || !uri.starts_with(before) ||
        !uri.ends_with(after))
      return std::nullopt;
    const auto text = uri.substr(before.size(), digits);
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size() || out == 0 || out > count) return std::nullopt;
    return out;
  }
};

}  // namespace tandem::connector
