#include "tserver/standby/lock_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

namespace tandem::tserver {
namespace {

constexpr std::uint64_t kLines = 8;           // leases of so many terms have a place
constexpr std::int64_t kLockBytes = 1 << 20;  // behind everything written; a lock needs no byte to be there
constexpr int kReads = 5;                     // of a line that is being written

Failure failed(const std::string& what, const std::string& path) {
  return Failure{what + " " + path + ": " + std::strerror(errno)};
}

std::int64_t line_of(std::uint64_t term) {
  return static_cast<std::int64_t>(kLockHeaderSize + term % kLines * kLockLeaseSize);
}

struct flock byte_of(std::uint64_t term, short type) {
  struct flock byte {};
  byte.l_type = type;
  byte.l_whence = SEEK_SET;
  byte.l_start = static_cast<off_t>(kLockBytes + static_cast<std::int64_t>(term));
  byte.l_len = 1;
  return byte;
}

}  // namespace

LockFile::LockFile(LockFileOptions options, Clock clock, Answer answer)
    : options_(std::move(options)), clock_(std::move(clock)), answer_(std::move(answer)) {}

LockFile::~LockFile() {
  if (file_ >= 0) ::close(file_);  // and its locks end
}

void LockFile::acquire() {
  answer_(try_acquire());
}
void LockFile::renew() {
  answer_(try_renew());
}

void LockFile::release() {
  if (term_ == 0) return;
  static_cast<void>(write(line_of(term_), write_lease({term_, Instant{0}})));  // the lock tells it as well
  unlock(term_);
  term_ = 0;
}

RoleInput LockFile::try_acquire() {
  if (auto opened = open(); !opened) return ArbiterSilent{opened.error().text};
  const auto known = header();
  if (!known) return ArbiterSilent{known.error().text};
  const std::uint64_t last = known->term;
  if (last > 0) {
    const auto alone = lock(last);
    if (!alone) return ArbiterSilent{alone.error().text};
    if (*alone) {
      unlock(last);  // its holder has died or given it up
      if (known->holder == options_.application && lasts(lease(last), last)) return RoleHeld{known->holder};
    } else if (const LockLease held = lease(last); held.term == last && held.until > clock_().steady) {
      return RoleHeld{known->holder};
    }
  }
  // Whoever locks the next term's byte may take it: one of all that try.
  const std::uint64_t next = last + 1;
  const auto mine = lock(next);
  if (!mine) return ArbiterSilent{mine.error().text};
  if (!*mine) return RoleHeld{"another T-Server that takes it just now"};
  const auto again = header();
  if (!again || again->term != last) {
    unlock(next);
    return again ? RoleInput(RoleHeld{again->holder}) : RoleInput(ArbiterSilent{again.error().text});
  }
  const Now now = clock_();
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(now.wall).count();
  const std::uint64_t epoch = std::max(known->epoch + 1, static_cast<std::uint64_t>(wall));
  const Instant until = now.steady + options_.lease;
  for (const auto& wrote : {write(line_of(next), write_lease({next, until})),
                            write(0, write_header({next, epoch, options_.application}))}) {
    if (wrote) continue;
    unlock(next);
    return ArbiterSilent{wrote.error().text};
  }
  const bool ours = last > 0 && last_term_ == last && known->holder == options_.application;
  term_ = last_term_ = next;
  return RoleGranted{epoch, until, ours};
}

// Who was primary until it was killed and is started again at once knows nothing any more: the other one goes first.
bool LockFile::lasts(const LockLease& held, std::uint64_t term) const {
  const Instant now = clock_().steady;
  return held.term == term && held.until > now && held.until <= now + options_.lease;  // beyond: of an earlier boot
}

RoleInput LockFile::try_renew() {
  if (term_ == 0) return RoleLost{"the lock was let go"};
  const auto known = header();
  if (!known) return ArbiterSilent{known.error().text};
  if (known->term != term_ || replaced()) {
    const std::string why =
        known->term != term_ ? known->holder + " has taken the role" : options_.path + " is another file now";
    unlock(std::exchange(term_, 0));
    return RoleLost{why};
  }
  const Instant until = clock_().steady + options_.lease;
  if (auto wrote = write(line_of(term_), write_lease({term_, until})); !wrote) return ArbiterSilent{wrote.error().text};
  return RoleRenewed{until};
}

Result<void, Failure> LockFile::open() {
  if (file_ >= 0 && replaced()) {
    ::close(std::exchange(file_, -1));
  }
  if (file_ >= 0) return {};
  std::error_code ignored;  // what is wrong, open() tells
  std::filesystem::create_directories(std::filesystem::path(options_.path).parent_path(), ignored);
  file_ = ::open(options_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file_ < 0) return failed("can't open", options_.path);
  return {};
}

bool LockFile::replaced() const {
  struct stat here {
  }, there{};
  return ::fstat(file_, &here) != 0 || ::stat(options_.path.c_str(), &there) != 0 || here.st_ino != there.st_ino ||
         here.st_dev != there.st_dev;
}

// A file that is empty, or full of something else, was never held.
Result<LockHeader, Failure> LockFile::header() const {
  std::array<char, kLockHeaderSize> text{};
  for (int i = 0; i < kReads; ++i) {
    const ssize_t size = ::pread(file_, text.data(), text.size(), 0);
    if (size < 0) return failed("can't read", options_.path);
    if (auto header = read_header({text.data(), static_cast<std::size_t>(size)})) return *header;
  }
  return LockHeader{};
}

LockLease LockFile::lease(std::uint64_t term) const {
  std::array<char, kLockLeaseSize> text{};
  for (int i = 0; i < kReads; ++i) {
    const ssize_t size = ::pread(file_, text.data(), text.size(), line_of(term));
    if (size < 0) return {};
    if (auto lease = read_lease({text.data(), static_cast<std::size_t>(size)})) return *lease;
  }
  return {};
}

Result<void, Failure> LockFile::write(std::int64_t at, const std::string& text) const {
  if (::pwrite(file_, text.data(), text.size(), at) != static_cast<ssize_t>(text.size()))
    return failed("can't write", options_.path);
  return {};
}

Result<bool, Failure> LockFile::lock(std::uint64_t term) const {
  struct flock byte = byte_of(term, F_WRLCK);
  if (::fcntl(file_, F_OFD_SETLK, &byte) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return failed("can't lock", options_.path);
}

void LockFile::unlock(std::uint64_t term) const {
  struct flock byte = byte_of(term, F_UNLCK);
  ::fcntl(file_, F_OFD_SETLK, &byte);
}

}  // namespace tandem::tserver
