// Inside of EventLoop, for this room's own files.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <limits>
#include <list>
#include <random>
#include <unordered_map>
#include <vector>

#include "common/net/bytes.h"
#include "common/net/loop.h"

namespace tandem::net {

struct EventLoop::Impl final : EventLoop::TimerSource {
  static constexpr Instant never{std::numeric_limits<std::int64_t>::max()};

  Impl();
  // Timers of edges.
  std::optional<Instant> next() const override { return queue.next(); }
  void fire(Instant now) override;

  void wake_at(Instant at);
  void due();
  void run_turn_end();
  void wait_signal(boost::asio::signal_set& set, const Task& task);

  // Handlers that die with `io` may own Timers: what those use is declared before it. What owns sockets comes after it.
  TimerQueue queue;
  std::unordered_map<std::uint64_t, Timer*> timers;
  std::uint64_t last_id = 0;
  std::vector<TimerSource*> sources;
  ByteQueue scratch;  // plain bytes of the connection that is being read just now
  std::mt19937_64 random{std::random_device{}()};
  Instant armed = never;

  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  boost::asio::steady_timer timer;
  std::vector<Task> turn_end;
  std::vector<Task> turn_end_running;
  std::list<boost::asio::signal_set> signals;
};

}  // namespace tandem::net
