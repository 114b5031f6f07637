// Random calls with everything late, twice, or never: whatever comes, each leg is forgotten once, each endpoint closed
// once, each party ends once for the T-Server, and nothing stays behind.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

constexpr std::uint32_t kCancelGuard = 6;  // the one wait that is a leg's, not a party's

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
  void note(const ForgetLeg& a) {
    INFO("forgotten " << name(a.leg));
    CHECK(legs.erase(a.leg) == 1);
    over.push_back({true, a.leg.value});
    reinviting.erase(a.leg);
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
  void note(const AnswerRefer& a) { alive(a.leg); }
  void note(const NotifyRefer& a) { alive(a.leg); }
  void note(const SendTalk& a) { alive(a.leg); }
  void note(const AnswerSubscription&) {}
  void note(const NotifyConference&) {}
  void note(const MediaPlay& a) { CHECK(open.count(a.media) == 1); }
  void note(const MediaRecord& a) { CHECK(open.count(a.media) == 1); }
  void note(const MediaDigits& a) { CHECK(open.count(a.media) == 1); }

  void take(const link::Happening& happening) {
    using What = link::Happening;
    const auto party = happening.party();
    INFO("party " << party_name(party) << " what " << happening.what_case());
    switch (happening.what_case()) {
      case What::kOffered:
        CHECK(parties.insert({party, {happening.conversation()}}).second);
        break;
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

class Storm {
 public:
  explicit Storm(std::uint64_t seed)
      : random_(seed), media_(books_, random_), core_(make_core(settings(), directory_, media_, seed)) {
    directory_.known["sip:one"] = {Target{.request_uri = "sip:1"}};
    directory_.known["sip:three"] = {Target{.request_uri = "sip:a"}, Target{.request_uri = "sip:b"},
                                     Target{.request_uri = "sip:c", .q_milli = 500}};
    directory_.known["sip:away"] = {};
    give(LinkOpened{link_});
  }

  void run(int steps) {
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

  const Books& books() const { return books_; }

 private:
  static CoreSettings settings() {
    CoreSettings s;
    s.conversations_max = 30;
    s.parties_max = 60;
    return s;
  }

  std::uint64_t pick(std::uint64_t n) { return random_() % n; }
  bool seldom() { return pick(6) == 0; }  // what ends calls, so that some live long enough to be interesting

  void give(Input input) {
    if (const auto* invited = std::get_if<Invited>(&input)) books_.begin(invited->leg);
    if (const auto* accepted = std::get_if<InviteAccepted>(&input)) books_.up.insert(accepted->leg);
    if (const auto* accepted = std::get_if<ReinviteAccepted>(&input)) books_.reinviting.erase(accepted->leg);
    if (const auto* rejected = std::get_if<ReinviteRejected>(&input)) books_.reinviting.erase(rejected->leg);
    Actions actions;
    core_->handle(std::move(input), now_, actions);
    take(actions);
  }

  void pass(std::chrono::milliseconds time) {
    const auto until = now_.steady + time;
    while (books_.timers.next() && *books_.timers.next() <= until) {
      now_.steady = std::max(now_.steady, *books_.timers.next());
      const auto key = *books_.timers.pop(now_.steady);
      books_.waits.erase(key);
      give(CoreTimer{key});
    }
    now_.steady = until;
  }

  template <class Container>
  auto any(const Container& container) {
    auto it = container.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(pick(container.size())));
    return *it;
  }

  LegId some_leg() {
    // Mostly one that lives, sometimes one that is gone or never was.
    if (!books_.legs.empty() && pick(20) != 0) return any(books_.legs);
    if (!books_.all.empty() && pick(2) == 0) return any(books_.all);
    return LegId{pick(2) == 0 ? 999999 : kTop | 999999};
  }

  std::optional<std::string> description() {
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

  SessionTimer timer() {
    SessionTimer t;
    if (pick(2)) t.expires_s = static_cast<std::uint32_t>(60 + pick(200));
    t.supported = pick(2) == 0;
    t.refresher = static_cast<SessionTimer::Refresher>(pick(3));
    return t;
  }

  void step() {
    switch (pick(24)) {
      case 0:
      case 1: {
        Invited input;
        input.leg = LegId{++leg_};
        input.caller.dn = "sip:caller";
        input.request_uri = "sip:support";
        input.sdp = description();
        input.timer = timer();
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
      case 22:
        return give(
            CoreTimer{TimerKey{static_cast<std::uint32_t>(pick(9)), static_cast<std::uint32_t>(pick(4)), pick(100)}});
      default:
        return pass(std::chrono::milliseconds(seldom() ? pick(600000) : pick(5000)));
    }
  }

  // The sip room says these only of legs in the right state; the core mustn't mind when it is late.
  bool calling(LegId leg) const { return books_.calls.count(leg) && !books_.up.count(leg); }
  LegId incoming_unanswered() {
    const auto leg = some_leg();
    return leg.value & kTop ? LegId{999999} : leg;
  }

  void order() {
    link::Command command;
    command.set_id(++command_);
    std::uint64_t party = 0, conversation = 0;
    if (!books_.parties.empty() && pick(20) != 0) {
      const auto one = any(books_.parties);
      party = one.first;
      conversation = any(one.second);
    }
    command.set_party(party);
    command.set_conversation(conversation);
    switch (pick(18)) {
      case 12:
      case 13:
        return joins(std::move(command));
      case 14:
        return merges(std::move(command));
      case 15:
      case 16:
        command.mutable_hold()->set_on(pick(2) == 0);
        break;
      case 17: {
        auto& audio = *command.mutable_audio();
        audio.set_muted(pick(2) == 0);
        audio.set_deaf(pick(3) == 0);
        audio.set_hidden(pick(3) == 0);
        for (auto n = pick(3); n > 0 && !books_.parties.empty(); --n)
          audio.add_heard_only_by(any(books_.parties).first);
        break;
      }
      case 0:
      case 1:
      case 2:
      case 3:
        command.mutable_admit()->set_mode(static_cast<link::Admit::Mode>(pick(3)));
        break;
      case 4:
        if (!seldom()) return;
        command.mutable_reject()->set_status(static_cast<std::uint32_t>(200 + pick(400)));
        break;
      case 5:
        if (!seldom()) return;
        command.mutable_remove();
        break;
      case 6:
        if (pick(3) == 0)
          command.mutable_release();
        else
          command.mutable_tag()->set_conn_id(pick(1000));
        break;
      default: {
        auto& invite = *command.mutable_invite();
        const char* destinations[] = {"sip:one", "sip:one", "sip:three", "sip:three", "sip:away", "sip:nowhere"};
        invite.set_to(destinations[pick(6)]);
        invite.set_timeout_ms(pick(3) == 0 ? static_cast<std::uint32_t>(pick(10000)) : 0);
        if (conversation == 0 || pick(4) == 0) {
          conversation = kTop | ++given_;
          invite.set_originator(true);
        }
        party = kTop | ++given_;
        command.set_party(party);
        command.set_conversation(conversation);
        books_.parties[party] = {conversation};
        Actions actions;
        core_->handle(Commanded{link_, command}, now_, actions);
        if (refused(actions)) books_.parties.erase(party);
        take(actions);
        return;
      }
    }
    give(Commanded{link_, std::move(command)});
  }

  void joins(link::Command command) {
    auto to = kTop | ++given_;
    if (!books_.parties.empty() && pick(3) == 0) to = any(any(books_.parties).second);
    command.mutable_join()->set_to(to);
    Actions actions;
    core_->handle(Commanded{link_, command}, now_, actions);
    if (!refused(actions)) books_.joined(command.party(), to);
    take(actions);
  }

  void merges(link::Command command) {
    // Mostly what a T-Server would merge: two conversations of one party.
    std::uint64_t into = 999;
    for (const auto& [party, in] : books_.parties) {
      if (in.size() < 2) continue;
      command.set_conversation(*in.begin());
      into = *in.rbegin();
    }
    if (into == 999 && pick(4) != 0) return;
    if (into == 999 && !books_.parties.empty()) into = any(any(books_.parties).second);
    command.mutable_merge()->set_into(into);
    Actions actions;
    core_->handle(Commanded{link_, command}, now_, actions);
    if (!refused(actions)) books_.merged(command.conversation(), into);
    take(actions);
  }

  static bool refused(const Actions& actions) {
    return std::any_of(actions.begin(), actions.end(), [](const Action& action) {
      const auto* report = std::get_if<Report>(&action);
      return report && report->happening.has_command_failed();
    });
  }

  void take(const Actions& actions) {
    for (const auto& action : actions) books_.take(action);
    books_.balance();
  }

  std::mt19937_64 random_;
  Books books_;
  FakeDirectory directory_;
  CountedMedia media_;
  std::unique_ptr<Machine> core_;
  Now now_{std::chrono::hours(1), {}};
  LinkNo link_ = 1;
  std::uint64_t leg_ = 0, given_ = 0, command_ = 0;
};

}  // namespace

TEST_CASE("whatever comes, nothing stays behind") {
  // TANDEM_SEED=n repeats one, TANDEM_RUNS=n does more.
  const char* given_seed = std::getenv("TANDEM_SEED");
  const char* given_runs = std::getenv("TANDEM_RUNS");
  const std::uint64_t first = given_seed ? std::strtoull(given_seed, nullptr, 10) : 1;
  const std::uint64_t runs = given_seed ? 1 : given_runs ? std::strtoull(given_runs, nullptr, 10) : 300;
  std::size_t scenes = 0, reinvites = 0, holds = 0, music = 0, ringback = 0, forks = 0, joins = 0, merges = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    INFO("again with TANDEM_SEED=" << seed);
    Storm storm(seed);
    storm.run(400);
    const auto& books = storm.books();
    REQUIRE(books.legs.empty());
    REQUIRE(books.open.empty());
    REQUIRE(books.place.empty());
    REQUIRE(books.parties.empty());
    REQUIRE(books.timers.size() == 0);
    scenes += books.scenes;
    reinvites += books.reinvites;
    holds += books.holds;
    music += books.music;
    ringback += books.ringback;
    forks += books.forks;
    joins += books.joins;
    merges += books.merges;
  }
  if (given_seed || given_runs) return;
  CHECK(scenes > 300);
  CHECK(reinvites > 100);
  CHECK(holds > 100);
  CHECK(music > 100);
  CHECK(ringback > 300);
  CHECK(forks > 300);
  CHECK(joins > 300);
  CHECK(merges > 100);
}

TEST_CASE("the same inputs give the same actions") {
  const auto run = [] {
    std::string all;
    Bench bench;
    bench.invited(in(1), Phone{}.sdp());
    for (const auto& text : bench.admit(made(1), made(2), link::Admit::WAITING)) all += text;
    for (const auto& text : bench.wait(std::chrono::hours(1))) all += text;
    return all;
  };
  CHECK(run() == run());
}
