// One SIP dialog, or attempt at one. Turns what the library calls back with into Input values and the core's actions
// into requests and responses. Outlives the core's interest until nothing of it is under way any more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "connector/core/admission.h"
#include "connector/core/machine.h"
#include "connector/sip/gate.h"
#include "connector/sip/refer.h"
#include "connector/sip/settings.h"
#include "connector/sip/sofia.h"

namespace tandem::connector {

// Headers that most messages carry, parsed once.
struct SipCommonHeaders {
  explicit SipCommonHeaders(const SipSettings& settings);
  sofia::Home home;
  sip_allow_t* allow;
  sip_supported_t* supported;
  sip_accept_t* accept;
  sip_accept_t* info_accept;
  sip_allow_events_t* allow_events;
  sip_user_agent_t* user_agent;
  sip_server_t* server;
  sip_content_type_t* sdp_type;
  sip_require_t* require_timer;
  std::string methods;  // for the log
};

class SipLeg;

// What a leg needs of its room.
class SipLegHost {
 public:
  virtual ~SipLegHost() = default;
  virtual nta_agent_t* agent() = 0;
  virtual const SipCommonHeaders& headers() const = 0;
  virtual const SipSettings& settings() const = 0;
  virtual Logger& log() = 0;
  // Our Contact towards where `uri` leads; null: no port of ours can reach it.
  virtual const sip_contact_t* contact_towards(const std::string& uri) = 0;
  virtual Admission& admission() = 0;
  virtual Origin origin(nta_incoming_t* request) = 0;
  virtual Origin origin_of(msg_t* message) = 0;
  virtual tport_t* connection(const std::string& uri) = 0;  // to there, or being made; null: there is none
  // Of ours, this one or another for that transport and family; null: there is none.
  virtual tport_t* port(const std::string& transport, bool ipv6, std::uint16_t number) = 0;
  virtual SipLeg* named(const DialogName& name) = 0;  // null: no leg of ours
  virtual void emit(Input input) = 0;
  virtual void emit_later(Input input) = 0;  // not before the action under way has been carried out
  virtual sofia::Timer make_timer() = 0;     // in the room's thread; null: no memory
  // Nobody answered there: later calls try it last for a while.
  virtual void hop_failed(const std::string& hop) = 0;
  // Those where somebody answered lately first, else in the order given.
  virtual void prefer_answering(std::vector<std::string>& hops) = 0;
  // A caller's INVITE that was let be, as it is; null: there is none with this branch.
  virtual sofia::Incoming invite_let_be(const std::string& call_id, std::string_view branch) = 0;
  virtual void retire(LegId leg) = 0;  // nothing is under way and nobody is interested any more
  virtual void enter() = 0;            // a callback of the library begins
};

class SipLeg {
 public:
  SipLeg(SipLegHost& host, LegId id) : host_(host), id_(id) {}
  ~SipLeg();
  SipLeg(const SipLeg&) = delete;
  SipLeg& operator=(const SipLeg&) = delete;

  // An INVITE that was let in. `contact`: ours, at the port it came in by. `flow`: where to send requests if not where
  // its Contact says ("sip:ip:port;transport=tcp"), empty if there. False: the library refused; 500 was sent.
  bool accept_invite(sofia::Incoming request, const sip_t* sip, Caller peer, const sip_contact_t* contact,
                     std::string flow, SipGate::Ticket ticket);

  void came_from(const Origin& origin);  // that INVITE
  void invite(const SendInvite& order);
  // The same for a target whose host is a name: the INVITE waits for resolved(), and tries the next place when one
  // can't be reached.
  void invite_named(const SendInvite& order);
  void resolved(std::vector<std::string> hops);
  void answer(const Answer& order);
  void cancel(const std::string& reason);
  void take_cancel(const TakeCancel& order);
  void bye(const std::string& reason);
  void reinvite(const SendReinvite& order);
  void answer_reinvite(const AnswerReinvite& order);
  void answer_refer(const AnswerRefer& order);
  void notify_refer(const NotifyRefer& order);
  void talk();
  void forget();
  // A caller whose call is somebody else's now: nothing is said to him any more, but to his CANCEL, which comes here,
  // and is told as CancelStrayed. False: it is no such leg.
  bool let_be();
  bool is_let_be(const std::string& call_id, std::string_view branch) const;
  sofia::Incoming take_invite() { return std::move(invite_in_); }

  // What another process needs to go on with this dialog; none: it is neither confirmed, nor a caller's that waits for
  // its answer, nor one that our INVITE may make.
  std::optional<ha::Dialog> dialog() const;
  // The dialog as it was then. False: it can't be. Before the ports are open nothing can be sent; ports_open() says
  // that they are, and what can't go on after all is told by LegLost.
  bool restore(const ha::Dialog& record);
  void ports_open();
  void turn(const std::string& flow, const std::vector<std::string>& by = {});

  // Whose dialog the library found; null: nobody's that is a call.
  static SipLeg* of(const nta_leg_t* dialog);
  bool is(const DialogName& name) const;
  bool up() const { return state_ == State::Confirmed && !forgotten_; }
  bool ringing() const { return state_ == State::Calling && !cancelled_ && !forgotten_; }
  bool waiting() const { return state_ == State::Offered && !forgotten_; }

  LegId id() const { return id_; }
  const std::string& call_id() const { return call_id_; }
  void close();  // gives up every handle; nothing is sent any more for it by us

 private:
  enum class State {
    Idle,
    Resolving,  // our INVITE waits for an address
    Offered,    // their INVITE, not answered
    Calling,    // our INVITE, no final response
    Confirmed,  // 2xx; their ACK may be owed
    Closing,    // our BYE is under way
    Ended
  };

  static int on_request(SipLeg* self, nta_leg_t*, nta_incoming_t* request, const sip_t* sip);
  static int on_invite_ack(SipLeg* self, nta_incoming_t* request, const sip_t* sip);
  static int on_reinvite_ack(SipLeg* self, nta_incoming_t* request, const sip_t* sip);
  static int on_invite_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip);
  static int on_reinvite_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip);
  static int on_bye_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip);

  int handle_reinvite(nta_incoming_t* request, const sip_t* sip, bool update);
  static int on_notify_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip);
  static int on_talk_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip);

  int handle_bye(nta_incoming_t* request, const sip_t* sip);
  int handle_refer(nta_incoming_t* request, const sip_t* sip);
  int handle_info(nta_incoming_t* request, const sip_t* sip);
  void refuse_cancelled();
  std::string_view branch() const;  // of the INVITE that waits
  void tell_referral(int status, const std::string& reason);
  bool early_dialog(const sip_t* sip);  // true: NOTIFY with Event: talk can be sent in it
  bool renew_dialog(const sip_t* sip);
  int reply(nta_incoming_t* request, int status, tag_type_t tag = tag_null, tag_value_t value = 0);
  void invite_final(const sip_t* sip, int status);
  void acknowledge();
  void send_bye(const std::string& reason);
  void answer_offered(int status, const Answer& order);
  void overtake();
  bool continue_invite();      // theirs
  bool continue_invite_out();  // ours
  void watch_way();            // to a caller over a connection
  void way_due();
  void take_response_way();
  void take_route(const std::vector<std::string>& by);
  void settle();                      // retires the leg if its time has come
  const url_string_t* route() const;  // where requests in the dialog go, null: where the dialog says
  void fail_later(int status, std::string reason);
  bool try_next_hop();
  bool leave_hop();  // nobody there: on to the next place; false: there is none
  void watch_hop();  // does so if nothing comes in time

  // A REFER that is followed.
  struct Referral {
    sofia::Incoming request;  // until it is answered
    bool silent = false;      // no NOTIFY is wanted
    std::string event;
    int told = 0;  // status told last
    sofia::Outgoing notify;
    int next_status = 0;  // to be told once `notify` is answered, 0: nothing
    std::string next_reason;
  };

  SipLegHost& host_;
  LegId id_;
  State state_ = State::Idle;
  bool cancelled_ = false;                // we cancelled our INVITE
  bool forgotten_ = false;                // the core is through with it
  bool let_be_ = false;                   // its call is somebody else's
  bool referred_before_ = false;          // a REFER came in this dialog
  bool routed_ = false;                   // the dialog has a route set
  bool by_holder_ = false;                // which leads to the Connector that holds the phone's connection
  bool peer_updates_ = false;             // Allow: UPDATE
  bool reinvite_is_update_ = false;       // reinvite_out_
  bool reinvite_update_in_ = false;       // reinvite_in_
  std::optional<std::string> bye_waits_;  // BYE to be sent as soon as their ACK has come (RFC 3261 section 15)

  sofia::DialogLeg dialog_;
  sofia::Incoming invite_in_;
  sofia::Outgoing invite_out_;
  sofia::Incoming reinvite_in_;
  sofia::Outgoing reinvite_out_;
  sofia::Outgoing bye_;
  sofia::Outgoing talk_;
  std::optional<Referral> referral_;
  std::vector<std::string> early_tags_;  // To tags of provisional responses
  Caller peer_;                          // who is at the other end, as far as that was proved
  SipGate::Ticket ticket_;
  const sip_contact_t* contact_ = nullptr;
  std::string flow_;
  std::string call_id_;
  std::string local_, remote_;  // name and address of both sides, without tags
  bool incoming_ = false;
  bool restored_ = false;
  Origin source_;                                 // of the INVITE that waits for an answer
  std::unique_ptr<const ha::Dialog> unanswered_;  // restored, and the INVITE, theirs or ours, has no final response
  sofia::Timer way_timer_;                        // until it is known whether a caller is reached again
  int way_looks_ = 0;
  std::optional<SendInvite> named_;  // kept while there are places left to try
  std::vector<std::string> hops_;    // the next one last
  std::string hop_;                  // the one being tried
  sofia::Timer hop_timer_;           // set until anything comes from there
};

}  // namespace tandem::connector
