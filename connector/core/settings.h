// What the core needs to know of the environment: plain values, resolved from the environment file by the program. A
// changed set is handed in whole (CoreConfigured) and holds for what begins afterwards.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "connector/core/conference_names.h"

namespace tandem::connector {

struct CoreSettings {
  // Limits. Above them: 503 to a caller, CommandFailed NO_RESOURCES to a T-Server.
  std::size_t conversations_max = 10000;
  std::size_t parties_max = 25000;
  std::size_t targets_max = 16;  // contacts of one called party that are tried

  // How a waiting caller (Admit WAITING) hears ringback: 183 with SDP and our own tone, or 180 and the phone's own.
  bool early_media_waiting = true;
  // Early media of a called party goes to a caller that was told RINGING (183 in the place of 180): announcements of
  // trunks.
  bool early_media_through = true;

  // Session timers (RFC 4028). 0: none asked for, and none run unless the peer asks.
  std::uint32_t session_expires_s = 1800;
  std::uint32_t min_se_s = 90;

  bool rtcp_mux = true;         // accept RTCP on the RTP port from a party that offers it (RFC 5761)
  bool end_on_silence = true;   // MediaSilent ends the party, unless it is on hold
  std::uint32_t ptime_ms = 20;  // of our own offers

  std::chrono::milliseconds fork_group{10000};  // how long contacts of one q value ring if there are lower ones
  std::chrono::milliseconds undecided{32000};   // an offered call no T-Server decided about gets 503
  std::chrono::milliseconds without_server{
      5000};                         // no primary in reach: how long calls that aren't established are kept
  std::uint32_t retry_after_s = 10;  // Retry-After of those 503

  // Conferences that can be entered by calling them.
  ConferenceNames conferences;
  bool lobby_bypass = true;              // who calls one is let in at once
  std::size_t conference_pool_size = 0;  // made ahead of need
  bool caching = true;                   // one that is over stays for later calls
  std::uint32_t conference_uses = 0;     // calls one address serves before it is made anew, 0: any number
  bool conference_shutdown = false;      // it ends with its call, whatever `caching` says
  // Formats of our own offers, in this order: PCMU, PCMA, G722, opus.
  std::vector<std::string> codecs{"PCMU", "PCMA"};

  // What calls need to outlive the process is told (Machine::take_changes).
  bool keep_calls = false;
  std::chrono::milliseconds recovery{32000};     // how long a phone of a kept call is tried
  std::chrono::milliseconds recovery_pause{20};  // between re-INVITEs of `recovery_batch` phones
  std::size_t recovery_batch = 200;

  LogLevel log_from = LogLevel::Trace;  // lines below it are not made
};

}  // namespace tandem::connector
