// The machine of machine.h. One class, since all of it is one state; its member functions are split over files by
// subject:
//   core.cpp (ends, timers, log) · offered.cpp (callers) · invite.cpp (called parties) · dialog.cpp (re-INVITE, session
//   timers) · audio.cpp (streams) · scenes.cpp (who hears whom) · membership.cpp (who is in which conversation) ·
//   play.cpp (treatments) · phone.cpp (digits, talk, REFER) · focus.cpp (conferences) · command.cpp (T-Server's
//   commands) · servers.cpp (links, snapshot, fallback) · keeping.cpp (what survives the process) · recovery.cpp (calls
//   that were here before) · ringing.cpp (phones that rang before) · farewell.cpp (BYE, once a phone is reached)
#pragma once

#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "connector/core/roster.h"
#include "connector/core/state.h"

namespace tandem::connector {

bool one_line(std::string_view text);  // no control characters

class Core final : public Machine {
 public:
  Core(CoreSettings settings, Directory& directory, MediaAllocator& media, std::uint64_t incarnation,
       std::uint64_t own);
  void handle(Input input, Now now, Actions& out) override;
  CoreCounts counts() const override;
  bool in_reach() const override { return in_reach_; }
  bool changed() const override { return tell_all_ || !kept_parties_.empty() || !kept_conversations_.empty(); }
  void take_changes(Now now, std::vector<KeptChange>& out) override;
  void all_changed() override;
  bool tell_all() override { return std::exchange(tell_all_, false); }

 private:
  // Why a party ends, or leaves a conversation, and what is said of it.
  struct End {
    link::Left::Cause cause = link::Left::BYE;
    std::string reason;  // for the T-Server and the log
    std::uint64_t command = 0;
    int status = 480;  // final status for a caller not answered yet; Failed's for a called party
    std::string phrase;
    std::string wire_reason;            // Reason header of BYE and CANCEL
    std::vector<std::string> contacts;  // 3xx
    bool retry_after = false;
    bool gone = false;      // its dialog has ended already: nothing is sent to it
    bool disowned = false;  // its dialog is somebody else's: no word to anybody
    bool replaced = false;  // disowned, by what we had in a former run: nobody is told to stop ringing either
  };

  // --- Inputs ---
  void on(Invited& input);
  void on(Cancelled& input);
  void on(CancelStrayed& input);
  void on(Acked& input);
  void on(AckMissing& input);
  void on(Progressed& input);
  void on(InviteAccepted& input);
  void on(InviteRejected& input);
  void on(Reinvited& input);
  void on(ReinviteAccepted& input);
  void on(ReinviteRejected& input);
  void on(ByeReceived& input);
  void on(LegLost& input);
  void on(MediaSilent& input);
  void on(DigitReceived& input);
  void on(LinkOpened& input);
  void on(LinkRole& input);
  void on(LinkClosed& input);
  void on(Commanded& input);
  void on(CallsKept& input);
  void on(PortsOpened& input);
  void on(CoreTimer& input);
  void on(CoreConfigured& input);
  void on(CoreStopping& input);
  void on(ReferAsked& input);
  void on(InfoDigit& input);
  void on(TalkRefused& input);
  void on(ConferenceSubscribed& input);
  void on(ConferenceUnsubscribed& input);
  void on(MediaPlayed& input);
  void on(MediaRecorded& input);

  // --- Commands ---
  using Code = link::CommandFailed;
  void admit(Party& party, Conversation& conversation, const link::Command& command);
  void reject(Party& party, const link::Command& command);
  void invite(const link::Command& command);
  void remove(Party& party, Conversation& conversation, const link::Command& command);
  void release(Conversation& conversation, const link::Command& command);
  void hold(Party& party, Conversation& conversation, bool on);
  void join(Party& party, const link::Command& command);
  void merge(Conversation& from, const link::Command& command);
  void set_audio(Party& party, const link::Audio& audio);
  void play(Party& party, const link::Command& command);
  void send_digits(Party& party, const link::Command& command);
  void pickup(Party& party, const link::Command& command);
  void refer(Party& party, const link::Command& command);
  void conference(Conversation& conversation, const link::Command& command);
  void restore(const link::Command& command);
  void resume_recovery();
  void reclaim(Conversation& conversation);
  bool is_withheld(LegId leg) const;
  void give_back(LegId leg);
  void decide_held();
  void disown(Conversation& conversation);
  // `missing`: with NO_SUCH_CONVERSATION, the other one that the command names.
  void command_failed(const link::Command& command, Code::Code code, std::string text, ConversationNo missing = {});

  // --- Callers (offered.cpp) ---
  void refuse_call(const Invited& input, int status, std::string reason, bool retry_after);
  Party* replaced_by(LegId id);
  Conversation& begin_conversation(Invited& input);
  void give_provisional(Party& party);
  bool answer_early(Party& party, Payloads agreed);
  void answer_call(Party& party, const link::Command& command);
  void pass_early_media(Conversation& conversation);
  bool answered_late(Party& party, bool first, const std::optional<std::string>& sdp);
  void decision_due(Party& party);

  // --- Called parties (invite.cpp) ---
  void take_targets(Outgoing& out, std::vector<Target> targets);
  void ring_until(Party& party, Instant at);
  void next_group_at(Party& party, Instant at);
  void call_group(Party& party);
  void call_target(Party& party, std::size_t target, bool retried);
  void branch_failed(Party& party, LegId leg, int status, std::string reason, std::vector<std::string> contacts);
  void note_failure(Outgoing& out, int status, std::string reason, std::vector<std::string> contacts);
  void give_up(LegId leg, std::string_view reason);
  void give_up_legs(Party& party, LegId but, std::string_view reason);
  void drop_legs(Party& party);

  // --- Dialogs (dialog.cpp) ---
  void want_reinvite(Party& party, Payloads formats);
  void send_reinvite(Party& party);
  void refuse_reinvite(const Reinvited& input, int status, std::uint32_t retry_after_s, std::uint32_t min_se_s = 0);
  Payloads choose_for_new_offer(Party& party, const Remote& remote);
  const Payloads& peer_formats(const Party& party) const;
  void take_answer(Party& party, Remote remote, Payloads agreed);
  void set_held(Party& party, bool held);
  void report_held(const Party& party);
  void run_session_timer(Party& party, SessionExpiry expiry);
  void session_due(Party& party);

  // --- Streams (audio.cpp) ---
  bool open_stream(Party& party, const std::string& local_ip);
  const std::string& describe(Party& party, const Payloads& payloads, Direction direction, bool stopped);
  const std::string& answer_body(Party& party, const Payloads& payloads);
  const std::string& offer_body(Party& party, const Payloads& payloads);
  void take_remote(Party& party, Remote remote, Payloads agreed);
  void connect(Party& party);
  bool hears(const Party& party) const;
  const Party* peer_of(const Party& party) const;
  Payloads offer_from_peer(const Party& party) const;

  // --- Scenes (scenes.cpp) ---
  void touch(Conversation& conversation);
  void touch_all(Party& party);
  void tell_changes();
  void make_scene(const Conversation& conversation);
  void reconcile(Conversation& conversation);

  // --- Treatments (play.cpp) ---
  bool can_be_played(Party& party, const link::Play& order);
  void run(Party& party, Treatment::Steps steps);
  void wait_for(Wait wait, std::uint64_t subject, Slot& slot, std::chrono::milliseconds time);
  void played(Party& party, link::Played result);
  void end_play(Party& party, bool told);
  void forget_play(Party& party);

  // --- Beside offer and answer (phone.cpp) ---
  void digit(Party& party, char digit, std::uint32_t duration_ms);
  bool give_digits(const Party& from, const std::string& digits);
  void referred(Party& party, int status, std::string reason);
  void identify(Party& party, std::string identity);

  // --- Conferences (focus.cpp) ---
  ConferencePolicy conference_policy() const;
  void report_conference(const Conversation& conversation, std::uint64_t command);
  void close_focus(Conversation& conversation);
  void move_focus(Conversation& from, Conversation& into);
  Conversation* conference_at(std::string_view uri);
  void enter(PartyNo no);
  void tell_subscribers(Conversation& conversation);

  // --- What survives (keeping.cpp) ---
  void note(const Input& input);
  void keep(const Conversation& conversation);
  void keep(const Party& party);

  // --- Calls that were here before, or elsewhere (recovery.cpp, restoring.cpp) ---
  struct TakenUp;
  enum class From { FormerRun, GivenBack, Elsewhere };
  // `former`: of Elsewhere, the Connector that had them.
  TakenUp take_up(const std::vector<ha::Record>& records, From from, const std::string& former = {});
  bool take_up(const ha::Party& record, From from, TakenUp& taken);
  void put_aside(const std::vector<ha::Record>& records);
  bool is_as(const Party& party, const ha::Party& record);
  void move_to(Party& party, Conversation* conversation, std::vector<Conversation*> elsewhere, bool parked,
               const TakenUp& taken);
  void take_up_leg(Party& party, const ha::Party& record, From from);
  void take_up_focus(Conversation& conversation, const ha::Conference& record);
  void resume(Party& party, const ha::Party& record);
  void recover_next();
  void recover(Party& party);
  bool recovery_failed(Party& party, int status);
  void recovered(Party& party);
  void pass(std::uint64_t number);

  // --- Phones that rang before (ringing.cpp) ---
  void take_up_called(Party& party, const ha::Called& record, From from);
  void resume_called(Party& party, const ha::Called& record);
  void recover_called(Party& party);

  // --- Phones that register anew over another connection (following.cpp) ---
  struct NewWay {
    TurnLeg turn;
    std::string phone;  // Target::phone of who is there
    bool certain;       // it is the leg's, as far as can be known
  };
  std::optional<NewWay> new_way(const Leg& leg, const std::string& dn) const;
  void follow(const Leg& leg);
  bool was_stranger(const Party& party);

  // --- Phones to be told once they are reached again (farewell.cpp) ---
  struct Farewell {
    std::string dn, reason;
    Instant until{0};
  };
  bool owes_bye(const Party& party);
  void say_bye_later(const Party& party, std::string reason);
  void say_bye(Leg& leg);
  void say_all_byes();

  // --- Callers who gave up, and whose call may be elsewhere (stray_cancel.cpp) ---
  void tell(CancelStrayed stray);
  void tell_strays();

  // --- Links (servers.cpp) ---
  void offer_again();
  void offer_again(const std::vector<ConversationNo>& conversations);
  void reach_changed();
  void another_commands();
  void end_unestablished();
  link::Snapshot snapshot() const;
  void describe(const Conversation& conversation, link::Conversation& to) const;

  // --- Ends, reports, timers, log (core.cpp) ---
  void end_party(Party& party, End end);
  void take_out(Party& party, Conversation& conversation, End end);
  void left_behind(ConversationNo number);
  void end_conversation(Conversation& conversation);
  void forget(LegId leg);
  void drop(LegId leg);
  link::Happening happening(const Party& party, std::uint64_t command = 0) const;
  link::Happening happening(const Party& party, const Conversation& conversation, std::uint64_t command) const;
  void report(link::Happening happening);
  void arm(Wait wait, std::uint64_t subject, Slot& slot, Instant after);
  void disarm(Wait wait, std::uint64_t subject, Slot& slot);
  bool fired(const TimerKey& key, Slot& slot);
  bool logs(LogLevel level) const { return level >= settings_.log_from; }
  void log(LogLevel level, const Party& party, std::string_view what, std::string_view detail = {});
  void log(LogLevel level, std::string text);

  Leg* find_leg(LegId id);
  Party* find_party(PartyNo no);
  Conversation& make_conversation(ConversationNo no, std::string id);
  std::uint64_t next_id() { return ids_ | ++counter_; }
  template <class T>
  void act(T action) {
    out_->emplace_back(std::move(action));
  }

  CoreSettings settings_;
  Directory& directory_;
  MediaAllocator& media_;
  const std::uint64_t incarnation_;
  const std::uint64_t ids_;
  std::uint64_t counter_ = 0;
  std::uint64_t leg_counter_ = 0;
  PlayNo play_counter_ = 0;

  std::unordered_map<ConversationNo, Conversation> conversations_;
  std::unordered_map<PartyNo, Party> parties_;
  std::unordered_map<LegId, Leg> legs_;
  std::unordered_map<MediaId, PartyNo> by_media_;
  std::unordered_map<LegId, Farewell> farewells_;  // of legs that are Leaving

  ConferencePool conferences_made_;
  std::unordered_map<std::uint32_t, ConversationNo> conferences_;  // in use, by number
  std::unordered_map<SubscriptionId, ConversationNo> subscriptions_;

  std::unordered_map<LinkNo, bool> links_;  // primary?
  std::uint64_t link_generation_ = 0;       // a link closed: command numbers begin anew
  bool in_reach_ = false;                   // a primary T-Server is connected
  bool fallback_ = true;                    // none for too long, or never yet
  bool stopping_ = false;                   // nothing new is begun
  Slot no_server_;

  // Since take_changes(), some of them more than once.
  std::vector<ConversationNo> kept_conversations_;
  std::vector<PartyNo> kept_parties_;
  std::vector<PartyNo> to_recover_;  // the next one last
  std::vector<PartyNo> held_;        // as those, of the former run, while somebody else may have them
  Slot recovery_;
  bool ports_open_ = false;
  bool held_back_ = false;
  bool disowning_ = false;
  std::unordered_set<PartyNo> over_unheard_;  // ended with no T-Server in reach: none can give them back
  bool first_word_due_ = false;               // calls of the former run, and no T-Server yet: it will know more of them
  std::vector<CancelStrayed> strays_;         // with no T-Server in reach; another Connector may have had the calls
  bool tell_all_ = false;
  std::vector<std::pair<LegId, ha::Dialog>> withheld_;  // callers of held back calls
  std::vector<ha::Record> restored_;                    // of a Restore whose last part is still to come
  std::size_t restored_bytes_ = 0;
  std::size_t recovering_ = 0;

  std::vector<ConversationNo> touched_;  // in this input
  std::vector<SceneId> over_;            // scenes whose conversation ended in this input
  std::vector<MediaMember> scene_;       // being made
  Now now_;
  Actions* out_ = nullptr;
};

}  // namespace tandem::connector
