// The lock file between processes: one holder, the kernel lets go when it dies, one that hangs loses the role.
#include "tserver/standby/lock_file.h"

#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

using namespace tandem;
using namespace tandem::tserver;

namespace {

constexpr Now kStart{100s, std::chrono::microseconds(1790000000000000)};
constexpr std::uint64_t kStartMs = 1790000000000;

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("tandem-lock-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file() const { return (path_ / "run" / "pair.lock").string(); }  // its folder is made, too

 private:
  std::filesystem::path path_;
};

// One T-Server's view of the file, with a clock of the test's own.
struct Server {
  Server(const std::string& path, const std::string& name)
      : lock(
            {path, name, 2s}, [this] { return now; }, [this](RoleInput input) { said = std::move(input); }) {}

  std::string acquire() {
    lock.acquire();
    return told();
  }
  std::string renew() {
    lock.renew();
    return told();
  }
  std::string told() const {
    if (const auto* in = std::get_if<RoleGranted>(&said))
      return "granted " + std::to_string(in->epoch - kStartMs) + (in->again ? " again" : "");
    if (const auto* in = std::get_if<RoleHeld>(&said)) return "held by " + in->by;
    if (const auto* in = std::get_if<RoleLost>(&said)) return "lost: " + in->why;
    if (const auto* in = std::get_if<ArbiterSilent>(&said)) return "silent: " + in->why;
    return std::holds_alternative<RoleRenewed>(said) ? "renewed" : "?";
  }
  void pass(std::chrono::milliseconds time) {
    now.steady += time;
    now.wall += time;
  }

  Now now = kStart;
  RoleInput said;
  LockFile lock;
};

}  // namespace

TEST_CASE("MMC-91: one of two has the role; its epochs rise") {
  const Folder folder;
  Server one(folder.file(), "TServer_1"), two(folder.file(), "TServer_2");
  CHECK(one.acquire() == "granted 0");
  CHECK(two.acquire() == "held by TServer_1");
  CHECK(one.renew() == "renewed");
  one.lock.release();
  CHECK(two.acquire() == "granted 1");  // in the same millisecond: one above the last
  CHECK(one.acquire() == "held by TServer_2");
  two.lock.release();
  one.pass(5ms);
  CHECK(one.acquire() == "granted 5");
  CHECK(one.renew() == "renewed");
}

TEST_CASE("the lock tells who has it again whether anybody had it meanwhile") {
  const Folder folder;
  Server one(folder.file(), "TServer_1"), two(folder.file(), "TServer_2");
  CHECK(one.acquire() == "granted 0");
  one.lock.release();
  CHECK(one.acquire() == "granted 1 again");
  one.lock.release();
  CHECK(two.acquire() == "granted 2");
  two.lock.release();
  CHECK(one.acquire() == "granted 3");
}

TEST_CASE("one that hangs loses the role when its time is over, and learns it when it wakes up") {
  const Folder folder;
  Server one(folder.file(), "TServer_1"), two(folder.file(), "TServer_2");
  REQUIRE(one.acquire() == "granted 0");
  two.pass(2s);
  CHECK(two.acquire() == "granted 2000");
  one.pass(5s);
  CHECK(one.renew() == "lost: TServer_2 has taken the role");
  CHECK(two.renew() == "renewed");
  CHECK(one.renew() == "lost: the lock was let go");
  two.lock.release();
  CHECK(one.acquire() == "granted 5000");
  CHECK(two.acquire() == "held by TServer_1");
}

TEST_CASE("many switchovers, each with a term of its own") {
  const Folder folder;
  Server one(folder.file(), "TServer_1"), two(folder.file(), "TServer_2");
  for (int i = 0; i < 50; ++i) {
    Server& taker = i % 2 == 0 ? one : two;
    Server& other = i % 2 == 0 ? two : one;
    REQUIRE(taker.acquire() == "granted " + std::to_string(i));
    REQUIRE(other.acquire().starts_with("held by"));
    taker.lock.release();
  }
}

TEST_CASE("a file of something else was never held; a file that was replaced is lost") {
  const Folder folder;
  std::filesystem::create_directories(std::filesystem::path(folder.file()).parent_path());
  std::ofstream(folder.file()) << "what somebody wrote by mistake\n";
  Server one(folder.file(), "TServer_1"), two(folder.file(), "TServer_2");
  CHECK(one.acquire() == "granted 0");
  CHECK(two.acquire() == "held by TServer_1");
  std::filesystem::remove(folder.file());
  CHECK(one.renew().ends_with("is another file now"));
  two.pass(1ms);
  CHECK(two.acquire() == "granted 1");
}

TEST_CASE("what is in the way is said") {
  Server one("/proc/no/such/file", "TServer_1");
  CHECK(one.acquire().starts_with("silent: can't open /proc/no/such/file: "));
}

TEST_CASE("MMC-96: kill -9: the kernel lets the lock go at once") {
  const Folder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Server one(folder.file(), "TServer_1");
    const char granted = one.acquire() == "granted 0" ? 'y' : 'n';
    if (::write(ready[1], &granted, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char granted = 0;
  REQUIRE(::read(ready[0], &granted, 1) == 1);
  CHECK(granted == 'y');
  Server two(folder.file(), "TServer_2");
  CHECK(two.acquire() == "held by TServer_1");
  ::kill(child, SIGSTOP);
  CHECK(two.acquire() == "held by TServer_1");  // it may wake up in time
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  Server again(folder.file(), "TServer_1");  // started again at once: it knows nothing of what it did
  CHECK(again.acquire() == "held by TServer_1");
  CHECK(two.acquire() == "granted 1");  // no time has passed on its clock
  CHECK(again.acquire() == "held by TServer_2");
  two.lock.release();
  CHECK(again.acquire() == "granted 2");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("who was killed and comes back to nobody has the role again when its lease is over") {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    Server one(folder.file(), "TServer_1");
    ::_exit(one.acquire() == "granted 0" ? 0 : 1);  // the lease is not given up
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
  Server again(folder.file(), "TServer_1");
  CHECK(again.acquire() == "held by TServer_1");
  again.pass(1999ms);
  CHECK(again.acquire() == "held by TServer_1");
  again.pass(1ms);
  CHECK(again.acquire() == "granted 2000");
}

TEST_CASE("a line that is being written is not read for another") {
  const std::string header = write_header({7, 1790000000000, "TServer_1"});
  REQUIRE(header.size() == kLockHeaderSize);
  REQUIRE(read_header(header));
  CHECK(read_header(header)->term == 7);
  CHECK(read_header(header)->epoch == 1790000000000);
  CHECK(read_header(header)->holder == "TServer_1");
  const std::string next = write_header({8, 1790000000001, "TServer_2"});
  for (std::size_t cut = 0; cut < header.size(); ++cut) {
    const std::string torn = next.substr(0, cut) + header.substr(cut);
    const auto read = read_header(torn);
    if (torn != header && torn != next) CHECK_FALSE(read);
  }
  CHECK_FALSE(read_header(""));
  CHECK_FALSE(read_header(header.substr(0, 100)));
  CHECK(read_lease(write_lease({7, 5s}))->until == 5s);
  CHECK_FALSE(read_lease(header));
}
