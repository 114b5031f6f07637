#include "common/base/ids.h"

#include <catch2/catch.hpp>

using namespace tandem;

TEST_CASE("a ConnID is written as 16 hexadecimal digits and read back") {
  CHECK(to_string(ConnId{0x006c02462a161006}) == "006c02462a161006");
  CHECK(from_hex("006c02462a161006") == 0x006c02462a161006u);
  CHECK(from_hex("1") == 1u);
  CHECK_FALSE(from_hex(""));
  CHECK_FALSE(from_hex("006c02462a1610060"));
  CHECK_FALSE(from_hex("xyz"));
  CHECK_FALSE(from_hex("1 "));
}

TEST_CASE("MMC-59: DN names are folded to lower case") {
  CHECK(Dn("sip:Alice@Tandem.test") == Dn("sip:alice@tandem.test"));
  CHECK(Dn("sip:Alice@Tandem.test").str() == "sip:alice@tandem.test");
}
