// Messages from one thread to another, in order, with a descriptor that becomes readable when there are some.
#pragma once

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "connector/media/fd.h"

namespace tandem::connector::media {

enum class Waking { Yes, No };  // No: the reader looks when it pleases

template <class Message>
class Mailbox {
 public:
  explicit Mailbox(Waking waking = Waking::Yes)
      : wake_(waking == Waking::Yes ? ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1) {
    if (waking == Waking::Yes && !wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  void post(Message message) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = messages_.empty();
      messages_.push_back(std::move(message));
    }
    if (first && wake_) wake();
  }

  // Takes all there is into `out`, which is emptied before. Both vectors keep their memory.
  void take(std::vector<Message>& out) {
    out.clear();
    std::uint64_t count = 0;
    // Before the swap: a message posted between both wakes us again, needlessly at worst.
    if (wake_) {
      [[maybe_unused]] const auto ignored = ::read(wake_.get(), &count, sizeof count);
    }
    const std::lock_guard lock(mutex_);
    messages_.swap(out);
  }

  int descriptor() const { return wake_.get(); }

 private:
  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto ignored = ::write(wake_.get(), &one, sizeof one);
  }

  std::mutex mutex_;
  std::vector<Message> messages_;
  Fd wake_;
};

}  // namespace tandem::connector::media
