// Treatments of parties: how they reach the party's ear, and what the T-Server is told.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

constexpr std::uint64_t kCall = made(1), kCaller = made(2);

Lines play(Bench& bench, link::Play order, std::uint64_t party = kCaller) {
  link::Command command;
  command.set_conversation(kCall);
  command.set_party(party);
  *command.mutable_play() = std::move(order);
  return bench.command(std::move(command));
}

Lines stop(Bench& bench) {
  link::Command command;
  command.set_conversation(kCall);
  command.set_party(kCaller);
  command.mutable_stop();
  return bench.command(std::move(command));
}

link::Play music(std::uint32_t duration = 0) {
  link::Play order;
  order.set_source(link::Play::MUSIC);
  order.set_file("jazz");
  order.set_duration_ms(duration);
  return order;
}

link::Play menu() {
  link::Play order;
  order.set_source(link::Play::PROMPTS);
  auto& prompt = *order.add_prompts();
  prompt.set_file("menu");
  prompt.set_interruptible(true);
  order.add_prompts()->set_digits("12");
  order.mutable_prompts(1)->set_language("en");
  order.mutable_prompts(1)->set_interruptible(true);
  order.mutable_collect()->set_max_digits(2);
  order.mutable_collect()->set_start_timeout_ms(4000);
  return order;
}

Lines pressed(Bench& bench, char digit, std::uint64_t media = 1) {
  return bench.step(DigitReceived{MediaId{media}, digit, 100});
}

// A caller who waits.
void waiting(Bench& bench) {
  bench.invited(in(1), Phone{.formats = "0", .attributes = ""}.sdp());
  bench.admit(kCall, kCaller, link::Admit::WAITING);
}

}  // namespace

TEST_CASE("MMC-402: a waiting caller hears music in place of ringback") {
  Bench bench;
  waiting(bench);
  CHECK(play(bench, music()) == Lines{"report P2 playing /2", "scene P1: m1 music 'jazz' mute"});
  SECTION("until it is stopped, without a word") {
    CHECK(stop(bench) == Lines{"scene P1: m1 ringback mute"});
    CHECK(stop(bench).empty());
  }
  SECTION("until another takes its place; one with an end says so") {
    CHECK(play(bench, music(3000)) == Lines{"report P2 playing /3"});
    CHECK(play(bench, music()) == Lines{"report P2 played CANCELLED /3", "report P2 playing /4"});
    play(bench, music(3000));
    CHECK(bench.wait(std::chrono::milliseconds(3000)) ==
          Lines{"report P2 played NORMAL /5", "scene P1: m1 ringback mute"});
  }
  SECTION("and the agent who answers it hears nobody yet") {
    bench.answered(kCall, given(1), "sip:bob@tandem.test", 1, 2);
    CHECK(bench.last.size() > 0);
    stop(bench);
    CHECK(bench.admit(kCall, kCaller, link::Admit::ANSWER).back() == "scene P1: m1, m2");
  }
}

TEST_CASE("MMC-402: prompts and digits, early media where there was none") {
  CoreSettings settings;
  settings.early_media_waiting = false;
  Bench bench(settings);
  waiting(bench);
  CHECK(play(bench, menu()) == Lines{"answer in1 183 m1 [0 PCMU] sendrecv v1", "connect m1 192.0.2.1:4000 [0 PCMU]",
                                     "report P2 playing /2", "play m1 #1 menu '1 2' in en",
                                     "scene P1: m1 silence mute"});
  CHECK(bench.step(LinkOpened{2}).front().find("playing") != std::string::npos);
  SECTION("a digit interrupts") {
    CHECK(pressed(bench, '4') == Lines{"play m1 #0"});
    CHECK(bench.step(MediaPlayed{.media = MediaId{1}, .play = 1}).empty());
    CHECK(pressed(bench, '2') ==
          Lines{"report P2 played NORMAL '42' by 2 interrupted by KEYPAD /2", "scene P1: m1 ringback mute"});
    CHECK(pressed(bench, '3') == Lines{"report P2 digit 3"});
  }
  SECTION("nothing is pressed") {
    CHECK(bench.step(MediaPlayed{.media = MediaId{1}, .play = 7}).empty());
    CHECK(bench.step(MediaPlayed{.media = MediaId{1}, .play = 1}).empty());
    CHECK(bench.wait(std::chrono::milliseconds(4000)) ==
          Lines{"report P2 played TIMEOUT /2", "scene P1: m1 ringback mute"});
  }
  SECTION("a prompt is missing") {
    CHECK(bench.step(MediaPlayed{.media = MediaId{1}, .play = 1, .failed = true, .text = "no menu.wav"}).front() ==
          "report P2 played FAILED: no menu.wav /2");
  }
  SECTION("the caller hangs up") {
    CHECK(bench.step(Cancelled{in(1), ""}) ==
          Lines{"play m1 #0", "report P2 played CANCELLED /2", "forget in1", "close m1", "report P2 left CANCELLED"});
  }
  SECTION("the link is lost: its commands have no number any more") {
    bench.step(LinkClosed{1});
    CHECK(bench.step(Cancelled{in(1), ""})[1] == "report P2 played CANCELLED");
  }
  bench.release(kCall);
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("what is pressed during an announcement counts for the digits wanted next") {
  Bench bench;
  waiting(bench);
  auto announcement = menu();
  announcement.clear_collect();
  play(bench, announcement);
  CHECK(pressed(bench, '4') ==
        Lines{"play m1 #0", "report P2 played NORMAL by 4 interrupted by KEYPAD /2", "scene P1: m1 ringback mute"});
  play(bench, menu());
  CHECK(pressed(bench, '2').front() == "report P2 played NORMAL '42' by 2 interrupted by KEYPAD /3");
}

TEST_CASE("digits of an established call are told, those by INFO given to the others as well") {
  Bench bench;
  bench.talking();
  CHECK(pressed(bench, '5') == Lines{"report P2 digit 5"});
  CHECK(bench.step(InfoDigit{in(1), 'a', 100}) == Lines{"digits m2 a", "report P2 digit A"});
  CHECK(bench.step(InfoDigit{in(1), 'x', 100}).empty());
  CHECK(bench.step(InfoDigit{in(9), '1', 100}).empty());
  CHECK(pressed(bench, '5', 9).empty());
}

TEST_CASE("MMC-419: a recording, named by us if nobody named it") {
  Bench bench;
  waiting(bench);
  link::Play order;
  order.set_source(link::Play::PROMPTS);
  order.mutable_record()->set_terminators("#");
  order.mutable_record()->set_max_ms(60000);
  CHECK(play(bench, order) ==
        Lines{"report P2 playing /2", "record m1 #1 '0000008000000003' max 60000", "scene P1: m1 silence mute"});
  CHECK(pressed(bench, '1').empty());
  CHECK(pressed(bench, '#') == Lines{"record m1 #1"});
  CHECK(bench.step(MediaRecorded{.media = MediaId{1}, .play = 1}) ==
        Lines{"report P2 played NORMAL by # recording 0000008000000003 /2", "scene P1: m1 ringback mute"});
  order.mutable_record()->set_recording("../etc/passwd");
  CHECK(play(bench, order) == Lines{"report P2 command BAD_ADDRESS /3"});
}

TEST_CASE("a treatment in a conversation: the one who gets it hears it alone") {
  Bench bench;
  bench.talking();
  CHECK(play(bench, music(), given(1)) == Lines{"report T1 playing /4", "scene P1: m1, m2 music 'jazz'"});
}

TEST_CASE("treatments that can't be") {
  Bench bench;
  bench.invited(in(1), std::nullopt);
  CHECK(play(bench, menu()) == Lines{"report P2 command NOT_SUPPORTED /1"});
  bench.invite(kCall, given(1), "sip:bob@tandem.test");
  CHECK(play(bench, menu(), given(1)) == Lines{"report T1 command WRONG_STATE /3"});
  auto order = menu();
  order.set_source(static_cast<link::Play::Source>(99));
  CHECK(play(bench, order) == Lines{"report P2 command NOT_SUPPORTED /4"});
  order = menu();
  order.mutable_prompts(0)->set_file("a\nb");
  CHECK(play(bench, order) == Lines{"report P2 command BAD_ADDRESS /5"});
}
