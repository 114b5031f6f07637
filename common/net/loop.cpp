#include "common/net/loop.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "common/net/loop_impl.h"

namespace tandem::net {
namespace {

Instant steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

EventLoop::Impl::Impl() : work(io.get_executor()), timer(io) {
  sources.push_back(this);
}

void EventLoop::Impl::fire(Instant now) {
  const std::uint64_t mark = queue.mark();
  while (const auto key = queue.pop(now, mark)) {
    const auto found = timers.find(key->subject);
    if (found == timers.end()) continue;
    Timer& due = *found->second;
    due.running_ = false;
    const Task task = std::exchange(due.task_, nullptr);
    task();
  }
}

void EventLoop::Impl::wake_at(Instant at) {
  if (at >= armed) return;
  armed = at;
  timer.expires_at(
      std::chrono::steady_clock::time_point(std::chrono::duration_cast<std::chrono::steady_clock::duration>(at)));
  timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) due();
  });
}

void EventLoop::Impl::due() {
  armed = never;
  const Instant now = steady_now();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] != nullptr) sources[i]->fire(now);
  }
  std::erase(sources, nullptr);
  for (const TimerSource* source : sources) {
    if (const auto at = source->next()) wake_at(*at);
  }
}

void EventLoop::Impl::run_turn_end() {
  turn_end_running.swap(turn_end);
  for (const Task& task : turn_end_running) task();
  turn_end_running.clear();
}

void EventLoop::Impl::wait_signal(boost::asio::signal_set& set, const Task& task) {
  set.async_wait([this, &set, task](const boost::system::error_code& error, int) {
    if (error) return;
    wait_signal(set, task);
    task();
  });
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  if (impl_->io.stopped()) impl_->io.restart();
  impl_->io.run();
}
void EventLoop::stop() {
  impl_->io.stop();
}
void EventLoop::post(Task task) {
  boost::asio::post(impl_->io, std::move(task));
}

void EventLoop::at_turn_end(Task task) {
  impl_->turn_end.push_back(std::move(task));
  if (impl_->turn_end.size() == 1) boost::asio::post(impl_->io, [impl = impl_.get()] { impl->run_turn_end(); });
}

Now EventLoop::now() const {
  return {steady_now(),
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())};
}
Instant EventLoop::steady() const {
  return steady_now();
}
double EventLoop::chance() {
  return std::uniform_real_distribution<double>(0.0, 1.0)(impl_->random);
}

void EventLoop::on_signal(int signal, Task task) {
  impl_->signals.emplace_back(impl_->io, signal);
  impl_->wait_signal(impl_->signals.back(), task);
}

boost::asio::io_context& EventLoop::context() {
  return impl_->io;
}
void EventLoop::add(TimerSource& source) {
  impl_->sources.push_back(&source);
}
void EventLoop::remove(TimerSource& source) {
  std::replace(impl_->sources.begin(), impl_->sources.end(), &source, static_cast<TimerSource*>(nullptr));
}
void EventLoop::wake_at(Instant at) {
  impl_->wake_at(at);
}

Timer::Timer(EventLoop& loop) : impl_(loop.impl()), id_(++impl_.last_id) {}
Timer::~Timer() {
  cancel();
}

void Timer::start(Instant at, EventLoop::Task task) {
  task_ = std::move(task);
  if (!running_) impl_.timers.emplace(id_, this);
  running_ = true;
  impl_.queue.set({.subject = id_}, at);
  impl_.wake_at(at);
}
void Timer::start_in(std::chrono::nanoseconds wait, EventLoop::Task task) {
  start(steady_now() + wait, std::move(task));
}

void Timer::cancel() {
  impl_.timers.erase(id_);
  if (!running_) return;
  running_ = false;
  impl_.queue.cancel({.subject = id_});
  task_ = nullptr;
}

KeyedTimers::KeyedTimers(EventLoop& loop, Fired fired) : loop_(loop), fired_(std::move(fired)) {
  loop_.add(*this);
}
KeyedTimers::~KeyedTimers() {
  loop_.remove(*this);
}

void KeyedTimers::set(const TimerKey& key, Instant at) {
  queue_.set(key, at);
  loop_.wake_at(at);
}

void KeyedTimers::fire(Instant now) {
  const std::uint64_t mark = queue_.mark();
  while (const auto key = queue_.pop(now, mark)) fired_(*key);
}

}  // namespace tandem::net
