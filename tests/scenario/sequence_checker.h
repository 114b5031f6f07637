// What the events of one call on one DN may follow each other, as somebody sees them who is registered on every DN all
// the time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tserver/model/state.h"

namespace tandem::tserver::test {

class SequenceChecker {
 public:
  // Looks at one event about a call that has a ThisDN.
  void see(const tlib::Message& event);
  // Which calls are conferences: where all members are outside, no event says so.
  void note_conferences(const State& state);
  // Calls that were taken up without events start where they are.
  void take_up(const State& state);
  // The same for those of one link, whatever was seen of them.
  void take_up_anew(const State& state, LinkNo link);
  // Every (ConnID, DN) that was begun has been closed.
  void expect_closed();
  std::vector<std::string>& faults() { return faults_; }

 private:
  enum class Phase { None, Dialing, Busy, Ringing, Queued, Routed, Disconnected, Connected, Held, Closed };
  struct Track {
    Phase phase = Phase::None;
    tlib::TDNRole role = tlib::RoleUnknown;
  };
  struct Data {
    bool known = false;
    std::string bytes;
  };

  void fault(const tlib::Message& event, const std::string& what);
  static Phase next(Phase phase, const tlib::Message& event, bool& legal);
  void come_over(const tlib::Message& event, Track& track);
  void check_common(const tlib::Message& event);
  void check_data(const tlib::Message& event);

  std::map<std::pair<std::uint64_t, std::string>, Track> tracks_;
  std::map<std::uint64_t, Data> data_;
  std::map<std::uint64_t, std::string> cards_;
  std::set<std::uint64_t> conferences_, merged_;  // ConnIDs
  std::vector<std::string> faults_;
};

}  // namespace tandem::tserver::test
