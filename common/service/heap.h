// What the heap of this process keeps of the system.
#pragma once

#include <cstddef>

namespace tandem {

// After a burst the heap keeps what it took, perhaps for good, since something small lies at its end. Whoever asks now
// and then, each minute or so, finds when it is worth giving back.
class SpareHeap {
 public:
  struct Bytes {
    std::size_t resident = 0;
    std::size_t used = 0;  // allocated
  };
  // Whether it is worth asking how much is used: that takes the heap some milliseconds if it is in many pieces.
  bool may_have_grown(std::size_t resident) const;
  // More is kept without use than there has been: 8 MiB, and half of what is used.
  bool grown(const Bytes& now);
  // It was given back; what is left can't be.
  void gave_back(const Bytes& now);

 private:
  bool looked_ = false;
  std::size_t least_ = 0;  // kept without use, the program itself included
};

// Nothing is resident if /proc can't be read.
SpareHeap::Bytes heap_bytes();
// Looks, and gives back what is worth it: some 0.3 ms a MiB.
void tidy_heap(SpareHeap& spare);

}  // namespace tandem
