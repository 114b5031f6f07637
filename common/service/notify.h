// Tells the service manager how we are: the protocol of sd_notify(3), datagrams to the socket that NOTIFY_SOCKET names.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

class ServiceManager {
 public:
  // What the environment says; nothing there: every call does nothing.
  static ServiceManager from_environment();
  ServiceManager(std::string socket, std::optional<std::chrono::microseconds> watchdog)
      : socket_(std::move(socket)), watchdog_(watchdog) {}

  void ready(std::string_view status) const;  // shown by `systemctl status`
  void status(std::string_view status) const;
  void reloading() const;  // ready() follows
  void stopping(std::string_view status) const;
  void alive() const;
  // How often alive() must come, with room for one that is late: half of what the manager waits.
  std::optional<std::chrono::microseconds> alive_every() const;

 private:
  void say(const std::string& words) const;

  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace tandem
