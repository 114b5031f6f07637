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

DialogPtr Connector::leg(LegId leg) const {
  const auto it = legs_.find(leg);
  return it == legs_.end() ? nullptr : it->second;
}

std::vector<DialogPtr> Connector::dialogs() const {
  std::vector<DialogPtr> all;
  for (const auto& [id, dialog] : legs_) all.push_back(dialog);
  return all;
}

void Connector::invited(const DialogPtr& dialog, const std::string& to, const std::string& sdp,
                        const DialogPtr& replaces) {
  if (replaces && (replaces->connector != this || !has(*replaces))) {
    dialog->to_phone.send([dialog] { dialog->phone->run([dialog] { dialog->phone->responded(dialog, 481, {}); }); });
    return;
  }
  dialog->leg = LegId{++legs_made_};
  dialog->life = life();
  legs_[dialog->leg] = dialog;
  Invited input;
  input.leg = dialog->leg;
  input.caller.dn = dialog->phone->dn();
  input.caller.authenticated = true;
  if (dialog->phone->outside()) input.caller.trunk = "pstn";
  input.from_uri = dialog->phone->dn();
  input.to_uri = to;
  input.request_uri = to;
  input.call_id = dialog->call_id;
  input.sdp = sdp;
  if (replaces) input.replaces = replaces->leg;
  take(std::move(input));
}

void Connector::cancelled(const DialogPtr& dialog) {
  if (!has(*dialog) || std::exchange(dialog->final_sent, true)) return;
  dialog->to_phone.send([dialog] { dialog->phone->run([dialog] { dialog->phone->responded(dialog, 487, {}); }); });
  take(Cancelled{dialog->leg, {}});
}

void Connector::acked(const DialogPtr& dialog) {
  if (!has(*dialog) || std::exchange(dialog->acked, true)) return;
  take(Acked{dialog->leg, std::nullopt});
}

void Connector::bye(const DialogPtr& dialog) {
  if (has(*dialog)) take(ByeReceived{dialog->leg, {}});
}

void Connector::responded(const DialogPtr& dialog, int status, const std::string& sdp,
                          std::vector<std::string> contacts) {
  const auto body = sdp.empty() ? std::nullopt : std::optional(sdp);
  if (!has(*dialog)) {
    if (dialog->life != life() || status < 200 || status >= 300) return;
    // A 2xx for an INVITE that was given up: ACK and BYE.
    dialog->to_phone.send([dialog] { dialog->phone->run([dialog] { dialog->phone->bye(dialog); }); }, kTimerB);
    return;
  }
  if (dialog->final_sent) return;
  if (status < 200) return take(Progressed{.leg = dialog->leg, .status = status, .sdp = body, .talk = true});
  dialog->final_sent = true;
  if (status >= 300)
    return take(InviteRejected{.leg = dialog->leg, .status = status, .reason = {}, .contacts = std::move(contacts)});
  dialog->acked = true;
  take(InviteAccepted{.leg = dialog->leg,
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
  if (phone == nullptr) return schedule_.fault(name() + " calls nobody: " + dn);
  auto dialog = std::make_shared<Dialog>(network_, *phone, *this);
  dialog->phone = phone;
  dialog->connector = this;
  dialog->leg = a.leg;
  dialog->life = life();
  dialog->call_id = a.call_id;
  if (!legs_.emplace(a.leg, dialog).second) schedule_.fault(name() + ": a leg is begun twice");
  dialog->to_phone.send(
      [phone, dialog, sdp = a.sdp] { phone->run([phone, dialog, sdp] { phone->invited(dialog, sdp); }); }, kTimerB);
  later(kTimerB, [this, dialog] {
    if (has(*dialog) && dialog->phase == Dialog::Phase::Trying && !std::exchange(dialog->final_sent, true))
      take(InviteRejected{.leg = dialog->leg, .status = 408, .reason = {}, .contacts = {}});
  });
}

void Connector::act(const Answer& a) {
  const auto dialog = leg(a.leg);
  if (!dialog || !dialog->by_phone) return schedule_.fault(name() + " answers no leg");
  if (dialog->final_sent) return;  // cancelled meanwhile
  const bool success = a.status >= 200 && a.status < 300;
  dialog->final_sent = a.status >= 200;
  dialog->to_phone.send(
      [dialog, status = a.status, sdp = a.sdp] {
        dialog->phone->run([dialog, status, sdp] { dialog->phone->responded(dialog, status, sdp); });
      },
      kTimerB);
  if (!success) return;
  later(kTimerB, [this, dialog] {
    if (has(*dialog) && !std::exchange(dialog->acked, true)) take(AckMissing{dialog->leg});
  });
}

void Connector::act(const SendCancel& a) {
  const auto dialog = leg(a.leg);
  if (!dialog || dialog->by_phone) return schedule_.fault(name() + " cancels no leg");
  dialog->to_phone.send([dialog] { dialog->phone->run([dialog] { dialog->phone->cancelled(dialog); }); }, kTimerB);
}

void Connector::act(const SendBye& a) {
  const auto dialog = leg(a.leg);
  if (!dialog) return schedule_.fault(name() + " says BYE to no leg");
  dialog->bye_sent = true;
  dialog->to_phone.send([dialog] { dialog->phone->run([dialog] { dialog->phone->bye(dialog); }); }, kTimerB);
}

void Connector::act(const ForgetLeg& a) {
  const auto dialog = leg(a.leg);
  if (!dialog) return schedule_.fault(name() + " forgets no leg");
  dialog->forgotten = true;
  legs_.erase(a.leg);
  dialog->phone->look_for_silence(dialog);
}

void Connector::act(const SendReinvite& a) {
  const auto dialog = leg(a.leg);
  if (!dialog) return schedule_.fault(name() + " re-INVITEs no leg");
  const auto number = ++dialog->reinvite;
  dialog->to_phone.send(
      [dialog, number, sdp = a.sdp] {
        dialog->phone->run([dialog, number, sdp] { dialog->phone->reinvited(dialog, number, sdp); });
      },
      kTimerB);
  later(kTimerB, [this, dialog, number] { reinvite_answered(dialog, number, 408, {}); });
}

void Connector::reinvite_answered(const DialogPtr& dialog, std::uint32_t number, int status, const std::string& sdp) {
  if (!has(*dialog) || dialog->reinvite != number || dialog->answered_reinvite == number) return;
  dialog->answered_reinvite = number;
  if (status < 300) return take(ReinviteAccepted{.leg = dialog->leg, .sdp = sdp, .timer = {}});
  take(ReinviteRejected{.leg = dialog->leg, .status = status, .retry_after_s = 0});
}

void Connector::reinvited(const DialogPtr& dialog, const std::string& sdp) {
  if (has(*dialog))
    return take(Reinvited{.leg = dialog->leg, .sdp = sdp, .timer = {}, .update = false, .asserted_identity = {}});
  dialog->to_phone.send(
      [dialog] { dialog->phone->run([dialog] { dialog->phone->reinvite_answered(dialog, 481, {}); }); });
}

void Connector::act(const AnswerReinvite& a) {
  const auto dialog = leg(a.leg);
  if (!dialog) return schedule_.fault(name() + " answers a re-INVITE of no leg");
  dialog->to_phone.send(
      [dialog, status = a.status, sdp = a.sdp] {
        dialog->phone->run([dialog, status, sdp] { dialog->phone->reinvite_answered(dialog, status, sdp); });
      },
      kTimerB);
}

void Connector::reinvite_acked(const DialogPtr& dialog) {
  if (has(*dialog)) take(Acked{dialog->leg, std::nullopt});
}

void Connector::referred(const DialogPtr& dialog, const std::string& to, const DialogPtr& replaces) {
  if (!has(*dialog)) return;
  ReferAsked input{.leg = dialog->leg, .refer_to = to, .referred_by = dialog->phone->dn(), .replaces = {}};
  if (replaces) {
    const bool ours = replaces->connector == this && has(*replaces);
    if (ours) input.replaces = replaces->leg;
    input.replaces_unknown = !ours;
  }
  take(std::move(input));
}

void Connector::digit(const DialogPtr& dialog, char digit) {
  if (has(*dialog)) take(InfoDigit{dialog->leg, digit, 100});
}

void Connector::act(const SendTalk& a) {
  const auto dialog = leg(a.leg);
  if (!dialog) return schedule_.fault(name() + " tells no leg to talk");
  dialog->to_phone.send([dialog] { dialog->phone->run([dialog] { dialog->phone->talk(dialog); }); }, kTimerB);
}

// --- Media ---

std::optional<Endpoint> Connector::open(const std::string&) {
  const MediaId media{++media_made_};
  const auto port = static_cast<std::uint16_t>(20000 + 2 * (media_made_ % 20000));
  media_[media] = {.port = port};
  return Endpoint{media, "10.0.0.1", port};
}

void Connector::expect_open(MediaId media, const char* what) {
  if (!media_.contains(media)) schedule_.fault(name() + ": " + what + " for a media endpoint that isn't open");
}

void Connector::act(const MediaConnect& a) {
  expect_open(a.media, "streams");
  Media& media = media_[a.media];
  media.watched = a.watch_silence;
  if (!media.watched) return;
  for (const auto& [id, dialog] : legs_) {
    if (dialog->remote_port == media.port) return look_for_silence(dialog);
  }
}

void Connector::look_for_silence(const DialogPtr& dialog) {
  if (!has(*dialog)) return;
  const auto silent = [this, dialog]() -> MediaId {
    for (const auto& [id, media] : media_) {
      if (media.port != dialog->remote_port || !media.watched) continue;
      const Phone& phone = *dialog->phone;
      const bool hears = phone.alive() && dialog->phase == Dialog::Phase::Up && !network_.is_cut(phone.host(), host());
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
