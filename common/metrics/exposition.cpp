#include "common/metrics/exposition.h"

#include <array>
#include <charconv>
#include <cmath>

namespace tandem::metrics {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 64> digits;
  const auto whole = static_cast<std::int64_t>(value);
  const auto written = std::abs(value) < 9e15 && static_cast<double>(whole) == value
                           ? std::to_chars(digits.data(), digits.data() + digits.size(), whole)
                           : std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), written.ptr};
}

// Label values: backslash, quote and line feed are escaped; help texts hold none of them.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

Exposition& Exposition::family(std::string_view name, std::string_view help, std::string_view type) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  return *this;
}

void Exposition::sample(std::string_view suffix, Labels labels, std::string_view le, double value) {
  text_.append(name_).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view text) {
    text_ += before;
    text_.append(name).append("=\"");
    append_escaped(text_, text);
    text_ += '"';
    before = ',';
  };
  for (const auto& [name, text] : labels) label(name, text);
  if (!le.empty()) label("le", le);
  if (before == ',') text_ += '}';
  text_.append(" ").append(number(value)).append("\n");
}

Exposition& Exposition::add(Labels labels, double value) {
  sample({}, labels, {}, value);
  return *this;
}

Exposition& Exposition::add(Labels labels, const Histogram& histogram) {
  std::uint64_t cumulated = 0;
  for (std::size_t i = 0; i < histogram.bounds().size(); ++i) {
    cumulated += histogram.counts()[i];
    sample("_bucket", labels, number(histogram.bounds()[i]), static_cast<double>(cumulated));
  }
  sample("_bucket", labels, "+Inf", static_cast<double>(histogram.count()));
  sample("_sum", labels, {}, histogram.sum());
  sample("_count", labels, {}, static_cast<double>(histogram.count()));
  return *this;
}

}  // namespace tandem::metrics
