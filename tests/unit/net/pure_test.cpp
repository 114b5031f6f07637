// ADDP, backoff and the byte queue: what common/net has without sockets, besides frames.
#include <catch2/catch.hpp>
#include <random>

#include "common/net/addp.h"
#include "common/net/backoff.h"
#include "common/net/bytes.h"

using namespace tandem;
using net::Addp;

TEST_CASE("ADDP polls after half the time and gives up after all of it") {
  Addp addp({.timeout = 10s}, Instant{100s});
  auto step = addp.check(100s);
  CHECK(step.what == Addp::What::Wait);
  CHECK(step.again == Instant{105s});
  CHECK(addp.check(104s).what == Addp::What::Wait);
  step = addp.check(105s);
  CHECK(step.what == Addp::What::Poll);
  CHECK(step.stamp == 1);
  CHECK(step.again == Instant{110s});
  step = addp.check(109s);  // asked early: no second poll
  CHECK(step.what == Addp::What::Wait);
  CHECK(step.again == Instant{110s});
  CHECK(addp.check(110s).what == Addp::What::Dead);
}

TEST_CASE("ADDP takes anything received as life") {
  Addp addp({.timeout = 10s}, Instant{0s});
  addp.received(3s);
  CHECK(addp.check(5s).again == Instant{8s});
  CHECK(addp.check(8s).what == Addp::What::Poll);
  addp.received(9s);
  const auto step = addp.check(13s);
  CHECK(step.what == Addp::What::Wait);
  CHECK(step.again == Instant{14s});
  const auto poll = addp.check(14s);
  CHECK(poll.what == Addp::What::Poll);
  CHECK(poll.stamp == 2);
}

TEST_CASE("ADDP asked late still polls before it gives up") {
  Addp addp({.timeout = 10s}, Instant{0s});
  const auto step = addp.check(60s);  // the process was stopped for a minute
  CHECK(step.what == Addp::What::Poll);
  CHECK(step.again == Instant{65s});
  CHECK(addp.check(64s).what == Addp::What::Wait);
  CHECK(addp.check(65s).what == Addp::What::Dead);
}

TEST_CASE("ADDP with timeout 0 is off") {
  Addp addp({.timeout = 0s}, Instant{0s});
  const auto step = addp.check(1000h);
  CHECK(step.what == Addp::What::Wait);
  CHECK(step.again == Instant{0});
}

TEST_CASE("waits double up to the limit, shortened by chance, and begin anew") {
  net::Backoff backoff({.first = 200ms, .limit = 1000ms});
  CHECK(backoff.next(1.0) == 200ms);
  CHECK(backoff.next(0.0) == 200ms);
  CHECK(backoff.next(0.5) == 600ms);
  CHECK(backoff.next(1.0) == 1000ms);
  CHECK(backoff.next(0.0) == 500ms);
  backoff.reset();
  CHECK(backoff.next(0.0) == 100ms);
}

TEST_CASE("a byte queue is a string that loses its front") {
  std::mt19937 random(3);
  net::ByteQueue queue;
  std::string model;
  for (int i = 0; i < 20000; ++i) {
    if (random() % 2 == 0) {
      const std::string more(random() % (i % 1000 == 0 ? 600000 : 300), static_cast<char>('a' + i % 26));
      queue.append(more);
      model += more;
    } else {
      const std::size_t count = random() % 3 == 0 ? model.size() : random() % (model.size() + 1);
      queue.consume(count);
      model.erase(0, count);
    }
    REQUIRE(queue.view() == model);
    if (model.empty()) REQUIRE(queue.capacity() <= 256 * 1024);
  }
}
