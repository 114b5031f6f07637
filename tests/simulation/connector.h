// A Connector: the true core, and link sessions as the link room has them; the rooms for SIP and media are small
// models that keep what core and rooms owe each other.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "common/base/timers.h"
#include "connector/core/machine.h"
#include "connector/link/session.h"
#include "connector/store/keeper.h"
#include "dialog.h"
#include "disk.h"
#include "network.h"

namespace tandem::simulation {

// Who can be called where: the same for all Connectors, as if every binding were shared. And every dialog there was, by
// Call-ID: whoever takes one up again means that one.
class Book {
 public:
  void add(Phone& phone, const std::string& dn) { phones_[dn] = &phone; }
  Phone* find(const std::string& dn) const;
  void note(const DialogPtr& dialog) { dialogs_[dialog->call_id] = dialog; }
  DialogPtr dialog(const std::string& call_id) const;
  std::uint64_t branch() { return ++branches_; }  // of a request: what comes again with it is the same one

 private:
  std::uint64_t branches_ = 0;
  std::map<std::string, Phone*> phones_;
  std::map<std::string, DialogPtr> dialogs_;
};

class Connector final : public Process, connector::Directory, connector::MediaAllocator {
 public:
  using Hear = std::function<void(const link::Envelope&)>;

  Connector(Network& network, std::string name, Book& book, std::uint64_t seed, connector::CoreSettings settings);
  ~Connector() override;

  // --- T-Servers ---
  void accept(StreamPtr stream);
  void hear_from(const StreamPtr& stream, Hear hear);
  void received(const StreamPtr& stream, link::Envelope envelope);

  // --- Phones, as their messages arrive ---
  void invited(const DialogPtr& dialog, const std::string& to, const std::string& sdp, const DialogPtr& replaces);
  void cancelled(const DialogPtr& dialog);
  void acked(const DialogPtr& dialog);
  void responded(const DialogPtr& dialog, int status, const std::string& sdp, std::vector<std::string> contacts = {});
  void reinvite_acked(const DialogPtr& dialog);
  void reinvite_answered(const DialogPtr& dialog, std::uint32_t sequence, int status, const std::string& sdp);
  // Requests in a dialog, with their sequence numbers: one that came before is not taken again.
  void bye(const DialogPtr& dialog, std::uint32_t sequence);
  void reinvited(const DialogPtr& dialog, std::uint32_t sequence, const std::string& sdp);
  void referred(const DialogPtr& dialog, std::uint32_t sequence, const std::string& to, const DialogPtr& replaces);
  void digit(const DialogPtr& dialog, std::uint32_t sequence, char digit);
  // The way to or from a phone, or the phone itself, is not what it was: is it silent?
  void look_for_silence(const DialogPtr& dialog);

  // What the core says of itself.
  link::Snapshot snapshot();
  struct Leg {
    DialogPtr dialog;
    connector::LegId id;
    bool final_sent = false, acked = false;      // the final response; it is acknowledged, by them or us
    bool cancelled = false, proceeding = false;  // our INVITE: we gave it up; the phone had responded
    bool restored = false;
    std::string offer;                         // of our INVITE
    std::uint32_t sequence = 0, reinvite = 0;  // of our requests: the last one, and that of the re-INVITE under way
    std::uint32_t heard = 0, answering = 0;    // of the phone's: the last one, and its re-INVITE
    std::uint16_t port = 0;                    // where we told it to send
    bool waits() const { return dialog->by_phone && !final_sent; }
    bool calls() const { return !dialog->by_phone && !final_sent; }
  };
  using LegPtr = std::shared_ptr<Leg>;
  // Legs the core hasn't let go.
  std::vector<LegPtr> legs() const;
  bool has(const Dialog& dialog) const { return alive() && by_dialog_.contains(&dialog); }
  // Callers who gave up unheard, since their CANCEL goes where their INVITE went or their phone died: somebody sees to
  // them in the end.
  void lose_unheard();
  Disk& disk() { return disk_; }
  // What it has of its calls is on its disk, and told.
  bool all_kept() const { return !keep_due_ && disk_.idle(); }
  // Every leg, endpoint and timer has gone.
  void expect_quiet();
  // Was the party held or joined to another conversation by order? What its phone holds is hidden behind that.
  bool ordered_about(std::uint64_t party) const { return ordered_about_.contains(party); }

 private:
  struct Peer {
    StreamPtr stream;
    std::unique_ptr<connector::LinkSession> session;
    std::shared_ptr<Hear> hearer = std::make_shared<Hear>();  // the T-Server's end
    bool closing = false;
  };
  using ToRoom = std::variant<link::Happening, connector::SendSnapshot>;

  void started() override;
  void ended() override;
  std::vector<connector::Target> resolve(const std::string& to, connector::Unreachable& why) const override;
  std::vector<link::Registration> registrations(Now) const override { return {}; }
  std::optional<connector::Endpoint> open(const std::string& local_ip) override;
  std::optional<connector::Endpoint> open_again(const std::string& local_ip, std::uint16_t port) override;

  bool is_taken(std::uint16_t port) const;
  connector::Endpoint open_at(std::uint16_t port);

  void take(connector::Input input);
  void carry_out(const connector::Action& action);
  void act(const connector::SendInvite& a);
  void act(const connector::Answer& a);
  void act(const connector::SendCancel& a);
  void act(const connector::TakeCancel& a);
  void act(const connector::SendBye& a);
  void act(const connector::SendReinvite& a);
  void act(const connector::AnswerReinvite& a);
  void act(const connector::AnswerRefer&) {}
  void act(const connector::NotifyRefer&) {}
  void act(const connector::SendTalk& a);
  void act(const connector::AnswerSubscription&) {}
  void act(const connector::NotifyConference&) {}
  void act(const connector::ForgetLeg& a);
  void act(const connector::MediaConnect& a);
  void act(const connector::MediaScene& a);
  void act(const connector::MediaPlay& a);
  void act(const connector::MediaRecord& a);
  void act(const connector::MediaDigits& a) { expect_open(a.media, "digits"); }
  void act(const connector::MediaClose& a);
  void act(const connector::Report& a);
  void act(const connector::SendSnapshot& a);
  void act(const connector::LearnLocation&) {}
  void act(const connector::RestoreLeg& a);
  void act(const connector::DropLeg& a);
  void act(const connector::TurnLeg&) {}  // phones are where they are
  void act(const connector::SetCoreTimer& a);
  void act(const connector::CancelCoreTimer& a) { timers_.cancel(a.key); }
  void act(const connector::CoreLog& a) { trace(a.text); }
  void fire_due();
  void expect_open(connector::MediaId media, const char* what);
  LegPtr leg(connector::LegId leg) const;
  LegPtr leg(const DialogPtr& dialog) const;
  bool there(const LegPtr& leg) const { return this->leg(leg->id) == leg; }
  LegPtr begin_leg(const DialogPtr& dialog, connector::LegId id);
  void end_leg(connector::LegId id);
  static bool is_next(const LegPtr& leg, std::uint32_t sequence);
  template <class What>
  void say(const DialogPtr& dialog, What what);
  void send_invite(const LegPtr& leg);
  void say_cancel(const LegPtr& leg);
  bool refuse_cancelled(const LegPtr& leg);

  void take_up();
  std::optional<ha::Dialog> record_of(connector::LegId id) const;
  bool add_dialogs(connector::KeptChange& change);
  void go_on_calling(const LegPtr& leg, const ha::Dialog& record);
  void keep();
  void tell(const connector::KeptBytes& bytes, bool first);

  void to_core(connector::Input input);
  void to_room(ToRoom item);
  void room_takes(ToRoom& item);
  void carry_out(connector::LinkNo no, connector::LinkSession::Effects effects);
  void check(connector::LinkNo no);
  void closed(connector::LinkNo no);

  Book& book_;
  Random random_;
  connector::CoreSettings settings_;
  std::unique_ptr<connector::Machine> core_;
  TimerQueue timers_;
  std::deque<connector::Input> inputs_;
  bool busy_ = false;
  std::map<connector::LegId, LegPtr> legs_;
  std::map<const Dialog*, LegPtr> by_dialog_;
  std::set<const Dialog*> invites_;  // that came to this process
  std::set<const Dialog*> gave_up_;  // that it sent, whose legs have ended
  std::uint64_t legs_made_ = 0;

  struct Media {
    std::uint16_t port = 0;
    bool watched = false;
    connector::PlayNo play = 0, record = 0;
  };
  std::map<connector::MediaId, Media> media_;
  std::uint64_t media_made_ = 0;
  std::uint32_t ports_made_ = 0;
  std::set<std::uint64_t> ordered_about_;

  Disk disk_;
  connector::Keeper keeper_;
  bool keep_due_ = false, told_once_ = false;

  connector::LinkIdentity identity_;
  connector::LinkFence fence_;
  std::map<connector::LinkNo, Peer> peers_;
  connector::LinkNo last_link_ = 0;
  Instant core_at_{0}, room_at_{0};
  std::uint64_t obeyed_ = 0;  // highest epoch of a command that the core was given
};

}  // namespace tandem::simulation
