#include "common/service/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace tandem {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One line of the status, whatever is in it.
std::string line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return out;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  std::optional<std::chrono::microseconds> watchdog;
  const auto limit = number<std::int64_t>(variable("WATCHDOG_USEC"));
  const auto meant = number<pid_t>(variable("WATCHDOG_PID"));
  if (limit && *limit > 0 && (!meant || *meant == getpid())) watchdog = std::chrono::microseconds(*limit);
  return {std::string(variable("NOTIFY_SOCKET")), watchdog};
}

void ServiceManager::say(const std::string& words) const {
  sockaddr_un address{};
  if (socket_.empty() || (socket_[0] != '/' && socket_[0] != '@') || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // Nobody to tell is no reason to fail.
  [[maybe_unused]] const auto sent = ::sendto(fd, words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                              reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

void ServiceManager::ready(std::string_view status) const {
  say("READY=1\nSTATUS=" + line(status));
}
void ServiceManager::status(std::string_view status) const {
  say("STATUS=" + line(status));
}
void ServiceManager::reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1000000LL + now.tv_nsec / 1000));
}
void ServiceManager::stopping(std::string_view status) const {
  say("STOPPING=1\nSTATUS=" + line(status));
}
void ServiceManager::alive() const {
  say("WATCHDOG=1");
}
std::optional<std::chrono::microseconds> ServiceManager::alive_every() const {
  if (socket_.empty() || !watchdog_) return std::nullopt;
  return *watchdog_ / 2;
}

}  // namespace tandem
