// The T-Server's heart: one deterministic machine from inputs to effects. No socket, thread, clock, random source or
// log sink; time comes with each input. Whoever drives it carries the effects out in their order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/base/timers.h"
#include "common/log/log.h"
#include "proto/link.pb.h"
#include "proto/tlib.pb.h"
#include "tserver/model/settings.h"

namespace tandem::sync {
class Delta;
}

namespace tandem::tserver {

class Replica;  // what a backup was told by the primary

using SessionId = Id<struct SessionIdTag>;  // one client connection, chosen by the clients room
using LinkNo = std::uint32_t;               // index into Settings::links

// --- What comes in ---

struct ClientOpened {
  SessionId session;
  std::string peer;
  std::string certificate{};  // its common name, if the client showed one
};                            // transport is up; RequestRegisterClient follows
struct ClientRequest {
  SessionId session;
  tlib::Message message;
};
struct ClientClosed {
  SessionId session;
  std::string why;
};
struct LinkUp {
  LinkNo link;
  link::Hello hello;
  link::Snapshot snapshot;
};
struct LinkDown {
  LinkNo link;
  std::string why;
};
struct Happened {
  LinkNo link;
  link::Happening happening;
};
struct TimerFired {
  TimerKey key;
};
struct SettingsChanged {
  std::shared_ptr<const Settings> settings;
};
// Primary: every link comes up anew after it, with a snapshot. Backup: nothing is ordered any more.
struct RoleChanged {
  bool primary = false;
  std::uint64_t epoch = 0;  // of the primary's role
  std::string why;
  std::shared_ptr<const Replica> known{};  // Primary: what there is; null: the Connectors' snapshots must do
};

// After GiveUpRole: the role is kept all the same.
struct SwitchoverFailed {
  std::string why;
};

// How far the backup of a pair is, told to both; for operators.
struct PairReport {
  enum class Sync { Off, Joining, CaughtUp };
  Sync sync = Sync::Off;
  std::int64_t lag_ms = -1;   // how old what the backup knows is; -1: not known
  std::uint64_t records = 0;  // at the backup
  std::uint32_t links = 0;    // told to the primary: Connectors that the backup reaches
};

using Input = std::variant<ClientOpened, ClientRequest, ClientClosed, LinkUp, LinkDown, Happened, TimerFired,
                           SettingsChanged, RoleChanged, SwitchoverFailed, PairReport>;

// --- What is to be done ---

// One event for the clients in `to`. `requester`, if it is among them, alone gets the ReferenceID. The stream number is
// added per client by the clients room.
struct Deliver {
  std::shared_ptr<const tlib::Message> event;
  std::vector<SessionId> to;
  SessionId requester;
  std::int32_t reference_id = 0;
};
struct Order {
  LinkNo link;
  link::Command command;
};  // the links room numbers it on the wire with command.id as given
struct SetTimer {
  TimerKey key;
  Instant at;
};
struct CancelTimer {
  TimerKey key;
};
struct CancelAllTimers {};
struct CloseClient {
  SessionId session;
  std::string why;
};
// An operator wants the other T-Server of the pair to be primary: RoleChanged or SwitchoverFailed follows.
struct GiveUpRole {
  std::string why;
  bool force = false;  // whatever the backup knows
};
struct LogLine {
  LogLevel level;
  std::string text;
};

using Effect = std::variant<Deliver, Order, SetTimer, CancelTimer, CancelAllTimers, CloseClient, GiveUpRole, LogLine>;
using Effects = std::vector<Effect>;

class Machine {
 public:
  virtual ~Machine() = default;
  // Appends to `out`.
  virtual void handle(Input input, Now now, Effects& out) = 0;

  // --- For a backup, which is told everything once and then what inputs changed. Records under keys. ---

  using Put = std::function<void(const std::string& key, const std::string& record)>;
  virtual void begin_telling(Now now, const Put& put) = 0;
  virtual void end_telling() = 0;
  // Adds what changed since it was asked last; to be asked before effects that anybody can see are carried out.
  virtual void take_changes(Now now, sync::Delta& delta) = 0;
  struct Told {
    std::uint64_t count = 0;
    std::uint64_t checksum = 0;
  };
  virtual Told told() const = 0;
};

}  // namespace tandem::tserver
