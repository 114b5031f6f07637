// What an input may have changed, for whoever keeps a backup in step. Marks are generous: what is marked is looked at
// again and told only if it differs. Off, nothing is marked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct Call;
struct Device;

class Touched {
 public:
  bool on = false;

  void call(ConnId id) {
    if (on) mark(calls_, id);
  }
  // Its service state and settings aren't told.
  void device(const Device& device) {
    if (on) mark(devices_, &device);
  }
  void client(SessionId session) {
    if (on) mark(clients_, session);
  }
  void awaited(std::uint64_t key) {
    if (on) mark(awaited_, key);
  }
  void reservation(const std::string& key) {
    if (on) mark(reservations_, key);
  }
  void ended(ConnId id) {
    if (on) mark(ended_, id);
  }
  void links() { links_ = true; }
  // More changed than can be said one by one. Devices may be gone.
  void everything() { everything_ = true; }

  void clear() {
    calls_.clear();
    devices_.clear();
    clients_.clear();
    awaited_.clear();
    reservations_.clear();
    ended_.clear();
    links_ = everything_ = false;
  }

 private:
  friend class Tracker;

  template <class T>
  static void mark(std::vector<T>& marks, const T& mark) {
    if (std::find(marks.rbegin(), marks.rend(), mark) == marks.rend()) marks.push_back(mark);
  }

  std::vector<ConnId> calls_;
  std::vector<const Device*> devices_;
  std::vector<SessionId> clients_;
  std::vector<std::uint64_t> awaited_;
  std::vector<std::string> reservations_;
  std::vector<ConnId> ended_;
  bool links_ = false, everything_ = false;
};

}  // namespace tandem::tserver
