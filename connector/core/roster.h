// A conference as its subscribers are told of it: RFC 4575, application/conference-info+xml, always the full state.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::connector {

struct RosterEntry {
  std::string user;       // URI; entries with the same one are endpoints of one user
  std::string endpoint;   // told apart by this
  std::string role;       // "organizer", "participant"
  std::string status;     // RFC 4575 section 5.7.3: "connected", "on-hold", "muted-via-focus", "alerting", ...
  bool called = false;    // we called it: dialed-out
  std::string direction;  // of its audio: "sendrecv", ...; empty: none yet
};

struct Roster {
  std::string uri;
  bool locked = false;
  bool active = true;  // false: over
  std::vector<RosterEntry> entries;
};

std::string conference_info(const Roster& roster, std::uint32_t version);

// What may stand in an XML 1.0 attribute or text, any bytes taken: the five characters as entities, what is no
// character or no UTF-8 as '?'.
std::string xml_escaped(std::string_view text);

}  // namespace tandem::connector
