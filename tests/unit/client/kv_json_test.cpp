#include "tserver/client/kv_json.h"

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "messages.h"
#include "tserver/client/json_text.h"

using namespace tandem;
using namespace tandem::client;
using namespace tandem::client::test;
using tlib::KVList;

namespace {

std::string write(const KVList& list) {
  return boost::json::serialize(kv_to_json(list));
}

Result<KVList, Failure> read(std::string_view text) {
  const auto value = parse_json(text);
  REQUIRE(value.has_value());
  return kv_from_json(value->get_object(), "UserData");
}

std::string refused(std::string_view text) {
  const auto list = read(text);
  INFO(text);
  REQUIRE(!list);
  return list.error().text;
}

void check_round_trip(const KVList& list, const std::string& text) {
  CHECK(write(list) == text);
  const auto back = read(text);
  REQUIRE(back.has_value());
  CHECK(back->SerializeAsString() == list.SerializeAsString());
}

}  // namespace

TEST_CASE("KVLists keep keys, order and types (LTB: UserData passes byte for byte)", "[kv]") {
  KVList list;
  SECTION("an empty list") {
    check_round_trip(list, "{}");
  }
  SECTION("texts, integers and lists") {
    *list.add_pairs() = pair("z", "last name first");
    auto* number = list.add_pairs();
    number->set_key("a");
    number->set_int_(-2147483647 - 1);
    auto* inner = list.add_pairs();
    inner->set_key("1");
    *inner->mutable_list()->add_pairs() = pair("TEXT", "Wie hei\xc3\x9ft du?");
    list.add_pairs()->set_key("");
    list.mutable_pairs(3)->set_str("key without a name");
    check_round_trip(list,
                     R"({"z":"last name first","a":-2147483648,"1":{"TEXT":"Wie heißt du?"},"":"key without a name"})");
  }
  SECTION("a repeated key is an array under key[], with values of any kind") {
    *list.add_pairs() = pair("case", "1");
    *list.add_pairs() = pair("case", "1");
    list.add_pairs()->set_key("case");
    list.mutable_pairs(2)->set_int_(5);
    *list.add_pairs() = pair("other", "x");
    check_round_trip(list, R"({"case[]":["1","1",5],"other":"x"})");
  }
  SECTION("a key that ends with [] itself") {
    *list.add_pairs() = pair("a[]", "1");
    *list.add_pairs() = pair("a", "2");
    check_round_trip(list, R"({"a[][]":["1"],"a":"2"})");
  }
  SECTION("binary, unicode, and strings that are not UTF-8") {
    list.add_pairs()->set_key("b");
    list.mutable_pairs(0)->set_bin(std::string("\0\x01\xfe", 3));
    list.add_pairs()->set_key("u");
    list.mutable_pairs(1)->set_unicode("\xe2\x82\xac");
    *list.add_pairs() = pair("latin1", "caf\xe9");
    check_round_trip(list, R"({"b":{"bin":"AAH+"},"u":{"unicode":"€"},"latin1":{"bin":"Y2Fm6Q==","type":"string"}})");
  }
  SECTION("nested lists that look like a typed value stay lists") {
    auto* inner = list.add_pairs();
    inner->set_key("x");
    *inner->mutable_list()->add_pairs() = pair("bin", "AAAA");
    *inner->mutable_list()->add_pairs() = pair("type", "string");
    auto* second = list.add_pairs();
    second->set_key("y");
    *second->mutable_list()->add_pairs() = pair("unicode", "t");
    *list.add_pairs() = pair("bin", "top level keys are plain");
    check_round_trip(
        list, R"({"x":{"bin[]":["AAAA"],"type":"string"},"y":{"unicode[]":["t"]},"bin":"top level keys are plain"})");
  }
}

TEST_CASE("A pair without a value is an empty string", "[kv]") {
  KVList list;
  list.add_pairs()->set_key("k");
  CHECK(write(list) == R"({"k":""})");
}

TEST_CASE("Repeated keys between others come where they first appear", "[kv]") {
  KVList list;
  for (const char* key : {"a", "b", "a", "c", "b"}) *list.add_pairs() = pair(key, key);
  CHECK(write(list) == R"({"a[]":["a","a"],"b[]":["b","b"],"c":"c"})");
}

TEST_CASE("Wrong values of a KVList are told with their path", "[kv]") {
  CHECK(refused(R"({"a":true})") ==
        "UserData.a: expected a string, a whole number of 32 bits or an object, not true or false");
  CHECK(refused(R"({"a":null})") == "UserData.a: expected a string, a whole number of 32 bits or an object, not null");
  CHECK(refused(R"({"a":["x"]})") ==
        "UserData.a: expected a string, a whole number of 32 bits or an object, not an array");
  CHECK(refused(R"({"a":2147483648})") == "UserData.a: expected a whole number of 32 bits, not 2147483648");
  CHECK(refused(R"({"a":0.5})") ==
        "UserData.a: expected a string, a whole number of 32 bits or an object, not a number with a fraction");
  CHECK(refused(R"({"a[]":"x"})") == "UserData.a[]: expected an array, the values of the repeated key, not a string");
  CHECK(refused(R"({"a[]":["x",{"b":false}]})") ==
        "UserData.a[][1].b: expected a string, a whole number of 32 bits or an object, not true or false");
  CHECK(refused(R"({"a":{"bin":"A"}})") == "UserData.a.bin: expected base64 with padding");
  CHECK(refused(R"({"a":{"bin":"AB=="}})") == "UserData.a.bin: expected base64 with padding");
  CHECK(
      refused(R"({"a":{"bin":"AAAA","x":1}})").starts_with("UserData.a: expected {\"bin\": base64} and nothing else"));
  CHECK(refused(R"({"a":{"unicode":1}})").starts_with("UserData.a: expected {\"unicode\": text} and nothing else"));
}

TEST_CASE("Base64, against the vectors of RFC 4648", "[kv]") {
  for (const auto& [plain, coded] : {std::pair{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}}) {
    CHECK(to_base64(plain) == coded);
    CHECK(from_base64(coded) == std::string(plain));
  }
  for (const char* bad : {"Zg", "Zg=", "Zg===", "====", "Z===", "Zg==Zg==", "Zm9 v", "Zh=="}) CHECK(!from_base64(bad));
}
