#include "common/net/loop.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>
#include <vector>

using namespace tandem;
using net::EventLoop;
using net::KeyedTimers;
using net::Timer;

TEST_CASE("timers of a core fire in the order of their instants") {
  EventLoop loop;
  std::vector<std::uint64_t> fired;
  KeyedTimers timers(loop, [&](const TimerKey& key) {
    fired.push_back(key.subject);
    if (key.subject == 3) loop.stop();
  });
  const Instant now = loop.steady();
  timers.set({.subject = 3}, now + 20ms);
  timers.set({.subject = 1}, now + 5ms);
  timers.set({.subject = 2}, now + 5ms);
  timers.set({.subject = 4}, now + 10ms);
  timers.cancel({.subject = 4});
  timers.set({.subject = 1}, now + 6ms);  // moved
  loop.run();
  CHECK(fired == std::vector<std::uint64_t>{2, 1, 3});
  CHECK(loop.steady() >= now + 20ms);
  CHECK(timers.size() == 0);
}

TEST_CASE("a timer may set itself again, replace its wait, and end before it fires") {
  EventLoop loop;
  int ticks = 0;
  Timer tick(loop);
  Timer never(loop);
  std::function<void()> again = [&] {
    if (++ticks == 3) return loop.stop();
    tick.start_in(1ms, again);
  };
  tick.start_in(1h, [] { FAIL("replaced"); });
  tick.start_in(1ms, again);
  never.start_in(2ms, [] { FAIL("cancelled"); });
  never.cancel();
  {
    Timer gone(loop);
    gone.start_in(1ms, [] { FAIL("gone"); });
  }
  loop.run();
  CHECK(ticks == 3);
  CHECK_FALSE(tick.running());
}

TEST_CASE("a timer that is due again at once lets everything else go on") {
  EventLoop loop;
  int others = 0, posted = 0;
  Timer always(loop), other(loop);
  std::function<void()> again = [&] {
    always.start(loop.steady() - 1s, again);
    loop.post([&] { ++posted; });
  };
  std::function<void()> tick = [&] {
    if (++others == 3 && posted > 0) return loop.stop();
    other.start_in(1ms, tick);
  };
  always.start(loop.steady(), again);
  other.start_in(1ms, tick);
  Timer limit(loop);
  limit.start_in(10s, [&] { loop.stop(); });
  loop.run();
  CHECK(others == 3);
  CHECK(posted > 0);
}

TEST_CASE("work at the end of a turn is done once all that was ready is done") {
  EventLoop loop;
  std::vector<std::string> order;
  loop.post([&] {
    loop.at_turn_end([&] { order.emplace_back("end 1"); });
    order.emplace_back("first");
  });
  loop.post([&] {
    loop.at_turn_end([&] {
      order.emplace_back("end 2");
      loop.at_turn_end([&] { loop.stop(); });
    });
    order.emplace_back("second");
  });
  loop.run();
  CHECK(order == std::vector<std::string>{"first", "second", "end 1", "end 2"});
}

TEST_CASE("tasks posted by other threads run on the loop's thread") {
  EventLoop loop;
  const auto own = std::this_thread::get_id();
  int done = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        loop.post([&] {
          CHECK(std::this_thread::get_id() == own);
          if (++done == 2000) loop.stop();
        });
      }
    });
  }
  loop.run();
  CHECK(done == 2000);
}

TEST_CASE("signals come as tasks, again and again") {
  EventLoop loop;
  int seen = 0;
  loop.on_signal(SIGHUP, [&] {
    if (++seen == 2) return loop.stop();
    std::raise(SIGHUP);
  });
  std::raise(SIGHUP);
  loop.run();
  CHECK(seen == 2);
}
