// What the core remembers: conversations, parties and legs, by value in hash maps of core.h. No behaviour here.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connector/core/conference_pool.h"
#include "connector/core/machine.h"
#include "connector/core/offer_answer.h"
#include "connector/core/session_timer.h"
#include "connector/core/treatment.h"

namespace tandem::connector {

inline constexpr int kCountBits = 39;                 // of ids that we made: the lowest
inline constexpr std::uint64_t kTopBit = 1ULL << 63;  // of ids that the T-Server made, and of legs that we made
inline constexpr std::size_t kMembershipsMax = 8;     // conversations one party may be in

// What timers are for. The subject is a party's number, a leg's for CancelGuard, 0 for the machine's own.
enum class Wait : std::uint32_t {
  Decision =
      1,     // offered: no T-Server decided; later: the provisional response is due again (RFC 3261 section 13.3.1.1)
  Ring = 2,  // called: the T-Server's ring time limit
  ForkGroup = 3,    // called: contacts of this q value rang long enough
  Session = 4,      // RFC 4028: refresh, or the end
  Glare = 5,        // our re-INVITE again after 491 (RFC 3261 section 14.1)
  CancelGuard = 6,  // a cancelled leg never got its final response
  NoServer = 7,     // no primary T-Server in reach
  PlayDigit = 8,    // a treatment: the next digit
  PlayTotal = 9,    // a treatment: all of it
  Refer = 10,       // what came of a transfer the phone asked for
  Recover = 11,     // taken up again: its next re-INVITE; 0: the next ones of all
  Farewell = 12     // of a leg: is its phone registered again?
};

// One wait of one owner: a timer that was cancelled or set again can't match any more.
struct Slot {
  std::uint32_t generation = 0;
  bool set = false;
};

enum class LegState {
  Trying,    // no final response yet
  Answered,  // incoming: 2xx given, no ACK yet
  Confirmed,
  Leaving,    // over, but its phone isn't reached yet: BYE is owed; its party doesn't know it any more
  Cancelling  // called by us, given up: its final response is awaited, its party doesn't know it any more
};

struct Leg {
  LegId id;
  PartyNo party;  // none: Cancelling, Leaving
  LegState state = LegState::Trying;
  bool incoming = false;
  std::string call_id;
  std::size_t target = 0;              // outgoing: index into Outgoing::targets
  bool retried = false;                // outgoing: sent again after 422
  bool talk = false;                   // outgoing: can be told to answer
  std::string flow;                    // taken up: the connection it was on then, which is gone
  std::string phone;                   // taken up: whose leg it is, as in Target; empty: not known
  std::string asked;                   // and who is asked now, perhaps another phone of its DN
  std::vector<std::string> strangers;  // those that were
  std::string former;                  // taken over: the Connector that had it, which is gone
  bool restored = false;               // outgoing: its INVITE is that of a process before this one
  Slot guard;

  bool is_stranger(const std::string& one) const {
    return std::find(strangers.begin(), strangers.end(), one) != strangers.end();
  }
};

enum class PartyState { Offered, Inviting, Alerting, Connected };

// A called party until it answers.
struct Outgoing {
  std::vector<Target> targets;  // by falling q
  std::size_t next = 0;         // first target not tried yet
  std::vector<LegId> legs;      // rings now
  std::string from_uri, from_display, to;
  std::vector<SipHeader> headers;
  std::string sdp;
  std::uint32_t session_expires_s = 0, min_se_s = 0;
  std::uint32_t max_forwards = 70;
  // Best response so far (RFC 3261 section 16.7).
  int status = 0;
  std::string reason;
  std::vector<std::string> contacts;
  Slot ring, group;
  Instant ring_due{0}, group_due{0};
  bool anew = false;         // rang by another Connector, whose INVITEs are given up: it is called once more
  std::uint64_t pickup = 0;  // Pickup it is about to answer by, of link generation:
  std::uint64_t pickup_generation = 0;
};

// A caller until it is answered.
struct Incoming {
  int provisional = 0;       // 0: none but 100; 180 or 183
  bool with_sdp = false;     // the provisional response carries our answer
  bool waiting = false;      // told to wait: hears ringback
  bool heard_early = false;  // hears early media, or did until its sender answered
  SessionTimer timer;
  std::string source, local_ip;
  std::uint32_t max_forwards = 70;
  Slot decision;
  std::unique_ptr<link::Offered> offered;  // as it was told, until a T-Server has said something to it
};

// The stream with one party and what was said about it.
struct Stream {
  Endpoint endpoint;             // media 0: none opened yet
  std::optional<Remote> remote;  // its last description
  Payloads can;                  // what it has shown it can do
  Payloads agreed;               // settled with it; empty: nothing yet
  Payloads described;            // in our last description
  bool announced = false;        // MediaConnect was given for what stands here
  bool watched = false;          // with watch_silence
  bool rtcp_mux = false;         // agreed on
  std::string local;             // our last description
  std::uint64_t session = 0;     // its o= session id; 0: the endpoint's number
  std::uint32_t version = 0;     // its o= version
  std::size_t line = 0;          // place of the audio line
  std::vector<sdp::Declined> others;
  std::string transport = "RTP/AVP";
};

// A treatment that runs.
struct Playing {
  Treatment machine;
  std::uint64_t command = 0;  // of link generation:
  std::uint64_t generation = 0;
  PlayNo play = 0;  // what the media room plays or records for it
  Slot digit, total;
  Instant digit_due{0}, total_due{0};
};

struct Conversation;

// A participant: one leg, one stream, and a place in one conversation or in several (a consultation).
struct Party {
  PartyNo no;
  Conversation* conversation = nullptr;  // where its sound is, unless it is parked
  bool parked = false;                   // held there, too, by command
  std::vector<Conversation*> elsewhere;  // further ones it is in, held there; in the order it left off with them
  std::unique_ptr<link::Audio> audio;    // as last ordered; none: speaks and hears
  PartyState state = PartyState::Offered;
  bool outgoing = false;
  std::string dn;
  LegId dialog;               // the one leg, once there is one
  std::uint64_t command = 0;  // Invite it answers, of link generation:
  std::uint64_t command_generation = 0;
  std::unique_ptr<Incoming> incoming;
  std::unique_ptr<Outgoing> out;
  Stream stream;

  bool held = false;              // by the phone's own offer
  bool early_media = false;       // called: sends media before it answered
  bool answer_owed = false;       // our offer went out in a 2xx, the ACK has to answer it
  bool reinviting = false;        // a re-INVITE of ours is out
  bool reinvite_wanted = false;   // with `wanted` as formats
  Payloads wanted;                // empty: as last described
  std::uint32_t codec_tries = 0;  // re-INVITEs to come to common formats with this peer
  SessionExpiry expiry;
  std::uint32_t min_se_s = 0;  // the party's Min-SE, of a 422
  Instant expires_at{0};
  Slot session, glare;

  std::unique_ptr<Playing> play;
  std::string typed;       // digits pressed that no treatment asked for yet
  std::string identity;    // who is at the phone, as it last said
  bool referring = false;  // it asked for a transfer, and is owed the outcome
  Slot refer;

  // Taken up after a restart or from another Connector: its phone doesn't answer our re-INVITE yet. The slot is also
  // that of one called anew.
  bool recovering = false;
  bool ordered = false;    // that was a T-Server's order: nobody else is to have it
  bool reclaimed = false;  // another Connector has used its dialog meanwhile
  std::uint32_t recovery_tries = 0;
  Instant recovery_ends{0};
  Slot recovery;

  bool muted() const { return audio && audio->muted(); }  // by order
  bool deaf() const { return audio && audio->deaf(); }
};

// Stands for the others in the log and in snapshots until one answers.
inline LegId first_leg(const Party& party) {
  return party.out && !party.out->legs.empty() ? party.out->legs.front() : LegId{};
}

// How a conversation can be entered by calling it, and who watches it.
struct Focus {
  ConferencePool::Conference conference;
  std::string uri;
  bool locked = false, lobby = false;
  std::vector<SubscriptionId> subscribers;
  std::string told;           // what they were told last, as version 0
  std::uint32_t version = 0;  // of what they were told
};

struct Conversation {
  ConversationNo no;
  std::string id;  // Ms-Conversation-ID
  std::uint64_t conn_id = 0;
  std::string call_uuid;
  std::uint32_t max_forwards = 70;  // least of its callers
  std::vector<Party*> parties;      // in the order they came
  std::vector<MediaMember> scene;   // as the media room was last told
  std::unique_ptr<Focus> focus;
  bool waits = false;    // who is alone here waits for somebody: hears ringback
  bool touched = false;  // something changed in this input

  bool has(const Party& party) const { return std::find(parties.begin(), parties.end(), &party) != parties.end(); }
};

// Is the party's sound there, as far as commands say?
inline bool is_here(const Party& party, const Conversation& conversation) {
  return party.conversation == &conversation && !party.parked;
}

}  // namespace tandem::connector
