// The rooms for SIP and media around the core, as far as the core can tell.
#include <algorithm>

#include "connector.h"
#include "phone.h"

namespace tandem::simulation {

using namespace connector;

// --- SIP ---

std::vector<Target> Connector::resolve(const std::string& to, Unreachable& why) const {
  Phone* phone = book_.find(to);
  if (phone == nullptr) {
    why.status = 404;
    return {};
  }
  if (!phone->alive()) return {};
  Target target;
  target.request_uri = "sip:" + to;
  target.dn = phone->outside() ? "" : to;
  target.trunk = phone->outside() ? "pstn" : "";
  return {target};
}

Connector::LegPtr Connector::leg(LegId leg) const {
  const auto it = legs_.find(leg);
  return it == legs_.end() ? nullptr : it->second;
}

Connector::LegPtr Connector::leg(const DialogPtr& dialog) const {
  const auto it = by_dialog_.find(dialog.get());
  return it == by_dialog_.end() ? nullptr : it->second;
}

std::vector<Connector::LegPtr> Connector::legs() const {
  std::vector<LegPtr> all;
  for (const auto& [id, leg] : legs_) all.push_back(leg);
  return all;
}

Connector::LegPtr Connector::begin_leg(const DialogPtr& dialog, LegId id) {
  auto leg = std::make_shared<Leg>();
  leg->dialog = dialog;
  leg->id = id;
  if (!legs_.emplace(id, leg).second || !by_dialog_.emplace(dialog.get(), leg).second) fault("a leg is begun twice");
  book_.note(dialog);
  return leg;
}

void Connector::end_leg(LegId id) {
  const LegPtr gone = leg(id);
  by_dialog_.erase(gone->dialog.get());
  legs_.erase(id);
  gone->dialog->phone->look_for_silence(gone->dialog);
}

template <class What>
void Connector::say(const DialogPtr& dialog, What what) {
  for (int copies = random_.one_in(15) ? 2 : 1; copies > 0; --copies) {
    dialog->to_phone(*this).send([dialog, what] { dialog->phone->run([dialog, what] { what(*dialog->phone); }); },
                                 kTimerB);
  }
}

void Connector::invited(const DialogPtr& dialog, const std::string& to, const std::string& sdp,
                        const DialogPtr& replaces) {
  book_.note(dialog);  // also one that is refused at once: what points to it means no other
  if (!invites_.insert(dialog.get()).second || leg(dialog)) return;  // it came twice
  if (replaces && !leg(replaces)) {
    say(dialog, [this, dialog](Phone& phone) { phone.responded(dialog, *this, 481, {}); });
    return;
  }
  say(dialog, [this, dialog](Phone& phone) { phone.responded(dialog, *this, 100, {}); });
  const LegPtr made = begin_leg(dialog, LegId{++legs_made_});
  Invited input;
  input.leg = made->id;
  input.caller.dn = dialog->phone->dn();
  input.caller.authenticated = true;
  if (dialog->phone->outside()) input.caller.trunk = "pstn";
  input.from_uri = dialog->phone->dn();
  input.to_uri = to;
  input.request_uri = to;
  input.call_id = dialog->call_id;
  input.sdp = sdp;
  if (replaces) input.replaces = leg(replaces)->id;
  take(std::move(input));
}

void Connector::cancelled(const DialogPtr& dialog) {
  const LegPtr leg = this->leg(dialog);
  if (!leg) {
    dialog->unheard = true;
    return take(CancelStrayed{dialog->call_id, dialog->call_id, {}});
  }
  if (!refuse_cancelled(leg)) return;
  take(Cancelled{leg->id, {}, dialog->call_id});
}

bool Connector::refuse_cancelled(const LegPtr& leg) {
  if (std::exchange(leg->final_sent, true)) return false;
  say(leg->dialog, [this, dialog = leg->dialog](Phone& phone) { phone.responded(dialog, *this, 487, {}); });
  return true;
}

void Connector::acked(const DialogPtr& dialog) {
  const LegPtr leg = this->leg(dialog);
  if (leg && leg->final_sent && !std::exchange(leg->acked, true)) take(Acked{leg->id, std::nullopt});
}

// Duplicates, and what was under way to a process before this one.
bool Connector::is_next(const LegPtr& leg, std::uint32_t sequence) {
  if (!leg || sequence <= leg->heard) return false;
  leg->heard = sequence;
  return true;
}

void Connector::bye(const DialogPtr& dialog, std::uint32_t sequence) {
  if (const LegPtr leg = this->leg(dialog); is_next(leg, sequence)) take(ByeReceived{leg->id, {}});
}

void Connector::responded(const DialogPtr& dialog, int status, const std::string& sdp,
                          std::vector<std::string> contacts) {
  const auto body = sdp.empty() ? std::nullopt : std::optional(sdp);
  const LegPtr leg = this->leg(dialog);
  if (!leg) {
    if (status < 200 || status >= 300) return;
    // A 2xx for an INVITE that was given up: ACK and BYE. None of this process: nobody says anything, and it ends.
    if (!gave_up_.contains(dialog.get())) return;
    say(dialog, [dialog](Phone& phone) { phone.acked(dialog); });
    say(dialog, [this, dialog](Phone& phone) { phone.bye(dialog, *this, ~0u); });
    return;
  }
  if (leg->final_sent) return;
  if (!std::exchange(leg->proceeding, true) && leg->cancelled) say_cancel(leg);
  if (status < 200) {
    if (leg->cancelled || status == 100) return;
    return take(Progressed{.leg = leg->id, .status = status, .sdp = body, .talk = true});
  }
  leg->final_sent = true;
  if (status >= 300)
    return take(InviteRejected{.leg = leg->id, .status = status, .reason = {}, .contacts = std::move(contacts)});
  leg->acked = true;
  say(dialog, [dialog](Phone& phone) { phone.acked(dialog); });
  take(InviteAccepted{.leg = leg->id,
                      .sdp = body,
                      .contact_uri = dialog->phone->dn(),
                      .to_uri = dialog->phone->dn(),
                      .asserted_identity = {},
                      .call_id = dialog->call_id,
                      .timer = {}});
}

void Connector::act(const SendInvite& a) {
  const std::string dn = a.target.request_uri.substr(4);
  Phone* phone = book_.find(dn);
  if (phone == nullptr) return fault("calls nobody: " + dn);
  auto dialog = std::make_shared<Dialog>(network_, *phone, *this);
  dialog->call_id = a.call_id;
  const LegPtr leg = begin_leg(dialog, a.leg);
  leg->sequence = 1;
  leg->offer = a.sdp;
  leg->port = read_description(a.sdp).port;
  send_invite(leg);
}

void Connector::send_invite(const LegPtr& leg) {
  say(leg->dialog, [dialog = leg->dialog, sdp = leg->offer](Phone& to) { to.invited(dialog, sdp); });
  later(kTimerB, [this, leg] {
    if (there(leg) && !leg->proceeding && !std::exchange(leg->final_sent, true))
      take(InviteRejected{.leg = leg->id, .status = 408, .reason = {}, .contacts = {}});
  });
}

void Connector::act(const Answer& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg || !leg->dialog->by_phone) return fault("answers no leg");
  if (leg->final_sent) return;  // cancelled meanwhile
  const bool success = a.status >= 200 && a.status < 300;
  leg->final_sent = a.status >= 200;
  if (!a.sdp.empty()) leg->port = read_description(a.sdp).port;
  say(leg->dialog, [this, dialog = leg->dialog, status = a.status, sdp = a.sdp](Phone& phone) {
    phone.responded(dialog, *this, status, sdp);
  });
  if (!success) return;
  later(kTimerB, [this, leg] {
    if (there(leg) && !std::exchange(leg->acked, true)) take(AckMissing{leg->id});
  });
}

void Connector::act(const TakeCancel& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg || !leg->dialog->by_phone) return fault("takes a CANCEL for no leg");
  if (leg->dialog->call_id == a.branch && refuse_cancelled(leg)) {
    later(Instant{0}, [this, leg] {
      if (there(leg)) take(Cancelled{leg->id, {}, leg->dialog->call_id});
    });
  }
}

void Connector::act(const SendCancel& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg || leg->dialog->by_phone) return fault("cancels no leg");
  if (std::exchange(leg->cancelled, true)) return fault("cancels a leg twice");
  if (leg->proceeding) say_cancel(leg);
  // The final response to the INVITE of a process before us may never come here.
  if (leg->restored && !std::exchange(leg->final_sent, true))
    take(InviteRejected{.leg = leg->id, .status = 487, .reason = {}, .contacts = {}});
}

void Connector::act(const SendBye& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg) return fault("says BYE to no leg");
  say(leg->dialog,
      [this, dialog = leg->dialog, sequence = ++leg->sequence](Phone& phone) { phone.bye(dialog, *this, sequence); });
}

// Not before anything was heard of the phone (RFC 3261 section 9.1).
void Connector::say_cancel(const LegPtr& leg) {
  say(leg->dialog, [dialog = leg->dialog](Phone& phone) { phone.cancelled(dialog); });
}

void Connector::act(const ForgetLeg& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg) return fault("forgets no leg");
  if (!leg->dialog->by_phone) gave_up_.insert(leg->dialog.get());
  end_leg(a.leg);
}

void Connector::act(const SendReinvite& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg) return fault("re-INVITEs no leg");
  if (a.overtake) leg->sequence += 100000;
  leg->reinvite = ++leg->sequence;
  leg->port = read_description(a.sdp).port;
  say(leg->dialog, [this, dialog = leg->dialog, branch = book_.branch(), sequence = leg->sequence,
                    sdp = a.sdp](Phone& phone) { phone.reinvited(dialog, *this, branch, sequence, sdp); });
  later(kTimerB,
        [this, dialog = leg->dialog, sequence = leg->sequence] { reinvite_answered(dialog, sequence, 408, {}); });
}

void Connector::reinvite_answered(const DialogPtr& dialog, std::uint32_t sequence, int status, const std::string& sdp) {
  const LegPtr leg = this->leg(dialog);
  if (!leg || leg->reinvite != sequence) return;
  leg->reinvite = 0;
  if (status < 300) return take(ReinviteAccepted{.leg = leg->id, .sdp = sdp, .timer = {}});
  take(ReinviteRejected{.leg = leg->id, .status = status, .retry_after_s = 0});
}

void Connector::reinvited(const DialogPtr& dialog, std::uint32_t sequence, const std::string& sdp) {
  const LegPtr leg = this->leg(dialog);
  if (!leg) {
    say(dialog, [this, dialog, sequence](Phone& phone) { phone.reinvite_answered(dialog, *this, sequence, 481, {}); });
    return;
  }
  if (!is_next(leg, sequence)) return;
  leg->answering = sequence;
  take(Reinvited{.leg = leg->id, .sdp = sdp, .timer = {}, .update = false, .asserted_identity = {}});
}

void Connector::act(const AnswerReinvite& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg) return fault("answers a re-INVITE of no leg");
  if (!a.sdp.empty()) leg->port = read_description(a.sdp).port;
  say(leg->dialog, [this, dialog = leg->dialog, asked = leg->answering, status = a.status, sdp = a.sdp](Phone& phone) {
    phone.reinvite_answered(dialog, *this, asked, status, sdp);
  });
}

void Connector::reinvite_acked(const DialogPtr& dialog) {
  if (const LegPtr leg = this->leg(dialog)) take(Acked{leg->id, std::nullopt});
}

void Connector::referred(const DialogPtr& dialog, std::uint32_t sequence, const std::string& to,
                         const DialogPtr& replaces) {
  const LegPtr leg = this->leg(dialog);
  if (!is_next(leg, sequence)) return;
  ReferAsked input{.leg = leg->id, .refer_to = to, .referred_by = dialog->phone->dn(), .replaces = {}};
  if (replaces) {
    const LegPtr other = this->leg(replaces);
    if (other) input.replaces = other->id;
    input.replaces_unknown = !other;
  }
  take(std::move(input));
}

void Connector::digit(const DialogPtr& dialog, std::uint32_t sequence, char digit) {
  if (const LegPtr leg = this->leg(dialog); is_next(leg, sequence)) take(InfoDigit{leg->id, digit, 100});
}

void Connector::act(const SendTalk& a) {
  const LegPtr leg = this->leg(a.leg);
  if (!leg) return fault("tells no leg to talk");
  say(leg->dialog, [dialog = leg->dialog](Phone& phone) { phone.talk(dialog); });
}

// --- Media ---

std::optional<Endpoint> Connector::open(const std::string&) {
  std::uint16_t port = 0;
  do {
    ports_made_ = (ports_made_ + 1) % 20000;
    port = static_cast<std::uint16_t>(20000 + 2 * ports_made_);
  } while (is_taken(port));
  return open_at(port);
}

// The media of a call that was here before, where it was if that can be.
std::optional<Endpoint> Connector::open_again(const std::string& local_ip, std::uint16_t port) {
  return is_taken(port) ? open(local_ip) : open_at(port);
}

bool Connector::is_taken(std::uint16_t port) const {
  return std::any_of(media_.begin(), media_.end(), [&](const auto& media) { return media.second.port == port; });
}

Endpoint Connector::open_at(std::uint16_t port) {
  const MediaId media{++media_made_};
  media_[media] = {.port = port};
  return {media, "10.0.0.1", port};
}

void Connector::expect_open(MediaId media, const char* what) {
  if (!media_.contains(media)) schedule_.fault(name() + ": " + what + " for a media endpoint that isn't open");
}

void Connector::act(const MediaConnect& a) {
  expect_open(a.media, "streams");
  Media& media = media_[a.media];
  media.watched = a.watch_silence;
  if (!media.watched) return;
  for (const auto& [id, leg] : legs_) {
    if (leg->port == media.port && !leg->cancelled) return look_for_silence(leg->dialog);
  }
}

void Connector::look_for_silence(const DialogPtr& dialog) {
  const LegPtr leg = this->leg(dialog);
  if (!leg) return;
  const auto silent = [this, leg]() -> MediaId {
    if (!there(leg) || leg->cancelled) return {};  // given up: its port may be another's by now
    for (const auto& [id, media] : media_) {
      if (media.port != leg->port || !media.watched) continue;
      const Dialog& with = *leg->dialog;
      const bool hears = with.phone->alive() && with.phase == Dialog::Phase::Up && with.media_at == this &&
                         with.remote_port == leg->port && !network_.is_cut(with.phone->host(), host());
      return hears ? MediaId{} : id;
    }
    return {};
  };
  if (!silent()) return;
  later(10s, [this, silent] {
    if (const MediaId media = silent()) take(MediaSilent{media});
  });
}

void Connector::act(const MediaScene& a) {
  std::set<MediaId> once;
  for (const MediaMember& member : a.members) {
    expect_open(member.media, "a scene");
    if (!once.insert(member.media).second) schedule_.fault(name() + ": a scene has somebody twice");
    for (const MediaId by : member.heard_by) expect_open(by, "a listener of a scene");
  }
}

void Connector::act(const MediaPlay& a) {
  expect_open(a.media, "prompts");
  media_[a.media].play = a.prompts.empty() ? 0 : a.play;
  if (a.prompts.empty()) return;
  later(random_.up_to(5s), [this, media = a.media, play = a.play] {
    const auto it = media_.find(media);
    if (it == media_.end() || it->second.play != play) return;
    it->second.play = 0;
    take(MediaPlayed{.media = media, .play = play, .failed = random_.one_in(8), .text = {}});
  });
}

void Connector::act(const MediaRecord& a) {
  expect_open(a.media, "a recording");
  Media& media = media_[a.media];
  if (a.recording.empty()) {
    if (std::exchange(media.record, 0) == 0) return;
    later(1ms, [this, media = a.media, play = a.play] {
      if (media_.contains(media)) take(MediaRecorded{.media = media, .play = play, .recording = "r", .text = {}});
    });
    return;
  }
  media.record = a.play;
  later(1s + random_.up_to(5s), [this, media = a.media, play = a.play] {
    const auto it = media_.find(media);
    if (it == media_.end() || it->second.record != play) return;
    it->second.record = 0;
    take(MediaRecorded{.media = media,
                       .play = play,
                       .end = MediaRecorded::End::Limit,
                       .recording = "r",
                       .duration_ms = 1,
                       .text = {}});
  });
}

void Connector::act(const MediaClose& a) {
  if (media_.erase(a.media) == 0) schedule_.fault(name() + ": a media endpoint is closed twice");
}

}  // namespace tandem::simulation
