#include "common/service/heap.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

using namespace tandem;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

}  // namespace

TEST_CASE("What the heap keeps without use is worth giving back once it has grown") {
  SpareHeap spare;
  CHECK(spare.may_have_grown(18 * kMiB));
  CHECK_FALSE(spare.grown({18 * kMiB, 2 * kMiB}));  // the program itself
  CHECK_FALSE(spare.may_have_grown(24 * kMiB));
  CHECK(spare.may_have_grown(25 * kMiB));
  CHECK_FALSE(spare.grown({44 * kMiB, 28 * kMiB}));  // it is in use
  CHECK_FALSE(spare.grown({27 * kMiB, 2 * kMiB}));
  REQUIRE(spare.grown({28 * kMiB, 2 * kMiB}));
  SECTION("what can't be given back is not tried again and again") {
    spare.gave_back({26 * kMiB, 2 * kMiB});
    CHECK_FALSE(spare.grown({34 * kMiB, 2 * kMiB}));
    CHECK(spare.grown({36 * kMiB, 2 * kMiB}));
  }
  SECTION("nor what is little beside what is used") {
    CHECK_FALSE(spare.grown({140 * kMiB, 100 * kMiB}));
  }
}

#ifndef __SANITIZE_ADDRESS__  // has a heap of its own
TEST_CASE("A burst that leaves something at the end of the heap goes back to the system") {
  SpareHeap spare;
  const auto before = heap_bytes();
  REQUIRE(before.resident > before.used);
  tidy_heap(spare);
  std::vector<std::unique_ptr<char[]>> burst;
  for (int i = 0; i < 4000; ++i) burst.push_back(std::make_unique<char[]>(8000));
  for (auto& one : burst) std::fill_n(one.get(), 8000, 'x');
  const auto last = std::move(burst.back());
  burst.clear();
  tidy_heap(spare);
  const auto after = heap_bytes();
  CHECK(after.resident - after.used < before.resident - before.used + 8 * kMiB);
}
#endif
