// The arbiter of a pair on one host: a file. Whoever is primary holds a kernel lock on a byte of it, which the kernel
// lets go the moment the process dies; and writes into it again and again until when it holds the role, so that one
// that hangs loses it, too. Each primary has a term of its own, with its own byte and its own line, so that what a
// process that wakes up late still writes harms nobody.
//
// The epoch is the present time in milliseconds, or one above the last if that isn't more: so it rises even if the file
// was deleted. Local file systems only: NFS locks do not end with the process.
#pragma once

#include <string>

#include "common/base/result.h"
#include "tserver/standby/arbiter.h"
#include "tserver/standby/lock_record.h"

namespace tandem::tserver {

struct LockFileOptions {
  std::string path;
  std::string application;  // ours, told to whoever looks
  Instant lease{2s};        // held for so long after each renewal
};

class LockFile final : public Arbiter {
 public:
  // Both clocks; the steady one must be that of all processes on the host.
  using Clock = std::function<Now()>;

  LockFile(LockFileOptions options, Clock clock, Answer answer);
  ~LockFile() override;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  void acquire() override;
  void renew() override;
  void release() override;

 private:
  RoleInput try_acquire();
  RoleInput try_renew();
  Result<void, Failure> open();
  Result<LockHeader, Failure> header() const;
  LockLease lease(std::uint64_t term) const;
  bool lasts(const LockLease& held, std::uint64_t term) const;
  Result<void, Failure> write(std::int64_t at, const std::string& text) const;
  Result<bool, Failure> lock(std::uint64_t term) const;  // false: somebody has it
  void unlock(std::uint64_t term) const;
  bool replaced() const;  // another file is there by that name

  const LockFileOptions options_;
  const Clock clock_;
  const Answer answer_;
  int file_ = -1;
  std::uint64_t term_ = 0;       // held; 0: none
  std::uint64_t last_term_ = 0;  // held last
};

}  // namespace tandem::tserver
