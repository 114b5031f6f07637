// Dial plan rules: any pattern is read or refused, any address is matched in bounded time, with the same outcome again.
#include <cstdint>
#include <cstdlib>

#include "common/base/dial_plan_rule.h"

using tandem::DialPlanRule;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(text.find('\n'), text.size());
  const std::string_view address = text.substr(std::min(line + 1, text.size()));
  const auto rule = DialPlanRule::parse(text.substr(0, line));
  if (!rule) return 0;
  const bool matched = rule->matches(address);
  const auto again = DialPlanRule::parse(rule->text());
  if (!again || again->bars() != rule->bars() || again->matches(address) != matched) std::abort();
  // Without braces a pattern is the address it matches.
  if (rule->text().find_first_of("{}=") == std::string::npos && !rule->matches(rule->text())) std::abort();
  return 0;
}
