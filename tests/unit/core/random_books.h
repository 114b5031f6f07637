// The books over what the core does in a random run: they fail at the first action that can't be right.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "bench.h"

namespace tandem::connector::test {

inline constexpr std::uint32_t kCancelGuard = 6;  // the one wait that is a leg's, not a party's

// Keeps the books over what the core does, and fails at the first action that can't be right.
class Books {
 public:
  void take(const Action& action) {
    std::visit([this](const auto& each) { note(each); }, action);
  }

  void note(const SendInvite& a) {
    begin(a.leg);
    CHECK(sdp::parse(a.sdp).has_value());
    calls.insert(a.leg);
  }
  void note(const Answer& a) {
    alive(a.leg);
    if (a.status >= 200) CHECK(finals.insert(a.leg).second);
    if (a.status >= 200 && a.status < 300) up.insert(a.leg);
  }
  void note(const SendCancel& a) {
    alive(a.leg);
    CHECK(calls.count(a.leg) == 1);
    CHECK(cancelled.insert(a.leg).second);
    ++forks;
    CHECK(up.count(a.leg) == 0);
  }
  void note(const TakeCancel& a) { alive(a.leg); }
  void note(const SendBye& a) {
    alive(a.leg);
    CHECK(up.count(a.leg) == 1);
  }
  void note(const SendReinvite& a) {
    alive(a.leg);
    CHECK(up.count(a.leg) == 1);
    CHECK(reinviting.insert(a.leg).second);
    ++reinvites;
  }
  void note(const AnswerReinvite& a) { alive(a.leg); }
  void note(const RestoreLeg&) { FAIL("nothing was here before"); }
  void note(const DropLeg& a) { alive(a.leg); }
  void note(const TurnLeg& a) { alive(a.leg); }
  void note(const ForgetLeg& a) {
    INFO("forgotten " << name(a.leg));
    CHECK(legs.erase(a.leg) == 1);
    over.push_back({true, a.leg.value});
    reinviting.erase(a.leg);
    accepted.erase(a.leg);
  }
  void note(const MediaConnect& a) {
    CHECK(open.count(a.media) == 1);
    CHECK_FALSE(a.agreement.payloads.empty());
  }
  void note(const MediaScene& a) {
    ++scenes;
    std::set<MediaId> once;
    for (const auto& member : a.members) {
      CHECK(open.count(member.media) == 1);
      CHECK(once.insert(member.media).second);
      place[member.media] = a.scene;
      for (const auto by : member.heard_by) CHECK(open.count(by) == 1);
      if (member.sound == Sound::Music) ++music;
      if (member.sound == Sound::Ringback) ++ringback;
    }
    // Left out of a scene it was in: alone.
    std::erase_if(place, [&](const auto& each) { return each.second == a.scene && once.count(each.first) == 0; });
  }
  void note(const MediaClose& a) {
    CHECK(open.erase(a.media) == 1);
    place.erase(a.media);
    prompts.erase(a.media);
  }
  void note(const SetCoreTimer& a) {
    timers.set(a.key, a.at);
    waits.insert(a.key);
  }
  void note(const CancelCoreTimer& a) {
    timers.cancel(a.key);
    waits.erase(a.key);
  }
  void note(const Report& a) { take(a.happening); }
  void note(const SendSnapshot&) {}
  void note(const LearnLocation&) {}
  void note(const CoreLog&) {}
  void note(const AnswerRefer& a) {
    alive(a.leg);
    CHECK(referring.erase(a.leg) == 1);
    if (a.status / 100 != 2) return;
    CHECK(accepted.insert(a.leg).second);
    ++refers;
  }
  void note(const NotifyRefer& a) {
    alive(a.leg);
    CHECK(accepted.count(a.leg) == 1);
    if (a.status >= 200) accepted.erase(a.leg);
  }
  void note(const SendTalk& a) { alive(a.leg); }
  void note(const AnswerSubscription& a) {
    CHECK(asking.erase(a.subscription) == 1);
    if (a.status == 200) watching.insert(a.subscription);
  }
  void note(const NotifyConference& a) {
    CHECK(watching.count(a.subscription) == 1);
    ++notified;
    if (a.terminated) watching.erase(a.subscription);
  }
  void note(const MediaPlay& a) {
    CHECK(open.count(a.media) == 1);
    if (a.prompts.empty()) return;
    prompts[a.media] = a.play;
  }
  void note(const MediaRecord& a) { CHECK(open.count(a.media) == 1); }
  void note(const MediaDigits& a) { CHECK(open.count(a.media) == 1); }

  void take(const link::Happening& happening) {
    using What = link::Happening;
    const auto party = happening.party();
    INFO("party " << party_name(party) << " what " << happening.what_case());
    switch (happening.what_case()) {
      case What::kOffered: {
        const auto put = parties.insert({party, {happening.conversation()}});
        // A new primary is told once more.
        CHECK(
            (put.second || (put.first->second.size() == 1 && put.first->second.count(happening.conversation()) == 1)));
        break;
      }
      case What::kAlerting:
      case What::kAnswered:
      case What::kHoldChanged:
        if (happening.has_hold_changed()) ++holds;
        CHECK(known(party));
        CHECK(parties[party].count(happening.conversation()) == 1);
        break;
      case What::kFailed:
      case What::kLeft:
        // A party called in vain may fail in the same breath as it began.
        if (happening.what_case() == What::kLeft) CHECK(parties[party].count(happening.conversation()) == 1);
        parties[party].erase(happening.conversation());
        if (!parties[party].empty()) break;
        parties.erase(party);
        CHECK(ended.insert(party).second);
        over.push_back({false, party});
        break;
      case What::kPlayed:
        ++played;
        if (happening.command() != 0) CHECK(treated.insert(happening.command()).second);
        break;
      default:
        break;
    }
  }

  // After each step: nothing waits on behalf of what is over.
  void balance() {
    for (const auto& [leg, subject] : over) {
      for (const auto& key : waits) {
        if ((key.kind == kCancelGuard) != leg) continue;
        INFO("timer " << key.kind << " of " << to_hex(subject));
        CHECK(key.subject != subject);
      }
    }
    over.clear();
    CHECK(asking.empty());  // each request was answered at once
    CHECK(referring.empty());
  }

  // What an order did that was not refused.
  void joined(std::uint64_t party, std::uint64_t to) {
    ++joins;
    parties[party].insert(to);
  }
  void merged(std::uint64_t from, std::uint64_t into) {
    ++merges;
    for (auto& [party, in] : parties) {
      if (in.erase(from)) in.insert(into);
    }
  }

  bool known(std::uint64_t party) const { return parties.count(party) == 1; }
  void begin(LegId leg) {
    INFO("begun " << name(leg));
    CHECK(all.insert(leg).second);
    legs.insert(leg);
  }
  void alive(LegId leg) {
    INFO("leg " << name(leg));
    CHECK(legs.count(leg) == 1);
  }

  std::set<LegId> all, legs, calls, finals, up, cancelled, reinviting;
  std::set<MediaId> open;
  std::map<MediaId, SceneId> place;
  std::map<std::uint64_t, std::set<std::uint64_t>> parties;  // alive, with the conversations they are in
  std::set<std::uint64_t> ended;
  std::vector<std::pair<bool, std::uint64_t>> over;  // legs (true) and parties ended or forgotten in this step
  TimerQueue timers;
  std::set<TimerKey> waits;
  std::map<MediaId, PlayNo> prompts;  // what is played there, or was
  std::set<std::uint64_t> treated;    // commands whose treatment is over
  std::set<LegId> referring, accepted;
  std::set<SubscriptionId> asking, watching;
  std::size_t refers = 0, notified = 0, played = 0;
  std::size_t scenes = 0, reinvites = 0, holds = 0, music = 0, ringback = 0, forks = 0, joins = 0,
              merges = 0;  // that it was no idle storm
};

class CountedMedia final : public MediaAllocator {
 public:
  explicit CountedMedia(Books& books, std::mt19937_64& random) : books_(books), random_(random) {}
  std::optional<Endpoint> open(const std::string&) override {
    if (random_() % 50 == 0) return std::nullopt;
    const MediaId media{++opened_};
    books_.open.insert(media);
    return Endpoint{media, "10.0.0.1", static_cast<std::uint16_t>(20000 + 2 * (opened_ % 5000))};
  }

 private:
  Books& books_;
  std::mt19937_64& random_;
  std::uint64_t opened_ = 0;
};

}  // namespace tandem::connector::test
