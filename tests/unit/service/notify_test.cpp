#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "common/service/notify.h"

using namespace tandem;
using namespace std::chrono_literals;

namespace {

// A service manager's end of the socket.
class Manager {
 public:
  explicit Manager(std::string name) : name_(std::move(name)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    if (name_[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0) throw std::runtime_error("no socket");
  }
  ~Manager() {
    ::close(fd_);
    if (name_[0] == '/') ::unlink(name_.c_str());
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  std::string heard() const {
    std::array<char, 512> words;
    const auto size = ::recv(fd_, words.data(), words.size(), 0);
    return size < 0 ? "" : std::string(words.data(), static_cast<std::size_t>(size));
  }

 private:
  std::string name_;
  int fd_;
};

std::string file() {
  return (std::filesystem::temp_directory_path() / ("tandem-notify-" + std::to_string(getpid()))).string();
}

}  // namespace

TEST_CASE("the service manager hears of each step, by a path or an abstract name", "[service]") {
  for (const std::string& name : {file(), "@tandem-notify-" + std::to_string(getpid())}) {
    const Manager manager(name);
    const ServiceManager told(name, 10s);
    told.ready("TServer_1 ready:\ntlib 7000");
    CHECK(manager.heard() == "READY=1\nSTATUS=TServer_1 ready: tlib 7000");
    told.alive();
    CHECK(manager.heard() == "WATCHDOG=1");
    told.reloading();
    CHECK(manager.heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    told.stopping("3 calls are left");
    CHECK(manager.heard() == "STOPPING=1\nSTATUS=3 calls are left");
    told.status("2 calls are left");
    CHECK(manager.heard() == "STATUS=2 calls are left");
    CHECK(told.alive_every() == 5s);
  }
}

TEST_CASE("without a service manager nothing is said and no watchdog is fed", "[service]") {
  const ServiceManager nobody("", 10s);
  nobody.ready("x");
  CHECK_FALSE(nobody.alive_every());
  const ServiceManager gone("/nowhere/socket", std::nullopt);
  gone.ready("x");
  CHECK_FALSE(gone.alive_every());
}

TEST_CASE("the environment says whom to tell and how often; another process's watchdog is not ours", "[service]") {
  ::setenv("NOTIFY_SOCKET", "@x", 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::unsetenv("WATCHDOG_PID");
  CHECK(ServiceManager::from_environment().alive_every() == 15s);
  ::setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  CHECK(ServiceManager::from_environment().alive_every() == 15s);
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(ServiceManager::from_environment().alive_every());
  ::setenv("WATCHDOG_PID", "", 1);
  ::setenv("WATCHDOG_USEC", "soon", 1);
  CHECK_FALSE(ServiceManager::from_environment().alive_every());
  ::unsetenv("NOTIFY_SOCKET");
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}
