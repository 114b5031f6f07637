#include "common/base/timers.h"

#include <catch2/catch.hpp>

using namespace tandem;

TEST_CASE("timers fire in order of time, then of setting") {
  TimerQueue queue;
  const TimerKey a{1, 1, 10}, b{1, 1, 11}, c{2, 1, 10};
  queue.set(a, 5ms);
  queue.set(b, 3ms);
  queue.set(c, 5ms);
  CHECK(queue.next() == Instant(3ms));
  CHECK_FALSE(queue.pop(2ms));
  CHECK(queue.pop(9ms) == b);
  CHECK(queue.pop(9ms) == a);
  CHECK(queue.pop(9ms) == c);
  CHECK_FALSE(queue.pop(9ms));
  CHECK(queue.size() == 0);
}

TEST_CASE("setting a timer again moves it, cancelling forgets it") {
  TimerQueue queue;
  const TimerKey a{1, 1, 10};
  queue.set(a, 5ms);
  queue.set(a, 8ms);
  CHECK(queue.size() == 1);
  CHECK_FALSE(queue.pop(7ms));
  queue.cancel(a);
  CHECK_FALSE(queue.next());
  queue.cancel(a);
}

TEST_CASE("a round takes what was set before it, however early what is set meanwhile is due") {
  TimerQueue queue;
  const TimerKey a{1, 1, 10}, b{1, 1, 11};
  queue.set(a, 3ms);
  queue.set(b, 5ms);
  const auto mark = queue.mark();
  CHECK(queue.pop(9ms, mark) == a);
  queue.set(a, 1ms);
  CHECK(queue.pop(9ms, mark) == b);
  CHECK_FALSE(queue.pop(9ms, mark));
  CHECK(queue.next() == Instant(1ms));
  CHECK(queue.pop(9ms, queue.mark()) == a);
}
