#include "connector/frontend/limits.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::connector;

TEST_CASE("A token bucket gives its burst, then its rate") {
  TokenBucket bucket(2, 3);
  Instant now{5s};
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now));
  CHECK_FALSE(bucket.take(now + 400ms));
  CHECK(bucket.take(now + 600ms));
  CHECK_FALSE(bucket.take(now + 600ms));
  CHECK_FALSE(bucket.take(now));  // a clock that steps back gives nothing
  now += 1h;
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now));
}

TEST_CASE("Rate 0 limits nothing") {
  TokenBucket bucket(0, 0);
  for (int i = 0; i < 1000; ++i) CHECK(bucket.take(Instant{1s}));
}

TEST_CASE("Each source has its own rate") {
  SourceLimits limits({10, 2, 0, 60s, 100});
  const Instant now{1s};
  CHECK(limits.call("192.0.2.1", now));
  CHECK(limits.call("192.0.2.1", now));
  CHECK_FALSE(limits.call("192.0.2.1", now));
  CHECK(limits.call("192.0.2.2", now));
  CHECK(limits.call("192.0.2.1", now + 200ms));
}

TEST_CASE("Wrong passwords lead to a ban that ends") {
  SourceLimits limits({0, 0, 3, 60s, 100});
  const Instant now{1s};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limits.failed("192.0.2.1", now));
  CHECK_FALSE(limits.banned("192.0.2.1", now));
  CHECK(limits.failed("192.0.2.1", now));
  CHECK(limits.banned("192.0.2.1", now));
  CHECK(limits.banned("192.0.2.1", now + 59s));
  CHECK_FALSE(limits.banned("192.0.2.2", now));
  CHECK_FALSE(limits.banned("192.0.2.1", now + 61s));
}

TEST_CASE("A right password wipes the slate") {
  SourceLimits limits({0, 0, 2, 60s, 100});
  const Instant now{1s};
  for (int round = 0; round < 5; ++round) {
    CHECK_FALSE(limits.failed("192.0.2.1", now));
    CHECK_FALSE(limits.failed("192.0.2.1", now));
    limits.proved("192.0.2.1");
  }
  CHECK_FALSE(limits.banned("192.0.2.1", now));
}

TEST_CASE("Many sources: memory is bounded, the one unheard of longest goes") {
  SourceLimits limits({1, 1, 0, 60s, 3});
  const Instant now{1s};
  CHECK(limits.call("a", now));
  CHECK(limits.call("b", now));
  CHECK(limits.call("c", now));
  CHECK_FALSE(limits.call("a", now));  // heard of again
  CHECK(limits.call("d", now));        // pushes b out
  CHECK(limits.size() == 3);
  CHECK_FALSE(limits.call("a", now));
  CHECK(limits.call("b", now));
  CHECK(limits.size() == 3);
}
