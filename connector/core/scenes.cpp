// Who hears whom in a conversation. Whatever changed in one input, the media room is told once, at its end, and only
// what differs from what it was told last.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

bool may_be_heard_by(const Party& talker, const Party& listener) {
  if (!talker.audio || talker.audio->heard_only_by().empty()) return true;
  const auto& all = talker.audio->heard_only_by();
  return std::find(all.begin(), all.end(), listener.no.value) != all.end();
}

// Talks and listens here.
bool talks_here(const Party& party, const Conversation& conversation) {
  return party.state == PartyState::Connected && party.stream.announced && !party.held && is_here(party, conversation);
}

// Sends early media that those who wait may hear.
bool announces(const Party& party, const Conversation& conversation) {
  return party.early_media && party.stream.announced && is_here(party, conversation);
}

// Is somebody with `listener`? A silent listener nobody knows of (supervision) is nobody, and so is one it can't hear.
bool is_company(const Party& other, const Party& listener) {
  return !(other.muted() && other.audio->hidden()) && may_be_heard_by(other, listener);
}

}  // namespace

void Core::touch(Conversation& conversation) {
  if (conversation.touched) return;
  conversation.touched = true;
  touched_.push_back(conversation.no);
}

void Core::touch_all(Party& party) {
  touch(*party.conversation);
  for (auto* conversation : party.elsewhere) touch(*conversation);
}

// At the end of each input.
void Core::tell_changes() {
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    const auto found = conversations_.find(touched_[i]);
    if (found == conversations_.end()) continue;
    auto& conversation = found->second;
    conversation.touched = false;
    keep(conversation);
    make_scene(conversation);
    const bool alone = scene_.empty() && conversation.scene.size() == 1 &&
                       conversation.scene.front().sound == Sound::Others;  // hears nobody: nothing to be told
    if (!alone && scene_ != conversation.scene) {
      conversation.scene = scene_;
      act(MediaScene{SceneId{conversation.no.value}, scene_});
    }
    reconcile(conversation);
    tell_subscribers(conversation);
  }
  touched_.clear();
  for (const auto scene : over_) act(MediaScene{scene, {}});
  over_.clear();
}

// Into scene_. Who is connected and here talks to all others who are. Left with held ones only, it hears music; with
// one who rings, ringback. A caller not answered yet hears ringback, or the early media of those who are called; an
// announcement may be spoken to, so both hear each other.
void Core::make_scene(const Conversation& conversation) {
  scene_.clear();
  std::size_t talkers = 0, early = 0;
  bool rings = false, absent = false;
  for (const auto* party : conversation.parties) {
    if (talks_here(*party, conversation)) {
      ++talkers;
    } else if (party->state == PartyState::Connected && party->stream.announced) {
      absent = true;
    } else if (announces(*party, conversation)) {
      ++early;
    }
    if (party->state == PartyState::Alerting) rings = true;
  }
  if (talkers > 1) early = 0;  // two who talk aren't disturbed by a third's announcements

  for (auto* party : conversation.parties) {
    if (!is_here(*party, conversation)) continue;
    MediaMember member;
    member.media = party->stream.endpoint.media;
    if (talks_here(*party, conversation)) {
      bool company = early > 0;
      if (!company && talkers > 1) {
        company = std::any_of(conversation.parties.begin(), conversation.parties.end(), [&](const Party* other) {
          return other != party && talks_here(*other, conversation) && is_company(*other, *party);
        });
      }
      member.talks = !party->muted();
      member.listens = !party->deaf();
      if (!company && absent) {
        member.sound = Sound::Music;
      } else if (!company && (rings || conversation.waits)) {
        member.sound = Sound::Ringback;
      }
    } else if (announces(*party, conversation)) {
      if (early == 0) continue;
    } else if (party->incoming && party->incoming->with_sdp && party->stream.announced) {
      // Who heard the called side's early media goes on hearing it between that side's answer and its own.
      auto& heard = party->incoming->heard_early;
      heard = early > 0 || (heard && talkers == 1);
      member.talks = heard;
      if (!heard) member.sound = Sound::Ringback;
    } else {
      continue;
    }
    if (party->play) {
      const auto& treatment = party->play->machine;
      member.listens = true;
      member.sound = treatment.sound();
      if (member.sound == Sound::Music) member.music = treatment.order().file();
    }
    if (member.talks && party->audio && !party->audio->heard_only_by().empty()) {
      for (const auto no : party->audio->heard_only_by()) {
        const auto* other = find_party(PartyNo{no});
        if (other && is_here(*other, conversation) && other->stream.endpoint.media)
          member.heard_by.push_back(other->stream.endpoint.media);
      }
      member.talks = !member.heard_by.empty();
    }
    scene_.push_back(std::move(member));
  }

  // Who neither hears anybody nor is heard needs no place in it.
  const auto talking = std::count_if(scene_.begin(), scene_.end(), [](const MediaMember& m) { return m.talks; });
  const auto listening = std::count_if(scene_.begin(), scene_.end(),
                                       [](const MediaMember& m) { return m.listens && m.sound == Sound::Others; });
  std::erase_if(scene_, [&](const MediaMember& m) {
    if (m.sound != Sound::Others) return false;
    return !(m.listens && talking > m.talks) && !(m.talks && listening > m.listens);
  });
}

// Two who talk but share no format, nor any that could be converted: one of them is asked to change to what both can.
void Core::reconcile(Conversation& conversation) {
  Party* a = nullptr;
  Party* b = nullptr;
  for (auto* party : conversation.parties) {
    if (!talks_here(*party, conversation)) continue;
    if (b) return;
    (a ? b : a) = party;
  }
  if (!b || flows(a->stream.agreed, b->stream.agreed)) return;
  for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}}) {
    if (one->reinviting || one->reinvite_wanted) return;
    if (one->codec_tries >= 2) continue;
    auto common = share(one->stream.can, other->stream.agreed);
    if (!flows(common, other->stream.agreed)) continue;
    ++one->codec_tries;
    log(LogLevel::Trace, *one, "asked for common formats");
    return want_reinvite(*one, std::move(common));
  }
  log(LogLevel::Standard, *a, "no common format with its peer", b->dn);
}

}  // namespace tandem::connector
