#include "connector/sip/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <stdexcept>

#include "connector/sip/sofia.h"

extern "C" {
extern void (*_su_time)(su_time_t*);  // the library's own hook: may correct the time it has read
}

namespace tandem::connector {

SipLoop::SipLoop() {
  std::signal(SIGPIPE, SIG_IGN);
  // The library waits for its timers in whole milliseconds, rounded down, and spins through the fraction that is left:
  // at moderate load a tenth of this thread's time. A clock of whole milliseconds leaves no fraction.
  _su_time = [](su_time_t* now) { now->tv_usec -= now->tv_usec % 1000; };
  if (su_init() < 0) throw std::runtime_error("sofia-sip can't be initialised");
  wakeup_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wakeup_ < 0) throw std::runtime_error("no event descriptor left");
}

SipLoop::~SipLoop() {
  stop();
  close(wakeup_);
  su_deinit();
}

void SipLoop::start() {
  std::promise<bool> up;
  auto ready = up.get_future();
  thread_ = std::thread([this, &up] {
    root_ = su_root_create(this);
    if (root_ == nullptr) {
      up.set_value(false);
      return;
    }
    su_root_threading(root_, 0);
    su_wait_t wait[1];
    su_wait_create(wait, wakeup_, SU_WAIT_IN);
    registered_ = su_root_register(
        root_, wait,
        [](su_root_magic_t*, su_wait_t*, su_wakeup_arg_t* loop) {
          loop->drain();
          return 0;
        },
        this, 0);
    timer_ = su_timer_create(su_root_task(root_), 0);
    {
      const std::lock_guard guard(mutex_);
      closed_ = false;
    }
    up.set_value(true);
    run();
  });
  if (!ready.get()) {
    thread_.join();
    throw std::runtime_error("sofia-sip's event loop can't be made");
  }
}

void SipLoop::run() {
  su_root_add_prepoll(
      root_,
      [](su_prepoll_magic_t* loop, su_root_t*) {
        if (loop->turn_end_) loop->turn_end_();
      },
      this);
  su_root_run(root_);
  su_root_remove_prepoll(root_);
  {
    const std::lock_guard guard(mutex_);
    closed_ = true;
  }
  drain();  // somebody may be waiting in call()
  su_timer_destroy(timer_);
  su_root_deregister(root_, registered_);
  su_root_destroy(root_);
  root_ = nullptr;
}

void SipLoop::stop() {
  if (!thread_.joinable()) return;
  post([this] { su_root_break(root_); });
  thread_.join();
}

bool SipLoop::post(Task task) {
  bool first = false;
  {
    const std::lock_guard guard(mutex_);
    if (closed_ || queue_.size() >= kQueueMax) return false;
    first = queue_.empty();
    queue_.push_back(std::move(task));
  }
  if (first) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wakeup_, &one, sizeof one);
  }
  return true;
}

bool SipLoop::call(const Task& task) {
  std::promise<void> done;
  auto wait = done.get_future();
  if (!post([&] {
        task();
        done.set_value();
      }))
    return false;
  wait.wait();
  return true;
}

void SipLoop::drain() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(wakeup_, &count, sizeof count);
  {
    const std::lock_guard guard(mutex_);
    running_.swap(queue_);
  }
  for (auto& task : running_) task();
  running_.clear();
}

void SipLoop::set_timer(const TimerKey& key, Instant at) {
  timers_.set(key, at);
  if (armed_ == Instant{0} || at < armed_) arm();
}

void SipLoop::arm() {
  const auto next = timers_.next();
  if (!next) {
    armed_ = Instant{0};
    su_timer_reset(timer_);
    return;
  }
  armed_ = *next;
  const auto wait = *next - now().steady;
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(wait);
  su_timer_set_interval(
      timer_, [](su_root_magic_t*, su_timer_t*, su_timer_arg_t* loop) { loop->fire(); }, this,
      whole.count() > 0 ? static_cast<su_duration_t>(whole.count()) : 1);
}

void SipLoop::fire() {
  armed_ = Instant{0};
  const Instant at = now().steady;
  const std::uint64_t mark = timers_.mark();
  while (const auto key = timers_.pop(at, mark)) {
    if (fired_) fired_(*key);
  }
  arm();
}

Now SipLoop::now() const {
  return Now{
      std::chrono::steady_clock::now().time_since_epoch(),
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())};
}

}  // namespace tandem::connector
