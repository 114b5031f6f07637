#include "random_storm.h"

#include <algorithm>

namespace tandem::connector::test {

Storm::Storm(std::uint64_t seed)
    : random_(seed), media_(books_, random_), core_(make_core(settings(), directory_, media_, seed, seed)) {
  directory_.known["sip:one"] = {Target{.request_uri = "sip:1"}};
  directory_.known["sip:three"] = {Target{.request_uri = "sip:a"}, Target{.request_uri = "sip:b"},
                                   Target{.request_uri = "sip:c", .q_milli = 500}};
  directory_.known["sip:away"] = {};
  give(LinkOpened{link_});
}

void Storm::run(int steps) {
  for (int i = 0; i < steps; ++i) step();
  // Everything that may have been lost on the way comes now: the storm is over.
  const auto end = pick(3);
  if (end == 0) {
    give(LinkClosed{link_});
  } else if (end == 1) {
    give(CoreStopping{});
    CHECK(books_.parties.empty());
    CHECK(books_.open.empty());
  } else {
    std::set<std::uint64_t> conversations;
    for (const auto& [party, in] : books_.parties) conversations.insert(in.begin(), in.end());
    for (const auto conversation : conversations) {
      link::Command order;
      order.set_id(++command_);
      order.set_conversation(conversation);
      order.mutable_release();
      give(Commanded{link_, std::move(order)});
    }
    CHECK(books_.parties.empty());
    give(LinkClosed{link_});
  }
  for (int hour = 0; hour < 10 && (books_.timers.size() > 0 || !books_.legs.empty()); ++hour) {
    for (const auto leg : std::set<LegId>(books_.legs)) {
      if (books_.up.count(leg)) give(ByeReceived{leg, ""});
    }
    pass(std::chrono::seconds(3600));
  }
}

CoreSettings Storm::settings() {
  CoreSettings s;
  s.conversations_max = 30;
  s.parties_max = 60;
  s.conferences = *ConferenceNames::of("conf{DD}", 5, "tandem.test");
  s.conference_pool_size = 2;
  return s;
}

void Storm::give(Input input) {
  if (const auto* invited = std::get_if<Invited>(&input)) books_.begin(invited->leg);
  if (const auto* accepted = std::get_if<InviteAccepted>(&input)) books_.up.insert(accepted->leg);
  if (const auto* accepted = std::get_if<ReinviteAccepted>(&input)) books_.reinviting.erase(accepted->leg);
  if (const auto* rejected = std::get_if<ReinviteRejected>(&input)) books_.reinviting.erase(rejected->leg);
  if (const auto* refer = std::get_if<ReferAsked>(&input); refer && books_.legs.count(refer->leg))
    books_.referring.insert(refer->leg);
  if (const auto* subscribed = std::get_if<ConferenceSubscribed>(&input);
      subscribed && books_.watching.count(subscribed->subscription) == 0)
    books_.asking.insert(subscribed->subscription);
  if (const auto* ended = std::get_if<ConferenceUnsubscribed>(&input)) books_.watching.erase(ended->subscription);
  Actions actions;
  core_->handle(std::move(input), now_, actions);
  take(actions);
}

void Storm::pass(std::chrono::milliseconds time) {
  const auto until = now_.steady + time;
  while (books_.timers.next() && *books_.timers.next() <= until) {
    now_.steady = std::max(now_.steady, *books_.timers.next());
    const auto key = *books_.timers.pop(now_.steady);
    books_.waits.erase(key);
    give(CoreTimer{key});
  }
  now_.steady = until;
}

LegId Storm::some_leg() {
  // Mostly one that lives, sometimes one that is gone or never was.
  if (!books_.legs.empty() && pick(20) != 0) return any(books_.legs);
  if (!books_.all.empty() && pick(2) == 0) return any(books_.all);
  return LegId{pick(2) == 0 ? 999999 : kTop | 999999};
}

std::optional<std::string> Storm::description() {
  switch (pick(12)) {
    case 0:
      return std::nullopt;
    case 1:
      return "rubbish";
    case 2:
      return Phone{.formats = "9", .attributes = ""}.sdp();
    case 3:
      return Phone{.formats = "96", .attributes = "a=rtpmap:96 opus/48000/2\r\n"}.sdp();
    case 4:
      return Phone{.formats = "0", .direction = "sendonly"}.sdp();
    case 5:
      return Phone{.ip = "0.0.0.0"}.sdp();
    case 6:
      return Phone{.port = 0}.sdp();
    case 7:
      return Phone{.formats = "8 9"}.sdp() + "m=video 9 RTP/AVP 31\r\n";
    default:
      return Phone{.port = static_cast<int>(4000 + pick(100))}.sdp();
  }
}

SessionTimer Storm::timer() {
  SessionTimer t;
  if (pick(2)) t.expires_s = static_cast<std::uint32_t>(60 + pick(200));
  t.supported = pick(2) == 0;
  t.refresher = static_cast<SessionTimer::Refresher>(pick(3));
  return t;
}

void Storm::step() {
  switch (pick(32)) {
    case 0:
    case 1: {
      Invited input;
      input.leg = LegId{++leg_};
      input.caller.dn = "sip:caller";
      input.request_uri = pick(4) == 0 ? conference() : "sip:support";
      input.sdp = description();
      input.timer = timer();
      if (pick(8) == 0) input.replaces = some_leg();
      return give(std::move(input));
    }
    case 2:
    case 3:
    case 4:
    case 5:
      return order();
    case 6:
      return seldom() ? give(Cancelled{incoming_unanswered(), ""}) : void();
    case 7:
      return give(Acked{some_leg(), description()});
    case 8:
      return seldom() ? give(AckMissing{some_leg()}) : void();
    case 9:
    case 10:
      return give(Progressed{some_leg(), static_cast<int>(180 + pick(4)), pick(2) ? description() : std::nullopt});
    case 11:
    case 12: {
      const auto leg = some_leg();
      if (!calling(leg)) return;
      return give(InviteAccepted{.leg = leg, .sdp = description(), .timer = timer()});
    }
    case 13: {
      const auto leg = some_leg();
      if (!calling(leg)) return;
      const int statuses[] = {302, 404, 408, 422, 480, 486, 487, 503, 603};
      return give(InviteRejected{
          .leg = leg, .status = any(std::vector<int>(std::begin(statuses), std::end(statuses))), .min_se_s = 3600});
    }
    case 14:
    case 15:
      return give(Reinvited{.leg = some_leg(), .sdp = description(), .timer = timer(), .update = pick(2) == 0});
    case 16: {
      const auto leg = some_leg();
      return give(ReinviteAccepted{.leg = leg, .sdp = description(), .timer = timer()});
    }
    case 17: {
      const int statuses[] = {408, 422, 481, 488, 491, 491, 500};
      return give(ReinviteRejected{some_leg(), statuses[seldom() ? pick(7) : 3 + pick(4)], 5, 3600});
    }
    case 18:
      return seldom() ? give(ByeReceived{some_leg(), ""}) : void();
    case 19:
      return seldom() ? give(LegLost{some_leg(), ""}) : void();
    case 20:
      return seldom() && !books_.open.empty() ? give(MediaSilent{any(books_.open)}) : void();
    case 21:
      if (pick(10) == 0) {
        give(LinkClosed{link_});
        if (pick(2)) pass(std::chrono::milliseconds(pick(8000)));
        give(LinkOpened{++link_});
      }
      return;
    case 23:
    case 24:
      return media_says();
    case 25:
    case 26:
      return phone_says();
    case 27:
    case 28:
      return watch();
    case 22:
      return give(
          CoreTimer{TimerKey{static_cast<std::uint32_t>(pick(11)), static_cast<std::uint32_t>(pick(4)), pick(100)}});
    default:
      return pass(std::chrono::milliseconds(seldom() ? pick(600000) : pick(5000)));
  }
}

LegId Storm::incoming_unanswered() {
  const auto leg = some_leg();
  return leg.value & kTop ? LegId{999999} : leg;
}

std::string Storm::conference() {
  return "sip:conf0" + std::to_string(1 + pick(6)) + "@tandem.test";
}

// Digits, prompts that ended, recordings that were made.
void Storm::media_says() {
  if (books_.open.empty()) return;
  const MediaId media = any(books_.open);
  const auto playing = books_.prompts.find(media);
  const PlayNo play = playing == books_.prompts.end() || seldom() ? pick(50) : playing->second;
  switch (pick(5)) {
    case 0:
    case 1:
      return give(MediaPlayed{media, play, seldom(), ""});
    case 2:
      return give(MediaRecorded{.media = media, .play = play, .recording = "r1", .duration_ms = 100});
    default:
      return give(DigitReceived{media, "0123456789*#"[pick(12)], 100});
  }
}

// REFER, digits by INFO, "I can't be told to answer".
void Storm::phone_says() {
  const auto leg = some_leg();
  switch (pick(4)) {
    case 0:
      return give(InfoDigit{leg, "0123456789*#"[pick(12)], 100});
    case 1:
      return give(TalkRefused{leg, 480});
    default:
      if (books_.up.count(leg) == 0 || books_.legs.count(leg) == 0) return;
      return give(ReferAsked{.leg = leg,
                             .refer_to = pick(2) ? "sip:one" : "sip:nowhere",
                             .replaces = pick(3) == 0 ? some_leg() : LegId{},
                             .replaces_unknown = pick(8) == 0});
  }
}

// Somebody subscribes to a conference, asks again, or has enough of it.
void Storm::watch() {
  if (!books_.watching.empty() && pick(3) == 0) {
    const SubscriptionId one = any(books_.watching);
    if (pick(2)) return give(ConferenceUnsubscribed{one});
    return give(ConferenceSubscribed{one, conference(), "sip:watcher"});
  }
  give(ConferenceSubscribed{SubscriptionId{++subscription_}, conference(), "sip:watcher"});
}

}  // namespace tandem::connector::test
