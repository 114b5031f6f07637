// A Connector's disk, which outlives the Connector: what connector/store does with a file. It may be slow, or full for
// a while; what wasn't written when the process died is lost.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "connector/store/keeper.h"
#include "network.h"

namespace tandem::simulation {

class Disk {
 public:
  // What it still has to write, of the process that is there now.
  void begin();
  // `by` lives as long as the writes count.
  void write(Process& by, connector::KeptBytes changes);
  void be_slow(Instant each_write) { each_write_ = each_write; }
  void be_full(bool full) { full_ = full; }
  void lose() { records_.clear(); }  // another one is there instead

  const std::map<connector::KeptKey, std::string>& records() const { return records_; }
  std::chrono::microseconds last_written() const { return last_written_; }
  void in_reach(bool now) { in_reach_ = now; }
  std::chrono::microseconds reached() const { return reached_; }
  // Nothing waits to be written.
  bool idle() const { return waiting_.empty() && !busy_; }

 private:
  void turn(Process& by);
  void live(Process& by);
  void stamp(const Process& by);

  std::map<connector::KeptKey, std::string> records_;
  std::chrono::microseconds last_written_{0}, reached_{0};
  std::map<connector::KeptKey, std::string> waiting_;
  bool busy_ = false, living_ = false, full_ = false, in_reach_ = false;
  Instant each_write_{1000000};
};

}  // namespace tandem::simulation
