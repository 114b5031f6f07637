#include "common/base/dial_plan_rule.h"

#include <catch2/catch.hpp>
#include <cctype>
#include <random>

using tandem::DialPlanRule;

namespace {

bool matches(const char* pattern, const char* address) {
  const auto rule = DialPlanRule::parse(pattern);
  REQUIRE(rule);
  return rule->matches(address);
}

// The same, written as the definition says it: try every length of each run.
bool slow_match(std::string_view pattern, std::string_view address, bool variable) {
  if (!pattern.empty() && (pattern[0] == '{' || pattern[0] == '}'))
    return slow_match(pattern.substr(1), address, pattern[0] == '{');
  if (pattern.empty()) return address.empty();
  const char c = pattern[0];
  const std::string_view rest = pattern.substr(1);
  const bool digit = !address.empty() && address[0] >= '0' && address[0] <= '9';
  if (variable && (c == '#' || c == '*')) {
    if (slow_match(rest, address, variable)) return true;
    return !address.empty() && (c == '*' || digit) && slow_match(pattern, address.substr(1), variable);
  }
  if (address.empty()) return false;
  const bool one = variable && c == 'D'   ? digit
                   : variable && c == 'S' ? true
                                          : std::tolower(c) == std::tolower(address[0]);
  return one && slow_match(rest, address.substr(1), variable);
}

}  // namespace

TEST_CASE("MMC-220 patterns of addresses, as documented") {
  CHECK(matches("+{DDDDDDDD}", "+12345678"));
  CHECK_FALSE(matches("+{DDDDDDDD}", "+1234567"));
  CHECK_FALSE(matches("+{DDDDDDDD}", "+123456789"));
  CHECK_FALSE(matches("+{DDDDDDDD}", "12345678"));
  for (const char* same : {"+{69DDDDDD}", "+69{DDDDDD}"}) {
    CHECK(matches(same, "+69123456"));
    CHECK_FALSE(matches(same, "+68123456"));
  }
  CHECK(matches("+{DD812DDD}", "+07812987"));
  CHECK_FALSE(matches("+{DD812DDD}", "+07813987"));
  CHECK(matches("{DD812#}", "00812"));
  CHECK(matches("{DD812#}", "008121234567"));
  CHECK_FALSE(matches("{DD812#}", "00812x"));
  CHECK(matches("sip:{SSSS}@domain.com", "sip:andy@domain.com"));
  CHECK_FALSE(matches("sip:{SSSS}@domain.com", "sip:mike@domain01.uk.com"));
  CHECK_FALSE(matches("sip:{SSSS}@domain.com", "sip:anton@domain.com"));
  CHECK(matches("sip:{SSSS}@{*}", "sip:andy@domain.com"));
  CHECK(matches("sip:{SSSS}@{*}", "sip:mike@domain01.uk.com"));
  for (const char* user : {"sip:123@domain02.uk.com", "sip:alice321@domain02.uk.com", "sip:michael@domain02.uk.com"})
    CHECK(matches("sip:{*}@domain02.uk.com", user));
  CHECK(matches("sip:{#}@domain02.uk.com", "sip:1234567@domain02.uk.com"));
  CHECK_FALSE(matches("sip:{#}@domain02.uk.com", "sip:alice321@domain02.uk.com"));
  CHECK(matches("tel: {#}", "tel:012345"));
  CHECK(matches("tel: {#}", "tel: 987"));
  CHECK_FALSE(matches("tel: {#}", "tel:+987"));
  CHECK(matches("tel: + {#}", "tel:+012345"));
  CHECK(matches("sip:SSS{SSSS}@domain.com", "sip:SSSabcd@domain.com"));
  CHECK(matches("sip:SSS{SSSS}@domain.com", "sip:sssdcba@domain.com"));
  CHECK_FALSE(matches("sip:SSS{SSSS}@domain.com", "sip:abcabcd@domain.com"));
  CHECK(matches("sip:SSS{DDDD}@domain.com", "sip:sss4321@DOMAIN.com"));
  CHECK_FALSE(matches("sip:SSS{DDDD}@domain.com", "sip:sss432a@domain.com"));
}

TEST_CASE("metacharacters mean nothing outside braces") {
  CHECK(matches("D#*S", "d#*s"));
  CHECK_FALSE(matches("D#*S", "1234"));
}

TEST_CASE("MMC-166 a target of question marks bars") {
  CHECK(DialPlanRule::parse("1234=>????")->bars());
  CHECK(DialPlanRule::parse("{#}=>?")->matches("0900"));
  CHECK_FALSE(DialPlanRule::parse("{#}")->bars());
}

TEST_CASE("what is no rule") {
  for (const char* text : {"", " ", "{", "}", "{D", "D}", "{{D}}", "{}", "1=>", "1=>2", "1=>?2", "=>??"}) {
    CAPTURE(text);
    CHECK_FALSE(DialPlanRule::parse(text));
  }
  CHECK_FALSE(DialPlanRule::parse(std::string(256, '1')));
}

TEST_CASE("a long address and many runs cost no time") {
  std::string pattern = "{";
  for (int i = 0; i < 120; ++i) pattern += "*S";
  const auto rule = DialPlanRule::parse(pattern + "}x");
  REQUIRE(rule);
  CHECK_FALSE(rule->matches(std::string(255, 'a')));
  CHECK_FALSE(rule->matches(std::string(100000, 'a')));
}

TEST_CASE("random patterns match what their definition says") {
  std::mt19937 random(4711);
  const std::string of = "{}DS#*a1@", in = "aA1@2";
  for (int i = 0; i < 200000; ++i) {
    std::string pattern, address;
    for (auto n = random() % 9; n > 0; --n) pattern += of[random() % of.size()];
    for (auto n = random() % 7; n > 0; --n) address += in[random() % in.size()];
    const auto rule = DialPlanRule::parse(pattern);
    if (!rule) continue;
    CAPTURE(pattern, address);
    if (rule->matches(address) != slow_match(pattern, address, false)) {
      FAIL("they differ");
    }
  }
}
