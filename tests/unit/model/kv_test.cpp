#include <catch2/catch.hpp>

#include "tserver/model/kv.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

std::string text(const tlib::KVList& list) {
  std::string all;
  for (const auto& pair : list.pairs())
    all += pair.key() + "=" + pair.str() +
           (pair.Value_case() == tlib::KVPair::kInt ? std::to_string(pair.int_()) : "") + ";";
  return all;
}

tlib::KVList list(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  tlib::KVList made;
  for (const auto& [key, value] : pairs) kv_add(made, key, value);
  return made;
}

}  // namespace

TEST_CASE("attach keeps duplicates, update replaces the first, delete takes all") {
  tlib::KVList data = list({{"a", "1"}, {"b", "2"}, {"a", "3"}});
  kv_attach(data, list({{"b", "4"}}));
  CHECK(text(data) == "a=1;b=2;a=3;b=4;");
  kv_update(data, list({{"a", "5"}, {"c", "6"}}));
  CHECK(text(data) == "a=5;b=2;a=3;b=4;c=6;");
  kv_delete(data, "a");
  CHECK(text(data) == "b=2;b=4;c=6;");
  kv_delete(data, "B");
  CHECK(text(data) == "b=2;b=4;c=6;");
}

TEST_CASE("bytes of any encoding pass unchanged") {
  const std::string latin("M\xfcller\0x", 8);
  tlib::KVList data;
  kv_add(data, "name", latin);
  tlib::KVList copy;
  REQUIRE(copy.ParseFromString(data.SerializeAsString()));
  CHECK(kv_find(copy, "name")->str() == latin);
}

TEST_CASE("an integer is taken as a number and as text (MMC-310)") {
  tlib::KVList data = list({{"a", "15"}, {"b", "15s"}, {"c", ""}, {"e", "-3"}, {"f", "99999999999"}});
  kv_add(data, "d", 7);
  CHECK(kv_integer(data, "a") == 15);
  CHECK_FALSE(kv_integer(data, "b"));
  CHECK_FALSE(kv_integer(data, "c"));
  CHECK(kv_integer(data, "d") == 7);
  CHECK(kv_integer(data, "e") == -3);
  CHECK_FALSE(kv_integer(data, "f"));
  CHECK_FALSE(kv_integer(data, "none"));
}

TEST_CASE("a flag is true, false, or nothing") {
  tlib::KVList data = list({{"a", "true"}, {"b", "0"}, {"c", "yes"}});
  kv_add(data, "d", 1);
  CHECK(kv_flag(data, "a") == true);
  CHECK(kv_flag(data, "b") == false);
  CHECK_FALSE(kv_flag(data, "c"));
  CHECK(kv_flag(data, "d") == true);
  CHECK_FALSE(kv_flag(data, "e"));
}
