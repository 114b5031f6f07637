// A queue of bytes in one piece of memory: appended at the end, taken from the front. Reuses its memory; gives a large
// one back when it has become empty.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace tandem::net {

class ByteQueue {
 public:
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  std::string_view view() const { return {memory_.get() + begin_, size()}; }

  // Room for `count` more bytes; they count only after commit(). Moves what view() gave before.
  char* prepare(std::size_t count) {
    if (capacity_ - end_ < count) grow(count);
    return memory_.get() + end_;
  }
  void commit(std::size_t count) { end_ += count; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) clear();
  }
  void clear() {
    begin_ = end_ = 0;
    if (capacity_ > kept) release();
  }
  void swap(ByteQueue& other) noexcept {
    memory_.swap(other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 private:
  static constexpr std::size_t kept = 256 * 1024;  // an empty queue keeps at most this much memory

  void release() {
    memory_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  void grow(std::size_t count) {
    const std::size_t used = size();
    if (capacity_ - used >= count && begin_ >= used) {
      std::memcpy(memory_.get(), memory_.get() + begin_, used);  // enough room at the front, and no overlap
    } else {
      std::size_t wanted = capacity_ < 512 ? 1024 : capacity_ * 2;
      while (wanted - used < count) wanted *= 2;
      auto larger = std::make_unique_for_overwrite<char[]>(wanted);
      if (used > 0) std::memcpy(larger.get(), memory_.get() + begin_, used);
      memory_ = std::move(larger);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = used;
  }

  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace tandem::net
