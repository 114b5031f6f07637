// Requests that were passed on to a Connector and are answered when it has told what came of them; and agents that a
// routing application keeps for itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/timers.h"
#include "tserver/model/call.h"

namespace tandem::tserver {

struct Awaited {
  enum class Kind : std::uint8_t { Digits, Pickup };
  Kind kind = Kind::Digits;
  Asker asker;
  ConnId call;
  PartyNo party;
  LinkNo link = 0;
  std::uint64_t command = 0;
  std::string this_dn;
  std::string digits;
  TimerKey timer;

  // Commands are numbered on each link.
  static std::uint64_t key(LinkNo link, std::uint64_t command) {
    return (static_cast<std::uint64_t>(link) << 48) | command;
  }
};

struct Reservation {
  SessionId session;
  Instant until{0};
};

}  // namespace tandem::tserver
