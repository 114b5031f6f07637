// One thread's event loop: sockets, timers, signals, and tasks from other threads. Everything but post() and stop()
// belongs to the thread that calls run().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "common/base/time.h"
#include "common/base/timers.h"

namespace boost::asio {
class io_context;
}

namespace tandem::net {

class EventLoop {
 public:
  using Task = std::function<void()>;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop(), or an exception from a task
  void stop();  // from any thread

  // Runs `task` on the loop's thread; from any thread.
  void post(Task task);
  // Runs `task` after everything that is ready in this turn, for work that gains by being done once for many inputs.
  void at_turn_end(Task task);

  Now now() const;         // both clocks
  Instant steady() const;  // the clock timers go by
  double chance();         // uniform in [0, 1), for jitter

  // Calls `task` on the loop's thread at each such signal, in place of its default action.
  void on_signal(int signal, Task task);

  boost::asio::io_context& context();

  // Whoever has timers: asked when its next one is due, told when something is due. Used by Timer and KeyedTimers.
  class TimerSource {
   public:
    virtual ~TimerSource() = default;
    virtual std::optional<Instant> next() const = 0;
    virtual void fire(Instant now) = 0;  // everything due that was set before this round
  };
  void add(TimerSource& source);
  void remove(TimerSource& source);
  void wake_at(Instant at);  // a source has a timer due then

  struct Impl;
  Impl& impl() { return *impl_; }  // this room's own files only

 private:
  std::unique_ptr<Impl> impl_;
};

// One wait of an edge: a deadline, a pause. Ends with its owner.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(Instant at, EventLoop::Task task);  // replaces an earlier wait
  void start_in(std::chrono::nanoseconds wait, EventLoop::Task task);
  void cancel();
  bool running() const { return running_; }

 private:
  friend struct EventLoop::Impl;
  EventLoop::Impl& impl_;
  std::uint64_t id_;
  EventLoop::Task task_;
  bool running_ = false;
};

// The timers of a pure core: what it sets and cancels costs no system call.
class KeyedTimers final : private EventLoop::TimerSource {
 public:
  using Fired = std::function<void(const TimerKey&)>;

  KeyedTimers(EventLoop& loop, Fired fired);
  ~KeyedTimers() override;
  KeyedTimers(const KeyedTimers&) = delete;
  KeyedTimers& operator=(const KeyedTimers&) = delete;

  void set(const TimerKey& key, Instant at);
  void cancel(const TimerKey& key) { queue_.cancel(key); }
  std::size_t size() const { return queue_.size(); }

 private:
  std::optional<Instant> next() const override { return queue_.next(); }
  void fire(Instant now) override;

  EventLoop& loop_;
  Fired fired_;
  TimerQueue queue_;
};

}  // namespace tandem::net
