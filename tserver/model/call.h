// One call: its identity, its parties, and the one attempt to reach somebody that may be under way in it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/base/timers.h"
#include "proto/tlib.pb.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct Device;

// What T-Library clients are told of a party.
enum class PartyState : std::uint8_t { Dialing, Queued, Alerting, Connected, Held };

// What the Connector has for it.
enum class LegState : std::uint8_t { None, Offered, Inviting, Up };

// A DN that consults somebody is a party of both calls with one leg: the same PartyNo in each, Connected in one of them
// at most. Its phone's own second call is a leg of its own.
struct Party {
  PartyNo no;                // 0: no leg, a Routing Point
  Device* device = nullptr;  // null: outside this switch
  std::string address;       // of an outside party, as it is shown
  tlib::TDNRole role = tlib::RoleUnknown;
  PartyState state = PartyState::Dialing;
  LegState leg = LegState::None;
  std::string queue;               // ThisQueue: the Routing Point that delivered the call, or is this party
  std::string call_id;             // SIP Call-ID, for the log
  Instant queued_at{0};            // a Routing Point: since when the call waits there
  bool waiting = false;            // was told to wait: Admit WAITING
  bool on_hold = false;            // by command: Hold here, or active in another conversation
  bool held_by_phone = false;      // by the phone's own re-INVITE; Held is who is either of both
  PartyNo in_place_of;             // Transfer: whose place it takes when it answers
  bool leaving = false;            // it leaves now, with its DN's other parties that are marked so
  bool muted = false;              // nobody hears it
  std::optional<bool> can_answer;  // the phone can be told to, or not; unknown until it rings
  bool unannounced = false;        // invited, but its phone doesn't ring yet: its DN knows nothing of the call
  std::uint64_t joined = 0;        // rises in the order in which calls came to DNs

  const std::string& name() const;
  // It talks, or would if it were not held.
  bool up() const { return state == PartyState::Connected || state == PartyState::Held; }
};

// Who asked for something and waits for an answer. Session 0: nobody.
struct Asker {
  SessionId session;
  std::int32_t reference_id = 0;
  explicit operator bool() const { return static_cast<bool>(session); }
};

// One party being invited. A call has at most one at a time.
struct Attempt {
  enum class Purpose : std::uint8_t {
    Originator,  // RequestMakeCall calls its own DN first
    Direct,      // the destination of a call that waits nowhere: failure ends the call
    Routed,      // the destination a Routing Point was told: failure leaves the call there
    Transfer,    // takes the place of `by` when it answers: failure leaves everything as it was
    Joining,     // a further party of a call that is up: failure takes it out again
  };
  Purpose purpose = Purpose::Direct;
  PartyNo leg;
  bool heard = false;       // the Connector said something about the leg
  bool by_default = false;  // alternate routing, not an instruction
  Asker asker;              // whose request waits for the outcome: RequestRouteCall, RequestSingleStepTransfer
  PartyNo by;               // Transfer, Joining: the party that wanted it
  bool referred = false;    // Transfer: its phone asked for it, and is told the outcome
  std::string target;       // Originator: whom to call next
  std::optional<std::chrono::seconds> no_answer;   // asked for by the request
  std::optional<NoAnswerAction> no_answer_action;  // likewise
  std::optional<bool> asked_back_to_back;          // calling-method asked for
  bool back_to_back = false;                       // how the leg was called
  tlib::TCallState ringing = tlib::CallStateOk;    // of its EventRinging
  std::string cpn;                                 // CPNDigits asked for
  tlib::KVList reasons;
  std::vector<std::string> alternatives;  // contacts of a redirecting phone, not tried yet
  std::vector<std::string> tried;         // addresses of this attempt, for redirect loops
  std::optional<TimerKey> no_answer_timer;
  std::optional<TimerKey> joining_timer;
};

// What a caller who waits on a Routing Point hears, or is asked.
struct Treatment {
  tlib::TTreatmentType type = tlib::TreatmentUnknown;
  PartyNo listener;
  std::uint64_t command = 0;               // id of its link command
  std::shared_ptr<const link::Play> play;  // what was ordered: given again when somebody else has to hear it
  bool applied = false;                    // it has begun
  bool ends = false;                       // by itself, with EventTreatmentEnd
  bool answers = false;                    // the caller was answered for it
  bool prompts = false;
  bool collects = false;
  bool verifies = false;
  Asker asker;                       // until it has begun
  std::optional<TimerKey> deadline;  // to begin
};

// Called a conference with a lobby, and waits to be let in: no party yet, though the Connector has a leg of it.
struct LobbyGuest {
  PartyNo no;
  Dn dn;                // of ours, or none:
  std::string address;  // as it is shown
  std::string call_id;
  Instant until{0};
};

struct Lobby {
  std::vector<LobbyGuest> guests;  // in the order in which they came
  std::optional<TimerKey> timer;   // until the first of them has waited too long
};

// How a conference can be called and watched (MMC-229): its address lives on the Connector.
struct ConferenceAddress {
  bool asked = false;       // ordered, in this time of the link
  std::uint64_t order = 0;  // id of the last command about it
  std::string uri;          // empty: not known, or none
  bool locked = false;
  bool lobby = false;  // who calls it has to be let in
};

// A request about a call whose Connector is away: carried out when it is back.
struct Postponed {
  Asker asker;
  tlib::Message message;
  std::optional<TimerKey> timer;
};

struct Call {
  ConnId id;
  std::string uuid;
  std::int32_t call_id = 0;
  LinkNo link = 0;
  ConversationNo conversation;
  std::string conversation_id;
  ConnId main;  // of a consultation call: the call it was made from; that one may be over. None: not a consultation
  tlib::TCallType type = tlib::CallTypeUnknown;
  tlib::TMediaType media = tlib::MediaTypeVoice;
  std::string ani;     // of inbound calls
  std::string dialed;  // DNIS
  std::string from_display;
  std::string customer_id;
  tlib::KVList user_data;
  bool joint_data = false;         // a consultation call's user data are those of its main call
  std::vector<ConnId> joint;       // consultation calls that share this one's user data
  std::uint32_t redirections = 0;  // sent on to a default-dn since the last instruction
  std::list<Party> parties;        // addresses stay valid until that party leaves
  std::optional<Attempt> attempt;
  ConferenceAddress conference_address;
  Lobby lobby;
  std::optional<TimerKey> router_timer;
  std::vector<Postponed> postponed;    // in the order in which they came
  std::optional<Treatment> treatment;  // only while it waits on a Routing Point
  std::uint32_t generation = 0;        // of this call's timers
  bool contested = false;   // a Connector that is gone may have had it: whoever has it next calls its phones again
  bool unreported = false;  // straight to a DN whose direct calls are not handled: its parties have no events
  PassThrough pass_through = PassThrough::All;  // allow-pass-through-calls of the DN that left last
  std::vector<ConversationNo> merged;           // conversations that became part of this one

  Party* party(PartyNo no);
  Party* party(const Device* device);
  Party* originator();
  Party* routing_point();
  // Who waits for somebody to answer: Dialing. It may have no originator's role any more, or not be the originator.
  Party* dialing();
  // How many other real parties `self` sees. A Routing Point isn't real; who is to take a party's place, and the party
  // it takes the place of, don't see each other, and the rest don't see it yet.
  std::size_t others(const Party& self) const;
  // The one other party as `self` sees it: null if there is none or more than one. A Routing Point is seen by who
  // isn't Dialing, if nobody else is there.
  const Party* other(const Party& self) const;
  // Parties with a leg of their own that nobody is inviting: who talks, holds, or waits.
  std::size_t settled() const;
  bool invites(const Party& party) const { return attempt && party.no && attempt->leg == party.no; }
  bool conference() const;
  const Party* party(PartyNo no) const { return const_cast<Call*>(this)->party(no); }
  const Party* party(const Device* device) const { return const_cast<Call*>(this)->party(device); }
  const Party* originator() const { return const_cast<Call*>(this)->originator(); }
  const Party* routing_point() const { return const_cast<Call*>(this)->routing_point(); }
  const Party* dialing() const { return const_cast<Call*>(this)->dialing(); }
};

}  // namespace tandem::tserver
