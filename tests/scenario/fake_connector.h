// A Connector as its link shows it: it does as ordered, and what its phones do is up to the test.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "proto/link.pb.h"

namespace tandem::tserver::test {

class FakeConnector {
 public:
  struct Leg {
    link::PartyState state;
    std::string dn;
    bool outgoing;
    std::uint64_t play = 0;  // id of the command whose treatment runs, or was to run
  };
  struct Talk {
    std::uint64_t conn_id = 0;
    std::string uuid, id;
    std::string uri;  // of its conference
    bool locked = false, lobby = false;
    std::map<std::uint64_t, Leg> legs;
  };

  void obey(const link::Command& command);
  // A phone or trunk did something; the conversation ends with its last leg.
  void apply(const link::Happening& happening);
  link::Snapshot snapshot() const;
  std::map<std::uint64_t, Talk>& talks() { return talks_; }

 private:
  void remove(std::uint64_t conversation, std::uint64_t party);
  void join(Talk& from, std::uint64_t party, std::uint64_t to);
  void hold(Talk& talk, std::uint64_t party, bool on);
  void merge(std::uint64_t from, std::uint64_t into);
  void hang_up(std::uint64_t party);  // wherever it takes part

  std::map<std::uint64_t, Talk> talks_;
};

}  // namespace tandem::tserver::test
