// Everything there is to a client session that outlives its connection, as one value: whoever has it (and the model's
// client with the same SessionId) can go on with the session where it stopped. The primary's numbers are the
// session's: a backup keeps the records as they were made and numbers nothing itself.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tserver/model/kept.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

// One event as this client is sent it.
struct SessionEvent {
  std::uint64_t number = 0;                 // StreamNumber
  std::int32_t reference_id = 0;            // of the request that it answers; 0: none
  std::shared_ptr<const std::string> body;  // tlib::Message without StreamNumber and ReferenceID; shared by sessions
};

// What is small and changes often.
struct SessionHead {
  SessionId session;               // the model's client; from kFirstKeptSession on
  std::string token;               // SessionToken, a secret
  std::string holder;              // common name of the certificate that opened it; empty: none
  std::uint64_t last_number = 0;   // of the last event; the next one is one more
  std::uint64_t confirmed = 0;     // the client has everything up to here
  std::uint64_t last_request = 0;  // highest RequestID taken: this and all below have had their effect
  std::uint64_t attempt = 0;       // highest SessionAttempt
  std::int64_t alone_since = 0;    // without a connection since then: wall clock, microseconds; 0: it has one

  friend bool operator==(const SessionHead&, const SessionHead&) = default;
};

struct SessionRecord {
  SessionHead head;
  std::deque<SessionEvent> events;  // oldest first, without gaps, up to head.last_number
};

// What has happened to sessions since the last time somebody asked.
struct SessionChanges {
  struct Added {
    SessionId session;
    SessionEvent event;
  };
  std::vector<SessionHead> heads;  // as they are now, of each session that changed or is new
  std::vector<Added> events;       // in the order in which they were numbered
  std::vector<SessionId> ended;
  bool empty() const { return heads.empty() && events.empty() && ended.empty(); }
};

}  // namespace tandem::tserver
