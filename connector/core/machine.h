// The Connector's heart: conversations, parties and legs as one deterministic machine. SIP, media and link happenings come in
// as plain values, actions go out as plain values. No socket, thread, clock, random source or log sink; no sofia-sip type.
//
// A conversation is what the CTI link names; a party is one participant in it; a leg is one SIP dialog or attempt at one. A party
// called at several contacts has several legs until one answers. Each party owns one media endpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/base/timers.h"
#include "common/log/log.h"
#include "connector/core/directory.h"
#include "connector/core/media_port.h"
#include "proto/link.pb.h"

namespace tandem::connector {

using LegId = Id<struct LegIdTag>;  // incoming: chosen by the sip room; outgoing: chosen by the core (top bit set)
using LinkNo = std::uint32_t;       // one T-Server connection

struct SipHeader { std::string name; std::string value; };

// Session timer facts of a request or response (RFC 4028).
struct SessionTimer {
  std::uint32_t expires_s = 0;  // Session-Expires, 0 if absent
  std::uint32_t min_se_s = 0;   // Min-SE, 0 if absent
  enum class Refresher { Unspecified, Uac, Uas } refresher = Refresher::Unspecified;
  bool supported = false;       // peer lists "timer" in Supported
};

// --- From the sip room ---

// An INVITE outside any dialog that the front end let through. 100 was sent.
struct Invited {
  LegId leg;
  Caller caller;              // who the front end says it is
  std::string from_uri, from_display, to_uri, request_uri, call_id;
  std::string conversation_id;  // Ms-Conversation-ID, if it brought one
  std::string source;           // ip:port it came from
  std::string local_ip;         // our address it arrived at
  std::optional<std::string> sdp;
  SessionTimer timer;
  std::vector<SipHeader> headers;
};
struct Cancelled { LegId leg; std::string reason; };   // CANCEL before our final answer; the sip room sent 487 and 200
struct Acked { LegId leg; std::optional<std::string> sdp; };
struct AckMissing { LegId leg; };                       // 2xx never acknowledged; the sip room stops retransmitting
struct Progressed { LegId leg; int status; std::optional<std::string> sdp; };
struct InviteAccepted {                                 // 2xx, ACK was sent (with an answer if one was owed: see AckWith)
  LegId leg;
  std::optional<std::string> sdp;
  std::string contact_uri, to_uri, asserted_identity, call_id;
  SessionTimer timer;
};
struct InviteRejected { LegId leg; int status; std::string reason; std::vector<std::string> contacts; };
struct Reinvited { LegId leg; std::optional<std::string> sdp; SessionTimer timer; bool update; };  // re-INVITE or UPDATE in the dialog
struct ReinviteAccepted { LegId leg; std::optional<std::string> sdp; SessionTimer timer; };
struct ReinviteRejected { LegId leg; int status; std::uint32_t retry_after_s; };  // 481, 408: the dialog is gone
struct ByeReceived { LegId leg; std::string reason; };  // 200 was sent
struct LegLost { LegId leg; std::string reason; };      // the transport or the library gave it up

// --- From the media room ---

struct MediaSilent { MediaId media; };                  // nothing received for the configured time
struct DigitReceived { MediaId media; char digit; std::uint32_t duration_ms; };

// --- From the link room ---

struct LinkOpened { LinkNo link; };                     // Hello was exchanged; a Snapshot is owed
struct LinkClosed { LinkNo link; };
struct Commanded { LinkNo link; link::Command command; };  // from the acting primary only; older epochs were refused

struct CoreTimer { TimerKey key; };

using Input = std::variant<Invited, Cancelled, Acked, AckMissing, Progressed, InviteAccepted, InviteRejected, Reinvited, ReinviteAccepted,
                           ReinviteRejected, ByeReceived, LegLost, MediaSilent, DigitReceived, LinkOpened, LinkClosed, Commanded, CoreTimer>;

// --- To the sip room ---

struct SendInvite {
  LegId leg;
  Target target;
  std::string from_uri, from_display, to_uri;
  std::string conversation_id;
  std::vector<SipHeader> headers;
  std::string sdp;
  std::uint32_t session_expires_s;  // 0: no session timer asked
};
// Provisional or final response to the INVITE of an incoming leg.
struct Answer {
  LegId leg;
  int status;
  std::string reason;   // empty: the standard phrase
  std::string sdp;      // may be empty
  std::vector<SipHeader> headers;
  SessionTimer timer;   // what the 2xx says
};
struct SendCancel { LegId leg; std::string reason; };
struct SendBye { LegId leg; std::string reason; };
struct SendReinvite { LegId leg; std::string sdp; std::uint32_t session_expires_s; SessionTimer::Refresher refresher; };
struct AnswerReinvite { LegId leg; int status; std::string sdp; SessionTimer timer; std::uint32_t retry_after_s; };
struct ForgetLeg { LegId leg; };  // nothing more will be asked of it

// --- To the link room ---

struct Report { link::Happening happening; };            // to every T-Server connected
struct SendSnapshot { LinkNo link; link::Snapshot snapshot; };

struct SetCoreTimer { TimerKey key; Instant at; };
struct CancelCoreTimer { TimerKey key; };
struct CoreLog { LogLevel level; std::string text; };

using Action = std::variant<SendInvite, Answer, SendCancel, SendBye, SendReinvite, AnswerReinvite, ForgetLeg, MediaConnect, MediaBridge,
                            MediaTone, MediaClose, Report, SendSnapshot, SetCoreTimer, CancelCoreTimer, CoreLog>;
using Actions = std::vector<Action>;

class Machine {
 public:
  virtual ~Machine() = default;
  // Appends to `out`.
  virtual void handle(Input input, Now now, Actions& out) = 0;
};

}  // namespace tandem::connector
