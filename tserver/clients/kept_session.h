// One session that outlives its connection: numbers its events and holds them until the client has them, and knows
// which requests it has taken. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tserver/clients/session_record.h"

namespace tandem::tserver {

// Bounds of what is held for one session; beyond either the oldest events are given up.
struct KeptLimits {
  std::size_t events = 10000;
  std::size_t bytes = 4 << 20;  // of bodies
};

class KeptSession {
 public:
  explicit KeptSession(SessionRecord record);

  const SessionRecord& record() const { return record_; }
  const SessionHead& head() const { return record_.head; }
  std::size_t bytes() const { return bytes_; }

  // The next event of the stream. False: older ones that the client hasn't confirmed were given up for it.
  bool add(std::int32_t reference_id, std::shared_ptr<const std::string> body, const KeptLimits& limits);
  // An event numbered elsewhere. False: it isn't the next one.
  bool add_numbered(SessionEvent event, const KeptLimits& limits);
  // The client has everything up to `number`; what it can't have is passed over. True: that was news.
  bool confirm(std::uint64_t number);
  // Is this the first time? RequestIDs rise; a session's requests arrive in order, over however many connections.
  bool take(std::uint64_t request_id);
  // Is this connection later than all before? 0: the client doesn't say.
  bool attempt(std::uint64_t number);
  // Is everything there that a client lacks whose last event was `last_seen`?
  bool can_resume(std::uint64_t last_seen) const;
  // The first event after `last_seen` that is held; null: none.
  const SessionEvent* after(std::uint64_t last_seen) const;

  // Without a connection since then, in microseconds of the wall clock; 0: it has one.
  void set_alone_since(std::int64_t wall) { record_.head.alone_since = wall; }

  // As told by the T-Server whose session it is.
  void set_head(const SessionHead& head);

 private:
  void pop();
  bool bound(const KeptLimits& limits);

  SessionRecord record_;
  std::size_t bytes_ = 0;
};

}  // namespace tandem::tserver
