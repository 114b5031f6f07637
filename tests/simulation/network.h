// Processes that die, stand still and start anew; and what they say to each other: in order within one connection, or
// each message for itself, late, and not at all while the way is cut.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "schedule.h"

namespace tandem::simulation {

class Network;

// A program on a host of its own.
class Process {
 public:
  Process(Network& network, std::string name);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  virtual ~Process() = default;

  const std::string& name() const { return name_; }
  std::size_t host() const { return host_; }
  bool alive() const { return alive_; }
  bool paused() const { return alive_ && paused_until_ > schedule_.steady(); }
  std::uint32_t life() const { return life_; }  // counts starts
  // As this host sees it: its wall clock may be some seconds off.
  Now now() const;
  void set_clock(std::chrono::microseconds ahead) { ahead_ = ahead; }

  void launch();
  void kill();               // as by kill -9: the kernel closes its connections
  void pause(Instant time);  // as by SIGSTOP: what comes meanwhile waits
  // In this life of the process, once it isn't paused; else never.
  void run(Action action);
  void later(Instant delay, Action action);
  void trace(const std::string& what) { schedule_.trace(name_, what); }
  void fault(const std::string& what) { schedule_.fault(name_ + ": " + what); }

 protected:
  virtual void started() = 0;
  virtual void ended() = 0;

  Network& network_;
  Schedule& schedule_;

 private:
  void resume();

  std::string name_;
  std::size_t host_;
  bool alive_ = false;
  std::uint32_t life_ = 0;
  Instant paused_until_{0};
  std::chrono::microseconds ahead_{0};
  std::deque<Action> backlog_;
};

// One way from a process to another. What is sent while the way is cut waits until it is whole again, or is lost after
// `patience`. As datagrams, what takes long is overtaken.
class Pipe {
 public:
  enum class Kind { Ordered, Datagrams };
  Pipe(Network& network, Process& from, Process& to, Kind kind = Kind::Ordered);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // `arrive` is run by the network, whatever has become of the receiver.
  void send(Action arrive, Instant patience = Instant{0}, Action lost = {});
  void heal();
  bool leads(std::size_t from, std::size_t to) const { return from_ == from && to_ == to; }
  void not_before(Instant when) { last_ = std::max(last_, when); }

 private:
  friend class Network;
  struct Item {
    std::uint64_t no;
    Action arrive, lost;
  };
  std::deque<Item>::iterator find(std::uint64_t no);
  void plan(std::uint64_t no);
  void arrive(std::uint64_t no);

  Network& network_;
  const std::size_t from_, to_;
  const Kind kind_;
  Instant last_{0};
  std::uint64_t sent_ = 0;
  std::deque<Item> queue_;             // in the order they were sent
  std::vector<std::uint64_t> missed_;  // arrivals that the cut prevented
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

// A TCP connection. Side 0 is who connected.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  using Closed = std::function<void(const std::string& why)>;

  Stream(Network& network, Process& a, Process& b);
  ~Stream();

  void on_closed(int side, Closed closed) { sides_[side].closed = std::move(closed); }
  // `deliver` runs at the other side, if that is still open then.
  void send(int side, Action deliver);
  // After what was sent; this side hears nothing more.
  void close(int side);
  bool open(int side) const { return sides_[side].open; }
  // Whether this side has heard all that the other one ever sent.
  bool heard_all(int side) const { return sent_[1 - side] == arrived_[side]; }
  void not_before(int side, Instant when) { pipes_[side].not_before(when); }
  Process& process(int side) const { return *sides_[side].process; }

 private:
  struct Side {
    Process* process;
    bool open = true;
    Closed closed;
  };
  Side sides_[2];
  Pipe pipes_[2];  // from side n
  std::uint64_t sent_[2] = {0, 0}, arrived_[2] = {0, 0};
  Network& network_;
};
using StreamPtr = std::shared_ptr<Stream>;

class Network {
 public:
  Network(Schedule& schedule, std::uint64_t seed, Instant latency, Instant spike)
      : schedule_(schedule), random_(seed), latency_(latency), spike_(spike) {}

  Schedule& schedule() { return schedule_; }
  Instant delay();
  void cut(const Process& from, const Process& to);  // one way
  void heal(const Process& from, const Process& to);
  void heal_all();
  bool is_cut(std::size_t from, std::size_t to) const { return cuts_.contains({from, to}); }
  // Drops all that is on its way, with the connections it holds.
  void end();
  // Changes whenever that way is cut.
  std::uint32_t cut_count(std::size_t from, std::size_t to) const;

  // `accepted` at the other, then `connected` here; or `failed`.
  void connect(Process& from, Process& to, std::function<void(StreamPtr)> accepted,
               std::function<void(StreamPtr)> connected, Action failed);

 private:
  friend class Process;
  friend class Pipe;
  friend class Stream;
  std::size_t new_host() { return hosts_++; }
  void died(Process& process);

  Schedule& schedule_;
  Random random_;
  Instant latency_, spike_;
  std::size_t hosts_ = 0;
  std::map<std::pair<std::size_t, std::size_t>, bool> cuts_;
  std::map<std::pair<std::size_t, std::size_t>, std::uint32_t> counts_;
  std::vector<Pipe*> pipes_;
  std::vector<Stream*> streams_;
};

}  // namespace tandem::simulation
