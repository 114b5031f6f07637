// The Connector's heart: conversations, parties and legs as one deterministic machine. SIP, media and link happenings
// come in as plain values, actions go out as plain values. No socket, thread, clock, random source or log sink; no
// sofia-sip type.
//
// A conversation is what the CTI link names; a party is one participant in it; a leg is one SIP dialog or attempt at
// one. A party called at several contacts has several legs until one answers. Each party owns one media endpoint.
//
// What the sip room and the core owe each other: every Invited and every SendInvite begins a leg; ForgetLeg ends it, is
// sent exactly once for each and is the core's last word. SendBye or a final Answer may come right before it: the sip
// room then finishes alone (a BYE waits for the ACK of our 2xx or timer H, RFC 3261 section 15). After ForgetLeg the
// sip room reports nothing of that leg; a 2xx that comes all the same, or a further 2xx of a forked INVITE, it answers
// with ACK and BYE itself. Late or repeated inputs do no harm.
#pragma once

#include <cstdint>
#include <memory>
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
#include "connector/core/settings.h"
#include "proto/ha.pb.h"
#include "proto/link.pb.h"

namespace tandem::connector {

using LegId = Id<struct LegIdTag>;  // incoming: chosen by the sip room; outgoing: chosen by the core (top bit set)
using LinkNo = std::uint32_t;       // one T-Server connection
using SubscriptionId = Id<struct SubscriptionIdTag>;  // a subscription to a conference's state, chosen by the sip room

struct SipHeader {
  std::string name;
  std::string value;
};

// Session timer facts of a request or response (RFC 4028).
struct SessionTimer {
  std::uint32_t expires_s = 0;  // Session-Expires, 0 if absent
  std::uint32_t min_se_s = 0;   // Min-SE, 0 if absent
  enum class Refresher { Unspecified, Uac, Uas } refresher = Refresher::Unspecified;
  bool supported = false;  // peer lists "timer" in Supported
};

// --- From the sip room ---

// An INVITE outside any dialog that the front end let through. 100 was sent.
struct Invited {
  LegId leg;
  Caller caller;  // who the front end says it is
  std::string from_uri, from_display, to_uri, call_id;
  std::string request_uri;      // as Admission::called() gives it: DN, number or URI
  std::string conversation_id;  // Ms-Conversation-ID, if it brought one
  std::string source;           // ip:port it came from
  std::string local_ip;         // our address it arrived at
  std::optional<std::string> sdp;
  SessionTimer timer;
  std::vector<SipHeader> headers;   // those the T-Server may want to see
  std::uint32_t max_forwards = 70;  // as received; calls that come of this one carry one less
  // Replaces (RFC 3891): the leg it names. One that names none of ours, or an early one where early-only says no, never
  // gets here: the sip room refused it with 481 or 486.
  LegId replaces;
};
// CANCEL before a final answer of ours went out; the sip room sent 200 and 487. An Answer on its way meanwhile is
// dropped.
struct Cancelled {
  LegId leg;
  std::string reason;
  std::string branch = {};  // the INVITE's
};
// CANCEL of an INVITE that isn't known here, or whose leg was dropped: the sip room sent 481, or 487.
struct CancelStrayed {
  std::string call_id, branch, reason;
};
struct Acked {
  LegId leg;
  std::optional<std::string> sdp;
};
struct AckMissing {
  LegId leg;
};  // 2xx (also of a re-INVITE) never acknowledged; the sip room stops retransmitting
struct Progressed {
  LegId leg;
  int status;
  std::optional<std::string> sdp;
  bool talk = false;  // Allow-Events lists talk: the phone can be told to answer
};
struct InviteAccepted {  // 2xx, ACK was sent; every INVITE of ours carries an offer
  LegId leg;
  std::optional<std::string> sdp;
  std::string contact_uri, to_uri, asserted_identity, call_id;
  SessionTimer timer;
};
// Final refusal, also 408 by timer B, 487 after a CANCEL, 503 where it couldn't be sent. `min_se_s`: of a 422.
struct InviteRejected {
  LegId leg;
  int status;
  std::string reason;
  std::vector<std::string> contacts;
  std::uint32_t min_se_s = 0;
};
struct Reinvited {
  LegId leg;
  std::optional<std::string> sdp;
  SessionTimer timer;
  bool update;
  std::string asserted_identity;  // P-Asserted-Identity, where it may be believed; else empty
};                                // re-INVITE or UPDATE in the dialog
struct ReinviteAccepted {
  LegId leg;
  std::optional<std::string> sdp;
  SessionTimer timer;
};
struct ReinviteRejected {
  LegId leg;
  int status;
  std::uint32_t retry_after_s;
  std::uint32_t min_se_s = 0;
};  // 481, 408: the dialog is gone
struct ByeReceived {
  LegId leg;
  std::string reason;
};  // 200 was sent
struct LegLost {
  LegId leg;
  std::string reason;
};  // the transport or the library gave it up

// REFER in the dialog (RFC 3515, with RFC 3891's Replaces). AnswerRefer is owed, and NotifyRefer after a 202.
struct ReferAsked {
  LegId leg;
  std::string refer_to;  // as the front end's called() gives it: DN, number or URI
  std::string referred_by;
  LegId replaces;                 // attended: the leg of ours its Replaces names
  bool replaces_unknown = false;  // attended, but no leg of ours
};
// A digit by INFO (application/dtmf-relay or application/dtmf). 200 was sent.
struct InfoDigit {
  LegId leg;
  char digit;
  std::uint32_t duration_ms;
};
// The NOTIFY of SendTalk was refused, or the leg has no early dialog to send it in (status 0).
struct TalkRefused {
  LegId leg;
  int status;
};
// SUBSCRIBE with Event: conference (RFC 4575) to a URI the front end has nobody else for. AnswerSubscription is owed.
// Refreshes and ends the sip room handles itself; a refresh is told again as ConferenceSubscribed with the same id,
// which only asks for the whole state anew.
struct ConferenceSubscribed {
  SubscriptionId subscription;
  std::string uri;         // as called() gives it
  std::string subscriber;  // as invited() would give it
};
struct ConferenceUnsubscribed {
  SubscriptionId subscription;
};

// --- From the media room ---

struct MediaSilent {
  MediaId media;
};  // nothing received for the configured time
struct DigitReceived {
  MediaId media;
  char digit;
  std::uint32_t duration_ms;
};

struct MediaPlayed {
  MediaId media;
  PlayNo play = 0;
  bool failed = false;
  std::string text;  // why
};
struct MediaRecorded {
  MediaId media;
  PlayNo play = 0;
  enum class End { Ordered, Limit, Silence, Failed } end = End::Ordered;
  std::string recording;
  std::uint32_t duration_ms = 0;
  std::string text;  // Failed: why
};

// --- From the link room ---

struct LinkOpened {
  LinkNo link;
  bool primary = true;
};  // Hello was exchanged; a Snapshot is owed
struct LinkRole {
  LinkNo link;
  bool primary;
};  // a T-Server told another role than before
struct LinkClosed {
  LinkNo link;
};
struct Commanded {
  LinkNo link;
  link::Command command;
};  // from the acting primary only; older epochs were refused

// Before any other input, or by command: calls that were here, or on another Connector, before. Their legs are restored
// at once; re-INVITEs go out after PortsOpened.
struct CallsKept {
  std::shared_ptr<const std::vector<ha::Record>> records;
  bool held_back = false;  // somebody else may have them: phones aren't called before a T-Server says Resume
};
struct PortsOpened {
  bool held_back = false;  // as above: taking calls up took long itself
};

struct CoreTimer {
  TimerKey key;
};
struct CoreConfigured {
  std::shared_ptr<const CoreSettings> settings;
};
struct CoreStopping {};  // the process ends: every party leaves with cause SHUTDOWN

using Input = std::variant<Invited, Cancelled, CancelStrayed, Acked, AckMissing, Progressed, InviteAccepted,
                           InviteRejected, Reinvited, ReinviteAccepted, ReinviteRejected, ByeReceived, LegLost,
                           ReferAsked, InfoDigit, TalkRefused, ConferenceSubscribed, ConferenceUnsubscribed,
                           MediaSilent, DigitReceived, MediaPlayed, MediaRecorded, LinkOpened, LinkRole, LinkClosed,
                           Commanded, CallsKept, PortsOpened, CoreTimer, CoreConfigured, CoreStopping>;

// --- To the sip room ---

struct SendInvite {
  LegId leg;
  Target target;
  std::string from_uri, from_display, to_uri;
  std::string conversation_id;
  std::vector<SipHeader> headers;
  std::string sdp;
  std::uint32_t session_expires_s;  // 0: no session timer asked
  std::uint32_t min_se_s = 0;       // Min-SE, 0: absent
  std::uint32_t max_forwards = 70;
  std::string call_id;  // Call-ID to use
};
// Provisional or final response to the INVITE of an incoming leg.
struct Answer {
  LegId leg;
  int status;
  std::string reason;  // empty: the standard phrase
  std::string sdp;     // may be empty
  std::vector<SipHeader> headers;
  SessionTimer timer;                 // what the 2xx says; a 422 says min_se_s
  std::vector<std::string> contacts;  // 3xx: URIs for Contact
};
// `reason` here and below: value of the Reason header (RFC 3326), empty: none.
struct SendCancel {
  LegId leg;
  std::string reason;
};  // its final response is still reported
// The CANCEL of an incoming INVITE that came to another Connector. If the branch is the INVITE's, Cancelled follows.
struct TakeCancel {
  LegId leg;
  std::string branch, reason;
};
struct SendBye {
  LegId leg;
  std::string reason;
};  // its response is not reported
struct SendReinvite {
  LegId leg;
  std::string sdp;
  std::uint32_t session_expires_s;
  SessionTimer::Refresher refresher;
  std::uint32_t min_se_s = 0;
  bool overtake = false;  // somebody else has used the dialog meanwhile: numbered far above what went before
};
// Final response to a re-INVITE or UPDATE. A 422 says timer.min_se_s; the ACK of a re-INVITE's 2xx comes as Acked.
struct AnswerReinvite {
  LegId leg;
  int status;
  std::string sdp;
  SessionTimer timer;
  std::uint32_t retry_after_s;
};
// 202 for a transfer that is under way now, or the refusal.
struct AnswerRefer {
  LegId leg;
  int status;
  std::string reason;
};
// NOTIFY with a sipfrag body; a final status ends the implicit subscription.
struct NotifyRefer {
  LegId leg;
  int status;
  std::string reason;
};
// NOTIFY with Event: talk in the early dialog of an outgoing leg.
struct SendTalk {
  LegId leg;
};
struct AnswerSubscription {
  SubscriptionId subscription;
  int status;  // 200, then the first NotifyConference follows; or the refusal
};
// NOTIFY with application/conference-info+xml (RFC 4575): the whole state each time. One that can't go out yet, since
// the one before isn't answered, is replaced by the next.
struct NotifyConference {
  SubscriptionId subscription;
  std::string body;
  bool terminated = false;  // the conference is over: Subscription-State: terminated;reason=noresource
};
struct ForgetLeg {
  LegId leg;
};  // nothing more will be asked of it
// A leg as it was before the process died, or on another Connector. Nothing is sent for it until another action asks
// so, but an INVITE that had no response at all. One with `dialog.invite` goes on as SendInvite does, and hears what
// its phone says.
struct RestoreLeg {
  LegId leg;
  ha::Dialog dialog;
};
// Its dialog is somebody else's now: nothing is sent for it, and nothing more will be asked of it. The CANCEL of a caller
// who waits still comes here (CancelStrayed).
struct DropLeg {
  LegId leg;
};
// Where the phone of a restored leg is now: on a connection of ours, or of another Connector, to which a route leads.
struct TurnLeg {
  LegId leg;
  std::string flow;                  // "sip:ip:port;transport=tls"
  std::vector<std::string> route{};  // if not empty: Route values, topmost first; beats flow
};

// --- To the link room ---

struct Report {
  link::Happening happening;
};  // to every T-Server connected
struct SendSnapshot {
  LinkNo link;
  link::Snapshot snapshot;
};

// --- To the front end ---

struct LearnLocation {
  link::Registration registration;
};  // bindings of an address of record held by another Connector

struct SetCoreTimer {
  TimerKey key;
  Instant at;
};
struct CancelCoreTimer {
  TimerKey key;
};
struct CoreLog {
  LogLevel level;
  std::string text;
};

using Action = std::variant<SendInvite, Answer, SendCancel, TakeCancel, SendBye, SendReinvite, AnswerReinvite,
                            AnswerRefer, NotifyRefer, SendTalk, AnswerSubscription, NotifyConference, ForgetLeg,
                            RestoreLeg, DropLeg, TurnLeg, MediaConnect, MediaScene, MediaPlay, MediaRecord, MediaDigits,
                            MediaClose, Report, SendSnapshot, LearnLocation, SetCoreTimer, CancelCoreTimer, CoreLog>;
using Actions = std::vector<Action>;

// How much there is.
struct CoreCounts {
  std::size_t conversations = 0;
  std::size_t parties = 0;
  std::size_t connected = 0;  // of them
};

// A record of what survives the process, put in the place of the one before, or gone.
struct KeptChange {
  ha::Record record;  // of a party: without its dialog, or those of its forks, which `legs` have
  bool gone = false;  // nothing but the number counts
  std::vector<LegId> legs;
};

class Machine {
 public:
  virtual ~Machine() = default;
  // Appends to `out`.
  virtual void handle(Input input, Now now, Actions& out) = 0;
  virtual CoreCounts counts() const = 0;
  // Is a primary T-Server connected?
  virtual bool in_reach() const { return false; }

  // --- What survives: asked for every few milliseconds while something changes ---

  virtual bool changed() const { return false; }
  // Appends what may differ since it was asked last, conversations first. Some of it may be as it was.
  virtual void take_changes(Now, std::vector<KeptChange>&) {}
  // T-Servers have to be told all of it.
  virtual bool tell_all() { return false; }
  // All of it counts as changed.
  virtual void all_changed() {}
};

// `incarnation`: of this start of the process, as told in Hello. `own`: ids are made of its 24 lowest bits, which no
// other Connector should have, since calls move between Connectors with theirs. Directory and allocator are asked in
// handle() only and must outlive the machine.
std::unique_ptr<Machine> make_core(CoreSettings settings, Directory& directory, MediaAllocator& media,
                                   std::uint64_t incarnation, std::uint64_t own);

}  // namespace tandem::connector
