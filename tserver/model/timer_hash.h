// Timers by key.
#pragma once

#include <cstdint>
#include <functional>

#include "common/base/timers.h"

template <>
struct std::hash<tandem::TimerKey> {
  std::size_t operator()(const tandem::TimerKey& key) const noexcept {
    const std::uint64_t what = std::uint64_t{key.kind} << 32 | key.generation;
    return std::hash<std::uint64_t>{}((key.subject ^ what * 0xbf58476d1ce4e5b9ULL) * 0x9e3779b97f4a7c15ULL);
  }
};
