// The names a T-Server gives: ConnIDs, CallUUIDs, CallIDs, and the conversation and party ids it makes on the CTI link.
//
// ConnID: 14 bits server-id, then 50 bits that start at the process's start time (milliseconds since 2024, times 512)
// and rise by one per call. A later start begins above every ConnID of an earlier one as long as fewer than 512,000
// calls a second were made on average, so ConnIDs differ across restarts without anything stored. CallUUID: 32
// characters, the ConnID's digits behind 16 digits mixed from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace tandem::tserver {

class Identity {
 public:
  Identity(std::uint32_t server_id, Now start);

  void set_server_id(std::uint32_t server_id) { server_id_ = server_id & 0x3fff; }  // for calls from now on
  ConnId next_conn_id();
  std::int32_t next_call_id();  // from 1, never negative or 0
  // Conversations and parties share one counter; the top bit marks them as the T-Server's.
  std::uint64_t next_link_id();
  // Was this id given out by this run? Then what it named is known here, or is over.
  bool made(ConnId id) const;
  bool made_link_id(std::uint64_t id) const;
  static bool of_a_tserver(std::uint64_t link_id) { return link_id >> 63 != 0; }
  std::uint64_t start_ms() const { return start_ms_; }

  // The numbers given out by one run: those above `first` up to `last`.
  struct Range {
    std::uint64_t first_conn = 0, last_conn = 0;
    std::uint64_t first_link = 0, last_link = 0;
  };
  // Of earlier runs that this one follows, then its own.
  std::vector<Range> ranges() const;
  std::int32_t last_call_id() const { return call_; }
  // Goes on where another run stopped: what that one and those before it gave out counts as given out by this one.
  void follow(std::vector<Range> former, std::int32_t last_call_id);

 private:
  std::uint64_t start_ms_;
  std::uint32_t server_id_;
  std::uint64_t conn_, first_conn_;
  std::uint64_t link_, first_link_;
  std::int32_t call_ = 0;
  std::vector<Range> former_;
};

std::string call_uuid(ConnId id);

}  // namespace tandem::tserver
