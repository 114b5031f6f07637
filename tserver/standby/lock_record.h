// What the lock file says: who holds the role, under which term and epoch, and until when. Pure.
//
// The file begins with one line for people and programs, then one short line for each of the last terms:
//   tandem 1 term 00000000000000000007 epoch 00000001795232773246 by TServer_1            #9d3c1f20
//   term 00000000000000000007 until 00000000123456789012 #0b1e77aa
// Fields have fixed places. A reader that meets a line being written sees that its check doesn't fit, and reads again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace tandem::tserver {

struct LockHeader {
  std::uint64_t term = 0;   // counts primaries; 0: there was none
  std::uint64_t epoch = 0;  // of the last one
  std::string holder;       // application name
};

struct LockLease {
  std::uint64_t term = 0;
  Instant until{0};  // host's monotonic clock; 0: given up
};

inline constexpr std::size_t kLockHeaderSize = 192;
inline constexpr std::size_t kLockLeaseSize = 72;

std::string write_header(const LockHeader& header);  // kLockHeaderSize bytes
std::string write_lease(const LockLease& lease);     // kLockLeaseSize bytes
std::optional<LockHeader> read_header(std::string_view text);
std::optional<LockLease> read_lease(std::string_view text);

}  // namespace tandem::tserver
