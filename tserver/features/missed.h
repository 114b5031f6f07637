// Why a destination was not reached, in the words of everybody concerned.
#pragma once

#include <cstdint>
#include <string>

#include "tserver/model/call.h"

namespace tandem::tserver {

struct Missed {
  tlib::TErrorCode code;   // to the router
  tlib::TCallState state;  // in the events
  std::uint32_t status;    // SIP status for a caller who still waits for an answer
  std::string text;
  bool withdraw = false;                  // the leg still exists: its removal is to be ordered
  Asker asker{};                          // whose RequestReleaseCall refused it
  const tlib::KVList* reasons = nullptr;  // of that request
};

// What a SIP final status means for the call.
Missed missed(std::uint32_t status, const std::string& reason);
// The destination was given up by us: it never answered (`heard`: it rang, at least).
Missed missed_in_time(bool heard);

}  // namespace tandem::tserver
