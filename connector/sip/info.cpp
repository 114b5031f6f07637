#include "connector/sip/info.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace tandem::connector {
namespace {

constexpr std::uint32_t kLongest = 60000;

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// A digit itself, or its event number (RFC 4733).
std::optional<char> digit_of(std::string_view signal) {
  constexpr std::string_view digits = "0123456789*#ABCD";
  if (signal.size() == 1) {
    const char upper = signal[0] >= 'a' && signal[0] <= 'd' ? static_cast<char>(signal[0] - 'a' + 'A') : signal[0];
    if (digits.find(upper) != std::string_view::npos) return upper;
    if (signal[0] == '!') return '\0';
    return std::nullopt;
  }
  unsigned event = 0;
  const auto [end, error] = std::from_chars(signal.data(), signal.data() + signal.size(), event);
  if (error != std::errc() || end != signal.data() + signal.size()) {
    if (same(signal, "star")) return '*';
    if (same(signal, "pound")) return '#';
    if (same(signal, "flash") || same(signal, "hf")) return '\0';
    return std::nullopt;
  }
  if (event < digits.size()) return digits[event];
  if (event == 16) return '\0';
  return std::nullopt;
}

}  // namespace

bool carries_digits(std::string_view content_type) {
  return same(content_type, "application/dtmf-relay") || same(content_type, "application/dtmf");
}

std::optional<InfoSignal> read_signal(std::string_view content_type, std::string_view body) {
  InfoSignal out;
  if (same(content_type, "application/dtmf") && body.find('=') == std::string_view::npos) {
    const auto digit = digit_of(trim(body));
    if (!digit) return std::nullopt;
    out.digit = *digit;
    return out;
  }
  bool found = false;
  while (!body.empty()) {
    const auto end = std::min(body.find_first_of("\r\n"), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = trim(line.substr(0, equals));
    const auto value = trim(line.substr(equals + 1));
    if (same(name, "Signal") && !found) {
      const auto digit = digit_of(value);
      if (!digit) return std::nullopt;
      out.digit = *digit;
      found = true;
    } else if (same(name, "Duration")) {
      std::uint32_t ms = 0;
      const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
      if (error == std::errc() && stop == value.data() + value.size()) out.duration_ms = std::min(ms, kLongest);
    }
  }
  if (!found) return std::nullopt;
  return out;
}

}  // namespace tandem::connector
