// What a primary tells its backup: all records once, and then those that inputs changed. Pure.
#pragma once

#include <google/protobuf/arena.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "proto/sync.pb.h"
#include "tserver/model/state.h"
#include "tserver/records/record.h"

namespace tandem::tserver {

class Tracker {
 public:
  using Put = std::function<void(const std::string& key, const std::string& record)>;

  explicit Tracker(Now now) : clock_(now) {}

  // Everything there is now; what follows is told by changes().
  void begin(State& state, Now now, const Put& put);
  // Nobody listens any more.
  void end(State& state);
  bool on() const { return on_; }
  // Adds to `delta` what has changed since.
  void changes(State& state, Now now, sync::Delta& delta);

  // Of all records told so far.
  std::uint64_t count() const { return told_.size(); }
  std::uint64_t checksum() const { return checksum_; }

 private:
  struct Sink;

  void all(State& state, Sink& sink);
  void touched(State& state, Sink& sink);
  // Adds what a changed call may have changed, too: its DNs, their other calls, those it shares data with.
  void widen(State& state);
  void put_counters(const State& state, Sink& sink);
  void put_ended(ConnId id, Sink& sink);
  void put_call(const State& state, const Call& call, Sink& sink);
  void put_device(const Device& device, Sink& sink);
  void put_client(const Client& client, Sink& sink);
  void put_links(const State& state, Sink& sink);
  void put_awaited(const State& state, std::uint64_t key, const Awaited& awaited, Sink& sink);
  void put_reservation(const std::string& key, const Reservation& reservation, Sink& sink);
  // An empty one; the one before is gone.
  sync::Record& record() {
    arena_.Reset();
    return *google::protobuf::Arena::CreateMessage<sync::Record>(&arena_);
  }
  // Unless this is what was told last.
  void tell(std::string key, const sync::Record& record, Sink& sink);
  void drop(const std::string& key, Sink& sink);

  WallClock clock_;
  bool on_ = false;
  std::unordered_map<std::string, std::uint64_t> told_;  // by key: its part of the checksum
  std::uint64_t checksum_ = 0;
  std::array<char, 8192> block_{};
  google::protobuf::Arena arena_{block_.data(), block_.size()};  // of the record that is being made
  sync::Record counters_;  // told with nearly every change, so made again in the same memory
  std::string bytes_;
  const std::unordered_map<TimerKey, Instant>* deadlines_ = nullptr;
};

}  // namespace tandem::tserver
