#include "common/service/heap.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace tandem {
namespace {

constexpr std::size_t kWorthIt = std::size_t{8} << 20;

std::size_t unused(const SpareHeap::Bytes& bytes) {
  return bytes.resident - std::min(bytes.resident, bytes.used);
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");  // proc(5): size and resident, in pages
  std::size_t size = 0, resident = 0;
  if (!(file >> size >> resident)) return 0;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

bool SpareHeap::may_have_grown(std::size_t resident) const {
  return !looked_ || resident > least_ + kWorthIt;
}

bool SpareHeap::grown(const Bytes& now) {
  const std::size_t kept = unused(now);
  least_ = std::exchange(looked_, true) ? std::min(least_, kept) : kept;
  return kept - least_ > kWorthIt + now.used / 2;
}

void SpareHeap::gave_back(const Bytes& now) {
  looked_ = true;
  least_ = unused(now);
}

SpareHeap::Bytes heap_bytes() {
  const auto heap = mallinfo2();
  return {resident_bytes(), heap.uordblks + heap.hblkhd};
}

void tidy_heap(SpareHeap& spare) {
  if (!spare.may_have_grown(resident_bytes()) || !spare.grown(heap_bytes())) return;
  malloc_trim(0);
  spare.gave_back(heap_bytes());
}

}  // namespace tandem
