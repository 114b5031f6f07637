// The thread in which SIP and the core run: sofia's event loop, tasks posted from other threads, and the core's timers.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/time.h"
#include "common/base/timers.h"

struct su_root_s;
struct su_timer_s;

namespace tandem::connector {

class SipLoop {
 public:
  using Task = std::function<void()>;
  static constexpr std::size_t kQueueMax = 200000;

  SipLoop();
  ~SipLoop();  // stops
  SipLoop(const SipLoop&) = delete;
  SipLoop& operator=(const SipLoop&) = delete;

  void start();  // returns when the thread runs
  // Runs everything posted before, then ends the thread. Agents must have been closed by a task before.
  void stop();

  // Runs `task` in the loop's thread, in order of posting; from any thread. False: the queue is full or the loop has
  // ended.
  bool post(Task task);
  // Runs `task` in the loop's thread and waits for it; not from that thread. False: as above.
  bool call(const Task& task);

  // The rest in the loop's thread only.

  void on_timer(std::function<void(const TimerKey&)> fired) { fired_ = std::move(fired); }
  // Called when the loop has done what was ready and is about to wait: for work that gains by being done once for many.
  void on_turn_end(Task task) { turn_end_ = std::move(task); }
  void set_timer(const TimerKey& key, Instant at);
  void cancel_timer(const TimerKey& key) { timers_.cancel(key); }
  Now now() const;
  su_root_s* root() const { return root_; }

 private:
  void run();
  void drain();
  void fire();
  void arm();

  su_root_s* root_ = nullptr;
  su_timer_s* timer_ = nullptr;
  Instant armed_{0};  // 0: not armed
  int wakeup_ = -1;
  int registered_ = -1;
  std::mutex mutex_;
  std::vector<Task> queue_;
  std::vector<Task> running_;
  bool closed_ = true;
  std::thread thread_;
  TimerQueue timers_;
  std::function<void(const TimerKey&)> fired_;
  Task turn_end_;
};

}  // namespace tandem::connector
