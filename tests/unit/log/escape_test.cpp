#include "common/log/escape.h"

#include <catch2/catch.hpp>

#include "common/log/hide.h"

using namespace tandem;

TEST_CASE("plain text and UTF-8 stay as they are", "[log]") {
  CHECK(escaped("RequestMakeCall sip:alice@example.com") == "RequestMakeCall sip:alice@example.com");
  CHECK(escaped("J\xc3\xbcrgen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x93\x9e") ==
        "J\xc3\xbcrgen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x93\x9e");
  CHECK(escaped("").empty());
}

TEST_CASE("what could forge a line or a screen is escaped", "[log]") {
  CHECK(escaped("a\r\n01:52:07.123 Std forged") == "a\\r\\n01:52:07.123 Std forged");
  CHECK(escaped("\x1b[31mred\x07\x7f") == "\\x1b[31mred\\x07\\x7f");
  CHECK(escaped(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(escaped("a\xc2\x85"
                "b") == "a\\u0085b");  // next line
  CHECK(escaped("a\xe2\x80\xa8"
                "b\xe2\x80\xa9") == "a\\u2028b\\u2029");  // line and paragraph separator
  CHECK(escaped("\xe2\x80\xae"
                "evil") == "\\u202eevil");  // right-to-left override
}

TEST_CASE("bytes that aren't UTF-8 are escaped one by one", "[log]") {
  CHECK(escaped("\xff\xfe") == "\\xff\\xfe");
  CHECK(escaped("caf\xe9") == "caf\\xe9");                       // Latin-1
  CHECK(escaped("\xc0\x8a") == "\\xc0\\x8a");                    // overlong line feed
  CHECK(escaped("\xe0\x80\x8a") == "\\xe0\\x80\\x8a");           // the same, longer
  CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(escaped("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  CHECK(escaped("\xe6\x97") == "\\xe6\\x97");                    // cut
}

TEST_CASE("a text too long is cut and counted", "[log]") {
  const auto line = escaped(std::string(kLongestLogText + 5, 'x'));
  CHECK(line.size() < kLongestLogText + 50);
  CHECK(line.ends_with("x... (5 more bytes)"));
}

TEST_CASE("sensitive values show their length only (MMC-277, MMC-278)", "[log]") {
  CHECK(hidden("1234") == "**** (length:4)");
  CHECK(hidden("") == "**** (length:0)");
  CHECK(sensitive(true, "42") == "**** (length:2)");
  CHECK(sensitive(false, "42") == "42");

  const HiddenHeaders on(true, {"User-Data", "X-Pin"});
  CHECK(on.shown("Data", "secret") == "**** (length:6)");
  CHECK(on.shown("treatment-params", "abc") == "**** (length:3)");
  CHECK(on.shown("x-pin", "9") == "**** (length:1)");
  CHECK(on.shown("Conversation-ID", "7") == "7");
  const HiddenHeaders off(false, {"X-Pin"});
  CHECK(off.shown("Data", "secret") == "secret");
  CHECK(off.hides("X-Pin"));
}
