#include <catch2/catch.hpp>

#include "common/config/connector_options.h"
#include "common/config/value.h"

using namespace tandem::config;
using namespace std::chrono_literals;

namespace {

template <class T>
auto read(std::string_view text, Range range = {}) {
  return read_value(text, range, static_cast<const T*>(nullptr));
}

}  // namespace

TEST_CASE("integers", "[config][values]") {
  CHECK(read<Integer>("15", {0, 15}) == 15);
  CHECK(read<Integer>("-3") == -3);
  for (const auto* bad : {"16", "-1", "", "x", "1x", "1.5", "0x10", "99999999999999999999", "1 2"}) {
    INFO(bad);
    CHECK_FALSE(read<Integer>(bad, {0, 15}));
  }
}

TEST_CASE("booleans", "[config][values]") {
  for (const auto* yes : {"true", "yes", "on", "1"}) CHECK(read<bool>(yes) == true);
  for (const auto* no : {"false", "no", "off", "0"}) CHECK(read<bool>(no) == false);
  for (const auto* bad : {"", "TRUE ", "maybe", "2"}) CHECK_FALSE(read<bool>(bad).has_value());
}

TEST_CASE("times", "[config][values]") {
  CHECK(read<Seconds>("10") == 10s);
  CHECK(read<Seconds>("10 sec") == 10s);
  CHECK(read<Seconds>("2min") == 120s);
  CHECK(read<Seconds>("1 hr") == 3600s);
  CHECK(read<Seconds>("3000 ms") == 3s);
  CHECK(read<Milliseconds>("250") == 250ms);
  CHECK(read<Milliseconds>("10 sec") == 10000ms);
  for (const auto* bad :
       {"", "sec", "10 parsec", "-1", "500 ms", "99999999999999999999", "9007199254740992 day", "1e3"}) {
    INFO(bad);
    CHECK_FALSE(read<Seconds>(bad));
  }
  CHECK_FALSE(read<Seconds>("601", {0, 600}));
  CHECK_FALSE(read<Milliseconds>("1 hr", {0, 1000}));
}

TEST_CASE("sizes", "[config][values]") {
  CHECK(read<Bytes>("16000") == Bytes{16000});
  CHECK(read<Bytes>("64 KB") == Bytes{65536});
  CHECK(read<Bytes>("8MB") == Bytes{8u << 20});
  for (const auto* bad : {"", "KB", "1 TB", "-5", "9007199254740992 GB"}) CHECK_FALSE(read<Bytes>(bad));
  CHECK_FALSE(read<Bytes>("1 MB", {0, 65535}));
}

TEST_CASE("words and lists", "[config][values]") {
  CHECK(read<std::string>("a b", {0, 3}) == "a b");
  CHECK_FALSE(read<std::string>("abcd", {0, 3}));
  CHECK_FALSE(read<std::string>("", {1, 3}));
  CHECK_FALSE(read<std::string>("a\nb"));
  CHECK(read<List>(" a, b ,,c ") == List{"a", "b", "c"});
  CHECK(read<List>("") == List{});
  CHECK_FALSE(read<List>("a,b,c", {0, 2}));
  CHECK(read<Uri>("sip:alice@example.com")->text == "sip:alice@example.com");
  for (const auto* bad : {"sip:", "tel:123", "alice", "sip:a b", "sip:<x>", "SIP:x"}) CHECK_FALSE(read<Uri>(bad));
  CHECK_FALSE(read<Path>("a\x01"));
}

TEST_CASE("enumerations, alone and in lists", "[config][values]") {
  CHECK(read<SipTransport>("tls") == SipTransport::Tls);
  CHECK_FALSE(read<SipTransport>("TLS"));
  CHECK(read<ListOf<DigestAlgorithm>>("SHA-256, MD5", {1, 2})->items ==
        std::vector{DigestAlgorithm::Sha256, DigestAlgorithm::Md5});
  CHECK_FALSE(read<ListOf<DigestAlgorithm>>("SHA-1", {1, 2}));
  CHECK_FALSE(read<ListOf<DigestAlgorithm>>("", {1, 2}));
}

TEST_CASE("values of the log options", "[config][values]") {
  CHECK(read<LogSegment>("false")->bytes == 0);
  CHECK(read<LogSegment>("50 MB")->bytes == 50u << 20);
  CHECK(read<LogSegment>("100")->bytes == 100u << 10);
  CHECK(read<LogSegment>("24 hr")->age == 24h);
  for (const auto* bad : {"", "true", "0", "0 hr", "5 B", "2 day"}) CHECK_FALSE(read<LogSegment>(bad));
  CHECK(read<LogExpire>("10")->files == 10);
  CHECK(read<LogExpire>("3 day")->days == 3);
  CHECK(read<LogExpire>("false")->files == 0);
  for (const auto* bad : {"0", "1001", "101 day", "5 MB", "x"}) CHECK_FALSE(read<LogExpire>(bad));
  CHECK(read<LogStartup>("true")->keep);
  CHECK(read<LogStartup>("1 MB")->bytes == 1u << 20);
  CHECK_FALSE(read<LogStartup>("false")->keep);
  CHECK_FALSE(read<LogStartup>("24 hr"));
  CHECK_FALSE(read<LogOutputs>("stdout, memory"));
}
