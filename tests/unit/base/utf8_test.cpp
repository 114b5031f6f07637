#include "common/base/utf8.h"

#include <catch2/catch.hpp>
#include <string>

using namespace tandem;

TEST_CASE("What is UTF-8 and what isn't", "[utf8]") {
  for (const std::string good : {"", "plain", "M\xc3\xbcller", "\xc2\x80", "\xe0\xa0\x80", "\xe2\x82\xac",
                                 "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf0\x9f\x93\x9e", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
    CHECK(mended_utf8(good, "?") == good);
  }
  for (const std::string bad :
       {"\xfe", "M\xfcller", "a\xff", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80"}) {
    CHECK_FALSE(is_utf8(bad));
    CHECK(is_utf8(mended_utf8(bad, "?")));
  }
}

TEST_CASE("Each byte that is no part of UTF-8 gets a mark, what follows is read anew", "[utf8]") {
  CHECK(mended_utf8("M\xfcller \xc3\xbc", "?") == "M?ller \xc3\xbc");
  CHECK(mended_utf8("\xe2\x82"
                    "a",
                    "?") == "??a");
  CHECK(mended_utf8("\xff", "\xef\xbf\xbd") == "\xef\xbf\xbd");
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("\xe2\x82\xac!") == 3);
}
