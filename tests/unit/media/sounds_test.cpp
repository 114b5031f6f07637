// Music, prompts, spoken texts, recordings and digits through the room.
#include <catch2/catch.hpp>

#include "choir.h"
#include "connector/media/recording.h"
#include "connector/media/sound_library.h"
#include "wav.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const double played = peak_dbm0(8000);

MediaPlayed played_of(Notices& notices) {
  const auto told = notices.input();
  REQUIRE(told);
  REQUIRE(std::holds_alternative<MediaPlayed>(*told));
  return std::get<MediaPlayed>(*told);
}
// One of each, in whatever order they end.
std::map<MediaId, MediaRecorded> recorded_of(Notices& notices, std::size_t count) {
  std::map<MediaId, MediaRecorded> all;
  for (std::size_t i = 0; i < count; ++i) {
    const auto told = notices.input();
    REQUIRE(told);
    REQUIRE(std::holds_alternative<MediaRecorded>(*told));
    const auto& recorded = std::get<MediaRecorded>(*told);
    REQUIRE(all.emplace(recorded.media, recorded).second);
  }
  return all;
}

}  // namespace

TEST_CASE("MMC-294, music on hold: a file of any rate, round and round, in every coding") {
  const Folder folder("music");
  write_tone(folder / "hold.wav", 500, 0.5, 44100, 2);
  auto settings = quiet_settings();
  settings.music_file = folder / "hold.wav";
  Choir choir(stepped(settings));
  for (const auto& payload : {pcmu(), pcma(), g722(), opus()}) choir.add(payload, 900);
  choir.scene([](auto& members) {
    for (auto& member : members) member.sound = Sound::Music;
  });
  choir.sing(1600ms);
  for (const auto& held : choir.singers) {
    CAPTURE(static_cast<int>(held->number));
    CHECK(held->level(500) == Approx(played).margin(1));
    CHECK(held->legal);
  }
}

TEST_CASE("MMC-295, without a file of music who is held hears nothing") {
  Choir choir;
  auto& held = choir.add(pcmu(), 900);
  choir.add(pcmu(), 500);
  choir.scene([](auto& members) { members[0].sound = Sound::Music; });
  choir.sing(900ms);
  CHECK(held.heard.size() >= 6000);
  CHECK(held.level(500) < -60);
  CHECK(held.legal);
}

TEST_CASE("music that can't be read is silence, told once; other music from a scene lies in the prompts' folder only") {
  const Folder folder("othermusic");
  write_tone(folder / "sea.wav", 700, 1);
  auto settings = quiet_settings();
  settings.music_file = "/nonexistent/hold.wav";
  settings.prompts_folder = folder.path.string();
  Choir choir(stepped(settings));
  auto& held = choir.add(pcmu(), 900);
  choir.scene([](auto& members) { members[0].sound = Sound::Music; });
  const auto trouble = choir.notices.trouble();
  REQUIRE(trouble);
  CHECK_THAT(*trouble, Catch::Contains("/nonexistent/hold.wav"));
  choir.scene([](auto& members) { members[0].sound = Sound::Music; });
  CHECK_FALSE(choir.notices.trouble(200ms));
  choir.scene([&](auto& members) {
    members[0].sound = Sound::Music;
    members[0].music = "sea";
  });
  choir.sing(900ms);
  CHECK(held.level(700) == Approx(played).margin(1));
  choir.room.use_files(folder / "sea.wav", "");
  choir.scene([&](auto& members) { members[0].sound = Sound::Music; });
  choir.sing(900ms);
  CHECK(held.level(700) == Approx(played).margin(1));
}

TEST_CASE("prompts are played one after the other, in place of the scene, and then it is told") {
  const Folder folder("prompts");
  write_tone(folder / "1.wav", 500, 0.6);
  std::filesystem::create_directories(folder.path / "en");
  write_tone(folder / "en/2.wav", 800, 0.6, 16000);
  auto settings = quiet_settings();
  settings.prompts_folder = folder.path.string();
  Choir choir(stepped(settings));
  auto& a = choir.add(pcmu(), 300);
  choir.add(pcmu(), 1300);
  choir.scene();
  choir.room.handle(MediaPlay{a.at.media, 4, {{"1", "", ""}, {"en/2.wav", "", ""}}});
  choir.sing(1600ms);
  const auto told = played_of(choir.notices);
  CHECK(told.media == a.at.media);
  CHECK(told.play == 4);
  CHECK_FALSE(told.failed);
  const auto heard = std::span(a.heard);
  REQUIRE(heard.size() > 9600);
  // 600 ms of each, after what little of the other party came first.
  double first = -100, second = -100;
  for (std::size_t at = 0; at + 4000 <= heard.size(); at += 160) {
    first = std::max(first, tone_dbm0(heard.subspan(at, 4000), 500));
    second = std::max(second, tone_dbm0(heard.subspan(at, 4000), 800));
  }
  CHECK(first == Approx(played).margin(0.5));
  CHECK(second == Approx(played).margin(0.5));
  CHECK(a.legal);
  choir.sing(800ms);
  CHECK(a.level(1300) == Approx(peak_dbm0(4000)).margin(1));
}

TEST_CASE(
    "a prompt that is missing, or outside the folder, is told with the reason; a replaced or ended one isn't told") {
  const Folder folder("refused"), outside("outside");
  write_tone(folder / "long.wav", 500, 5);
  write_tone(folder / "short.wav", 800, 0.2);
  write_tone(outside / "secret.wav", 500, 1);
  std::filesystem::create_symlink(outside / "secret.wav", folder / "link.wav");
  auto settings = quiet_settings();
  settings.prompts_folder = folder.path.string();
  settings.speech_command = "";
  Choir choir(settings);
  auto& a = choir.add(pcmu(), 300);
  PlayNo play = 0;
  for (const std::string file : {"none", "../secret.wav", "/etc/passwd", "link", "a/../../secret"}) {
    choir.room.handle(MediaPlay{a.at.media, ++play, {{"short", "", ""}, {file, "", ""}}});
    const auto told = played_of(choir.notices);
    CHECK(told.play == play);
    CHECK(told.failed);
    CHECK_THAT(told.text, Catch::Contains(file));
  }
  choir.room.handle(MediaPlay{a.at.media, 98, {{"", "Good morning", "en"}}});
  CHECK(played_of(choir.notices).failed);
  choir.room.handle(MediaPlay{a.at.media, 99, {{"long", "", ""}}});
  choir.room.handle(MediaPlay{a.at.media, 100, {{"short", "", ""}}});
  CHECK(played_of(choir.notices).play == 100);
  choir.room.handle(MediaPlay{a.at.media, 101, {{"long", "", ""}}});
  choir.room.handle(MediaPlay{a.at.media, 102, {}});
  CHECK_FALSE(choir.notices.input(300ms));
}

TEST_CASE("texts are spoken by the command, once each; one that hangs or fails is told") {
  const Folder folder("speech");
  write_tone(folder / "voice.wav", 600, 0.3);
  auto settings = quiet_settings();
  settings.speech_folder = folder / "kept";
  settings.speech_timeout = 300ms;
  settings.speech_command = "cp " + (folder / "voice.wav") + " {file}";
  {
    Choir choir(settings);
    auto& a = choir.add(pcmu(), 300);
    choir.room.handle(MediaPlay{a.at.media, 1, {{"", "Hello", "en"}}});
    CHECK_FALSE(played_of(choir.notices).failed);
    std::filesystem::remove(folder / "voice.wav");
    choir.room.handle(MediaPlay{a.at.media, 2, {{"", "Hello", "en"}}});
    CHECK_FALSE(played_of(choir.notices).failed);
    choir.room.handle(MediaPlay{a.at.media, 3, {{"", "Another", "en"}}});
    CHECK(played_of(choir.notices).failed);
    choir.room.handle(MediaPlay{a.at.media, 4, {{"", "Hello", "-w/tmp/x"}}});
    CHECK_THAT(played_of(choir.notices).text, Catch::Contains("language"));
  }
  settings.speech_command = "sleep 60";
  Choir choir(settings);
  auto& a = choir.add(pcmu(), 300);
  for (PlayNo play = 1; play <= 4; ++play)
    choir.room.handle(MediaPlay{a.at.media, play, {{"", "Slow " + std::to_string(play), "en"}}});
  const auto told = played_of(choir.notices);
  CHECK(told.play == 4);
  CHECK_THAT(told.text, Catch::Contains("too long"));
  settings.speech_command = "/nonexistent/speaker";
  Choir other(settings);
  auto& b = other.add(pcmu(), 300);
  other.room.handle(MediaPlay{b.at.media, 1, {{"", "Hello", "en"}}});
  CHECK_THAT(played_of(other.notices).text, Catch::Contains("/nonexistent/speaker"));
}

TEST_CASE("espeak-ng speaks, where it is installed") {
  if (!std::filesystem::exists("/usr/bin/espeak-ng")) return;
  const Folder folder("espeak");
  auto settings = quiet_settings();
  settings.speech_folder = folder / "kept";
  Choir choir(settings);
  auto& a = choir.add(pcmu(), 300);
  choir.room.handle(MediaPlay{a.at.media, 1, {{"", "-f /etc/passwd", "en"}}});
  const auto told = choir.notices.input(20s);
  REQUIRE(told);
  CHECK_FALSE(std::get<MediaPlayed>(*told).failed);
  a.listen();
  CHECK(a.heard.size() > 8000);
}

TEST_CASE("what a party says is recorded until ordered, limited or silent; nothing outside the folder") {
  const Folder folder("recordings");
  auto settings = quiet_settings();
  settings.recordings_folder = folder / "made";
  Choir choir(stepped(settings));
  // Narrow and wide, alone and among three who are mixed.
  struct Case {
    Singer* a;
    bool wide, in_mix;
    std::string name() const { return std::string(wide ? "wide" : "narrow") + (in_mix ? "-mixed" : "-alone"); }
  };
  std::vector<Case> cases;
  for (const bool wide : {false, true}) {
    for (const bool in_mix : {false, true}) {
      auto& a = choir.add(wide ? g722() : pcmu(), 600);
      cases.push_back({&a, wide, in_mix});
      if (!in_mix) continue;
      const auto& b = choir.add(pcmu(), 900);
      const auto& c = choir.add(pcmu(), 1200);
      choir.room.handle(scene_of({a.at.media, b.at.media, c.at.media}, SceneId{cases.size()}));
    }
  }
  // Gives all of them one order each, and lets them sing.
  const auto order = [&](PlayNo play, const std::string& name, std::uint32_t max_ms = 0, std::uint32_t silence_ms = 0) {
    for (const auto& each : cases)
      choir.room.handle(
          MediaRecord{each.a->at.media, play, name.empty() ? "" : name + each.name(), max_ms, silence_ms});
  };
  order(1, "greeting-");
  choir.sing(1000ms);
  order(2, "");
  auto told = recorded_of(choir.notices, cases.size());
  for (const auto& each : cases) {
    CAPTURE(each.name());
    const auto& one = told.at(each.a->at.media);
    CHECK(one.play == 1);
    CHECK(one.end == MediaRecorded::End::Ordered);
    CHECK(one.recording == "greeting-" + each.name());
    CHECK(one.duration_ms == Approx(1000).margin(250));
    const auto made = media::read_recording(folder / ("made/greeting-" + each.name() + ".wav"));
    REQUIRE(made.has_value());
    CHECK(made->rate == (each.wide ? 16000 : 8000));
    REQUIRE(made->samples.size() >= made->rate / 2);
    CHECK(tone_dbm0(std::span(made->samples).last(made->rate / 2), 600, made->rate) ==
          Approx(peak_dbm0(4000)).margin(1));
  }

  order(3, "limited-", 400);
  choir.sing(600ms);
  told = recorded_of(choir.notices, cases.size());
  for (const auto& each : cases) {
    CAPTURE(each.name());
    CHECK(told.at(each.a->at.media).end == MediaRecorded::End::Limit);
    CHECK(told.at(each.a->at.media).duration_ms == 400);
  }

  order(4, "silent-", 0, 500);
  choir.sing(800ms);
  for (const auto& each : cases) each.a->mute = true;
  choir.sing(900ms);
  told = recorded_of(choir.notices, cases.size());
  for (const auto& each : cases) {
    CAPTURE(each.name());
    CHECK(told.at(each.a->at.media).end == MediaRecorded::End::Silence);
    CHECK(told.at(each.a->at.media).duration_ms == Approx(1350).margin(250));
  }

  for (const std::string name : {"../x", "a/b", ".hidden", "/tmp/x"}) {
    order(5, name);
    for (const auto& each : recorded_of(choir.notices, cases.size())) {
      CHECK(each.second.end == MediaRecorded::End::Failed);
    }
  }
  // A party that goes away, and a room that ends, leave whole files.
  order(6, "left-");
  for (const auto& each : cases) choir.room.handle(MediaClose{each.a->at.media});
  for (const auto& each : recorded_of(choir.notices, cases.size()))
    CHECK(each.second.end == MediaRecorded::End::Ordered);
}

TEST_CASE("MMC-414, digits as events: durations rise, the end comes three times, one timestamp each") {
  Choir choir;
  auto& a = choir.add(pcmu(), 400, true);
  choir.scene();
  choir.room.handle(MediaDigits{a.at.media, "5#"});
  choir.sing(700ms);
  REQUIRE(a.others.size() == 14);
  CHECK(a.legal);
  for (std::size_t digit = 0; digit < 2; ++digit) {
    for (std::size_t i = 0; i < 7; ++i) {
      const auto& packet = a.others[digit * 7 + i];
      CHECK(packet.payload_type == 101);
      REQUIRE(packet.payload.size() == 4);
      CHECK(packet.payload[0] == (digit == 0 ? 5 : 11));
      CHECK((packet.payload[1] & 0x80) == (i >= 4 ? 0x80 : 0));
      CHECK(number(packet.payload, 2, 2) == std::min<std::size_t>(i + 1, 5) * 160);
      CHECK(packet.marker == (i == 0));
      CHECK(packet.timestamp == a.others[digit * 7].timestamp);
    }
  }
  const auto between = a.others[7].timestamp - a.others[0].timestamp;
  CHECK(between >= 1500);
  CHECK(between <= 2600);
}

TEST_CASE("MMC-414, digits as tones where no events were agreed, and a pause for a comma") {
  Choir choir;
  for (const auto& payload : {pcmu(), opus()}) {
    auto& a = choir.add(payload, 300);
    choir.room.handle(scene_of({a.at.media}, SceneId{choir.singers.size()}));
    choir.room.handle(MediaDigits{a.at.media, "3,*"});
  }
  choir.sing(1600ms);
  for (const auto& a : choir.singers) {
    CAPTURE(static_cast<int>(a->number));
    const auto rate = static_cast<double>(media::sample_rate(a->coding));
    const auto piece = static_cast<std::size_t>(rate * 0.08);
    const auto loudest = [&](double hz) {
      double best = -100;
      for (std::size_t at = 0; at + piece <= a->heard.size(); at += piece / 4)
        best = std::max(best, tone_dbm0(std::span(a->heard).subspan(at, piece), hz, rate));
      return best;
    };
    for (const double hz : {697.0, 1477.0, 941.0, 1209.0}) CHECK(loudest(hz) == Approx(-11).margin(2));
    CHECK(loudest(1633) < -25);
    CHECK(a->heard.size() >= static_cast<std::size_t>(rate * 1.35));
  }
}

TEST_CASE("names of files stay below their folder") {
  const Folder folder("names");
  write_tone(folder / "a.wav", 500, 0.1);
  const auto at = folder.path.string();
  CHECK(media::file_below(at, "a") == std::filesystem::canonical(folder / "a.wav").string());
  CHECK(media::file_below(at, "a.wav") != "");
  for (const std::string name : {"", "b", ".", "..", "../a", "/a", "a/../../a"})
    CHECK(media::file_below(at, name) == "");
  CHECK(media::file_below("", "a") == "");
  CHECK(media::good_recording_name("Ann_12-3.4"));
  for (const std::string name : {"", ".a", "a/b", "a b", "\n"}) CHECK_FALSE(media::good_recording_name(name));
  CHECK_FALSE(media::good_recording_name(std::string(129, 'a')));
}
