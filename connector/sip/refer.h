// What a REFER asks for (RFC 3515, 3892, 4488) and which dialog a Replaces names (RFC 3891).
#pragma once

#include <optional>
#include <string>

#include "connector/sip/sofia.h"

namespace tandem::connector {

// A dialog of ours as the other side names it: its To tag is ours.
struct DialogName {
  std::string call_id, our_tag, their_tag;
  bool early_only = false;
};

// None: a tag is missing.
std::optional<DialogName> read_replaces(const sip_replaces_t* header);

struct ReferRequest {
  int refusal = 0;  // final status for what can't be followed, 0: fine
  std::string why;
  std::string to;                  // URI to call, without method and headers
  std::string by;                  // Referred-By; empty: absent
  bool attended = false;           // it brought a Replaces
  std::optional<DialogName> call;  // which one; none: it can't be read
  bool silent = false;             // Refer-Sub: false, no NOTIFY is wanted
};

ReferRequest read_refer(const sip_t* sip);

// What comes of a REFER as NOTIFY's body (RFC 3420).
std::string sipfrag(int status, const std::string& reason);

}  // namespace tandem::connector
