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
#include "dialog.h"
#include "network.h"

namespace tandem::simulation {

// Who can be called where: the same for all Connectors, as if every binding were shared.
class Book {
 public:
  void add(Phone& phone, const std::string& dn) { phones_[dn] = &phone; }
  Phone* find(const std::string& dn) const;

 private:
  std::map<std::string, Phone*> phones_;
};

class Connector final : public Process, connector::Directory, connector::MediaAllocator {
 public:
  using Hear = std::function<void(const link::Envelope&)>;

  Connector(Network& network, std::string name, const Book& book, std::uint64_t seed, connector::CoreSettings settings);
  ~Connector() override;

  // --- T-Servers ---
  void accept(StreamPtr stream);
  void hear_from(const StreamPtr& stream, Hear hear);
  void received(const StreamPtr& stream, link::Envelope envelope);

  // --- Phones, as their messages arrive ---
  void invited(const DialogPtr& dialog, const std::string& to, const std::string& sdp, const DialogPtr& replaces);
  void cancelled(const DialogPtr& dialog);
  void acked(const DialogPtr& dialog);
  void bye(const DialogPtr& dialog);
  void responded(const DialogPtr& dialog, int status, const std::string& sdp, std::vector<std::string> contacts = {});
  void reinvited(const DialogPtr& dialog, const std::string& sdp);
  void reinvite_acked(const DialogPtr& dialog);
  void reinvite_answered(const DialogPtr& dialog, std::uint32_t number, int status, const std::string& sdp);
  void referred(const DialogPtr& dialog, const std::string& to, const DialogPtr& replaces);
  void digit(const DialogPtr& dialog, char digit);
  // The way to or from a phone, or the phone itself, is not what it was: is it silent?
  void look_for_silence(const DialogPtr& dialog);

  // What the core says of itself.
  link::Snapshot snapshot();
  // Legs the core hasn't let go.
  std::vector<DialogPtr> dialogs() const;
  bool has(const Dialog& dialog) const { return alive() && dialog.life == life() && !dialog.forgotten; }
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

  void take(connector::Input input);
  void carry_out(const connector::Action& action);
  void act(const connector::SendInvite& a);
  void act(const connector::Answer& a);
  void act(const connector::SendCancel& a);
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
  // Connectors of the simulation forget all when they die: nothing is ever taken up from a record.
  void act(const connector::RestoreLeg&) {}
  void act(const connector::DropLeg&) {}
  void act(const connector::TurnLeg&) {}
  void act(const connector::SetCoreTimer& a);
  void act(const connector::CancelCoreTimer& a) { timers_.cancel(a.key); }
  void act(const connector::CoreLog& a) { trace(a.text); }
  void fire_due();
  void expect_open(connector::MediaId media, const char* what);
  DialogPtr leg(connector::LegId leg) const;

  void to_core(connector::Input input);
  void to_room(ToRoom item);
  void room_takes(ToRoom& item);
  void carry_out(connector::LinkNo no, connector::LinkSession::Effects effects);
  void check(connector::LinkNo no);
  void closed(connector::LinkNo no);

  const Book& book_;
  Random random_;
  connector::CoreSettings settings_;
  std::unique_ptr<connector::Machine> core_;
  TimerQueue timers_;
  std::deque<connector::Input> inputs_;
  bool busy_ = false;
  std::map<connector::LegId, DialogPtr> legs_;
  std::uint64_t legs_made_ = 0;

  struct Media {
    std::uint16_t port = 0;
    bool watched = false;
    connector::PlayNo play = 0, record = 0;
  };
  std::map<connector::MediaId, Media> media_;
  std::uint64_t media_made_ = 0;
  std::set<std::uint64_t> ordered_about_;

  connector::LinkIdentity identity_;
  connector::LinkFence fence_;
  std::map<connector::LinkNo, Peer> peers_;
  connector::LinkNo last_link_ = 0;
  Instant core_at_{0}, room_at_{0};
  std::uint64_t obeyed_ = 0;  // highest epoch of a command that the core was given
};

}  // namespace tandem::simulation
