// Who hears what: the plan made from a scene, and scenes through the room.
#include <catch2/catch.hpp>

#include "connector/media/g711.h"
#include "connector/media/scene.h"
#include "phone.h"
#include "sound.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::media;
using namespace tandem::connector::test;
using How = Hearing::How;

namespace {

struct Cast {
  std::vector<MediaMember> members;
  std::vector<std::vector<Payload>> payloads;
  std::vector<bool> speaks;
  std::vector<int> comes_with;

  Cast& add(std::vector<Payload> agreed, MediaMember member = {}) {
    member.media = MediaId{members.size() + 1};
    members.push_back(std::move(member));
    payloads.push_back(std::move(agreed));
    speaks.push_back(true);
    comes_with.push_back(-1);
    return *this;
  }
  std::vector<Hearing> plan() const {
    std::vector<SceneParty> parties;
    for (std::size_t i = 0; i < members.size(); ++i)
      parties.push_back({&members[i], payloads[i].empty() ? nullptr : &payloads[i], speaks[i], comes_with[i]});
    return plan_scene(parties);
  }
};

using Places = std::vector<std::size_t>;

}  // namespace

TEST_CASE("two who share a format, or both speak G.711, are relayed; others are mixed") {
  Payload g722{9, -1, "G722", 8000, 1, ""};
  auto plan = Cast().add({pcmu()}).add({pcma()}).plan();
  CHECK(plan[0].how == How::Relay);
  CHECK(plan[0].talkers == Places{1});
  CHECK(plan[1].how == How::Relay);
  CHECK(plan[1].talkers == Places{0});
  plan = Cast().add({pcmu()}).add({g722}).plan();
  CHECK(plan[0].how == How::Mix);
  CHECK(plan[1].how == How::Mix);
  // The first of several formats is what is expected to come, until another does.
  Cast cast;
  cast.add({g722, pcmu()}).add({pcmu()});
  CHECK(cast.plan()[1].how == How::Mix);
  CHECK(cast.plan()[0].how == How::Relay);
  cast.comes_with[0] = 0;
  CHECK(cast.plan()[1].how == How::Relay);
}

TEST_CASE("three hear the sum of the others; nobody hears itself") {
  const auto plan = Cast().add({pcmu()}).add({pcmu()}).add({pcmu()}).plan();
  for (const auto& hearing : plan) CHECK(hearing.how == How::Mix);
  CHECK(plan[0].talkers == Places{1, 2});
  CHECK(plan[1].talkers == Places{0, 2});
  CHECK(plan[2].talkers == Places{0, 1});
}

TEST_CASE("who doesn't talk, is muted for some, is held or hasn't agreed is not heard") {
  Cast cast;
  MediaMember mute;
  mute.talks = false;
  MediaMember coach;
  coach.heard_by = {MediaId{2}};
  MediaMember music;
  music.sound = Sound::Music;
  music.talks = false;
  MediaMember deaf;
  deaf.listens = false;
  cast.add({pcmu()}).add({pcmu()}).add({pcmu()}, coach).add({pcmu()}, mute).add({pcmu()}, music).add({pcmu()}, deaf);
  cast.add({});
  cast.speaks[0] = false;
  const auto plan = cast.plan();
  CHECK(plan[0].talkers == Places{1, 5});
  CHECK(plan[1].talkers == Places{2, 5});
  CHECK(plan[2].talkers == Places{1, 5});
  CHECK(plan[3].talkers == Places{1, 5});
  CHECK(plan[4].how == How::Sound);
  CHECK(plan[5].how == How::Nothing);
  CHECK(plan[6].how == How::Nothing);
}

namespace {

struct Party {
  Phone phone;
  Endpoint at;
  std::uint16_t sequence = 0;
  void say(const Octets& words) {
    ++sequence;
    phone.send(at, rtp(0, sequence, sequence * 160u, 7, words));
  }
};

struct Hall {
  explicit Hall(std::size_t count, MediaSettings settings = quiet_settings())
      : room(std::move(settings), notices.callbacks()) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& party = *parties.emplace_back(std::make_unique<Party>());
      party.at = room.open("").value();
      room.handle(MediaConnect{party.at.media, agree(party.phone, {pcmu(), events()})});
      party.phone.hear();
    }
  }
  MediaMember member(std::size_t i) const { return {parties[i]->at.media}; }
  // B hears what A says, and has heard nothing else since.
  bool hears(std::size_t listener, std::size_t talker) {
    const Octets words(160, static_cast<std::uint8_t>(++word));
    parties[talker]->say(words);
    for (int i = 0; i < 100; ++i) {
      const auto heard = parties[listener]->phone.hear(150ms);
      if (!heard) return false;
      if (heard->payload == words) return true;
    }
    return false;
  }

  Notices notices;
  MediaRoom room;
  std::vector<std::unique_ptr<Party>> parties;
  int word = 0;
};

}  // namespace

TEST_CASE("a scene of two is a relay, muted one way when asked, and over when it is emptied") {
  Hall hall(2);
  hall.room.handle(MediaScene{SceneId{5}, {hall.member(0), hall.member(1)}});
  CHECK(hall.hears(0, 1));
  CHECK(hall.hears(1, 0));
  auto mute = hall.member(0);
  mute.heard_by = {hall.parties[0]->at.media};
  hall.room.handle(MediaScene{SceneId{5}, {mute, hall.member(1)}});
  CHECK(hall.hears(0, 1));
  CHECK_FALSE(hall.hears(1, 0));
  hall.room.handle(MediaScene{SceneId{5}, {}});
  CHECK_FALSE(hall.hears(0, 1));
}

TEST_CASE("an endpoint is in the scene that named it last, on whatever worker it was") {
  auto settings = quiet_settings();
  settings.workers = 3;
  Hall hall(6, settings);
  hall.room.handle(MediaScene{SceneId{1}, {hall.member(0), hall.member(1)}});
  hall.room.handle(MediaScene{SceneId{2}, {hall.member(2), hall.member(3)}});
  hall.room.handle(MediaScene{SceneId{3}, {hall.member(4), hall.member(5)}});
  CHECK(hall.hears(0, 1));
  CHECK(hall.hears(3, 2));
  CHECK(hall.hears(5, 4));
  for (int round = 0; round < 10; ++round) {
    hall.room.handle(MediaScene{SceneId{2}, {hall.member(0), hall.member(2)}});
    hall.room.handle(MediaScene{SceneId{1}, {hall.member(1), hall.member(4)}});
    hall.room.handle(MediaScene{SceneId{3}, {hall.member(3), hall.member(5)}});
    CHECK(hall.hears(0, 2));
    CHECK(hall.hears(1, 4));
    CHECK(hall.hears(5, 3));
    hall.room.handle(MediaScene{SceneId{1}, {hall.member(0), hall.member(1)}});
    hall.room.handle(MediaScene{SceneId{3}, {hall.member(4), hall.member(5)}});
    hall.room.handle(MediaScene{SceneId{2}, {hall.member(2), hall.member(3)}});
    CHECK(hall.hears(1, 0));
    CHECK(hall.hears(2, 3));
    CHECK(hall.hears(4, 5));
  }
}

TEST_CASE("each tone of a scene is heard as set, and goes on when the scene is told again") {
  auto settings = quiet_settings();
  settings.fast_busy = {{600}, -12, {}};
  Hall hall(2, settings);
  auto listener = hall.member(0);
  listener.sound = Sound::FastBusy;
  std::vector<std::int16_t> samples;
  std::optional<Packet> last;
  for (int i = 0; i < 30; ++i) {
    if (i % 10 == 0) hall.room.handle(MediaScene{SceneId{9}, {listener, hall.member(1)}});
    const auto heard = hall.parties[0]->phone.hear();
    REQUIRE(heard);
    if (last) CHECK(heard->sequence == static_cast<std::uint16_t>(last->sequence + 1));
    last = heard;
    for (const auto octet : heard->payload) samples.push_back(decode_pcmu(octet));
  }
  CHECK(tone_dbm0(samples, 600) == Approx(-12).margin(0.3));
  listener.sound = Sound::Others;
  hall.room.handle(MediaScene{SceneId{9}, {listener, hall.member(1)}});
  CHECK(hall.hears(0, 1));
}
