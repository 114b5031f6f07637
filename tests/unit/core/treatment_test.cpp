// The treatment machine as tables: what comes, and all that is said of it.
//   "1"      digit            ">"  prompts heard     "!"  prompts failed
//   "d" "t"  the wait for the next digit, for all of it, is over
//   "s" "l" "o" "f"  the recording ended: silence, limit, as ordered, failed       "x"  cancelled
#include <catch2/catch.hpp>

#include "connector/core/treatment.h"

using namespace tandem;
using namespace tandem::connector;

namespace {

std::string text(const Treatment::Steps& steps) {
  using What = TreatmentStep::What;
  std::string out;
  for (const auto& step : steps) {
    if (!out.empty()) out += " ";
    switch (step.what) {
      case What::Play:
        out += "play";
        for (const auto& prompt : step.prompts) out += ":" + prompt.file + prompt.text;
        break;
      case What::StopPlay:
        out += "stop";
        break;
      case What::Record:
        out += "record";
        break;
      case What::StopRecord:
        out += "stop-record";
        break;
      case What::WaitDigit:
        out += "digit" + std::to_string(step.time.count());
        break;
      case What::WaitTotal:
        out += "total" + std::to_string(step.time.count());
        break;
      case What::Done: {
        const auto& p = step.played;
        out += link::Played::Completion_Name(p.completion()) + "(" + p.digits() + ")" + p.last_digit();
        if (p.interrupted()) out += " KEYPAD";
        if (p.verified()) out += " verified";
        if (!p.text().empty()) out += " " + p.text();
        break;
      }
    }
  }
  return out;
}

// The steps of the beginning and of each event, separated by " | ".
std::string run(link::Play order, const std::string& events, const std::string& typed = {}) {
  Treatment treatment(std::move(order));
  std::string out = text(treatment.begin(typed));
  for (const char event : events) {
    Treatment::Steps steps;
    using End = MediaRecorded::End;
    switch (event) {
      case '>':
        steps = treatment.heard(false, {});
        break;
      case '!':
        steps = treatment.heard(true, "no file");
        break;
      case 'd':
        steps = treatment.digit_missing();
        break;
      case 't':
        steps = treatment.time_over();
        break;
      case 's':
        steps = treatment.recorded(MediaRecorded{.end = End::Silence});
        break;
      case 'l':
        steps = treatment.recorded(MediaRecorded{.end = End::Limit});
        break;
      case 'o':
        steps = treatment.recorded(MediaRecorded{.end = End::Ordered});
        break;
      case 'f':
        steps = treatment.recorded(MediaRecorded{.end = End::Failed, .text = "disk full"});
        break;
      case 'x':
        steps = treatment.cancel();
        break;
      default:
        steps = treatment.digit(event);
    }
    out += " | " + text(steps);
  }
  return out;
}

link::Play sound(link::Play::Source source, std::uint32_t duration = 0) {
  link::Play order;
  order.set_source(source);
  order.set_duration_ms(duration);
  return order;
}

// "a" a prompt that can't be interrupted, "A" one that can.
link::Play prompts(const std::string& names) {
  link::Play order;
  order.set_source(link::Play::PROMPTS);
  for (const char name : names) {
    auto& prompt = *order.add_prompts();
    prompt.set_file(std::string(1, name));
    prompt.set_interruptible(name < 'a');
  }
  return order;
}

link::Play collect(const std::string& names) {
  auto order = prompts(names);
  auto& c = *order.mutable_collect();
  c.set_max_digits(3);
  c.set_terminators("#");
  c.set_backspace("*");
  c.set_start_timeout_ms(5000);
  c.set_digit_timeout_ms(2000);
  c.set_total_timeout_ms(9000);
  return order;
}

link::Play verify(const std::string& digits, std::uint32_t attempts) {
  auto order = collect("A");
  order.mutable_collect()->set_verify(digits);
  order.mutable_collect()->set_attempts(attempts);
  return order;
}

link::Play record() {
  auto order = prompts("a");
  order.mutable_record()->set_recording("one");
  order.mutable_record()->set_terminators("#");
  order.mutable_record()->set_abort("*");
  return order;
}

}  // namespace

TEST_CASE("MMC-402: sounds last for ever, or for their duration") {
  CHECK(run(sound(link::Play::MUSIC), "1tx") == " |  |  | ");
  CHECK(run(sound(link::Play::SILENCE, 3000), "1t") == "total3000 |  | NORMAL()");
  CHECK(run(sound(link::Play::BUSY, 3000), "xt") == "total3000 | CANCELLED() | ");
  CHECK(Treatment(sound(link::Play::MUSIC)).sound() == Sound::Music);
  CHECK(Treatment(sound(link::Play::RINGBACK)).sound() == Sound::Ringback);
  CHECK(Treatment(sound(link::Play::BUSY)).sound() == Sound::Busy);
  CHECK(Treatment(sound(link::Play::FAST_BUSY)).sound() == Sound::FastBusy);
  CHECK(Treatment(prompts("a")).sound() == Sound::Silence);
}

TEST_CASE("MMC-419: prompts, all heard, interrupted, failed, cancelled") {
  CHECK(run(prompts("ab"), ">") == "play:a:b | NORMAL()");
  CHECK(run(prompts("ab"), "5>") == "play:a:b |  | NORMAL()");
  CHECK(run(prompts("AB"), "5>") == "play:A:B | stop NORMAL()5 KEYPAD | ");
  CHECK(run(prompts("aBc"), "5>5") == "play:a |  | play:B | stop NORMAL()5 KEYPAD");
  CHECK(run(prompts("aBc"), ">>>") == "play:a | play:B | play:c | NORMAL()");
  CHECK(run(prompts("a"), "!") == "play:a | FAILED() no file");
  CHECK(run(prompts("a"), "x>") == "play:a | stop CANCELLED() | ");
  CHECK(run(prompts(""), "") == "NORMAL()");
}

TEST_CASE("digits: enough, terminated, taken back, too late") {
  CHECK(run(collect("A"), ">123") == "play:A | total9000 digit5000 | digit2000 | digit2000 | NORMAL(123)3");
  CHECK(run(collect("A"), ">12#") == "play:A | total9000 digit5000 | digit2000 | digit2000 | NORMAL(12)#");
  CHECK(run(collect("A"), "12d") == "play:A | stop total9000 digit5000 digit2000 | digit2000 | TIMEOUT(12) KEYPAD");
  CHECK(run(collect("A"), ">1*2d") == "play:A | total9000 digit5000 | digit2000 | digit2000 | digit2000 | TIMEOUT(2)");
  CHECK(run(collect("A"), ">d") == "play:A | total9000 digit5000 | TIMEOUT()");
  CHECK(run(collect("A"), ">1t") == "play:A | total9000 digit5000 | digit2000 | TIMEOUT(1)");
  CHECK(run(collect("A"), ">1x") == "play:A | total9000 digit5000 | digit2000 | CANCELLED(1)");
  CHECK(run(collect(""), "#") == "total9000 digit5000 | NORMAL()#");
}

TEST_CASE("digits while prompts play that can't be interrupted") {
  CHECK(run(collect("a"), "12>3") == "play:a |  |  | total9000 digit2000 | NORMAL(123)3");
  CHECK(run(collect("a"), "1234>") == "play:a |  |  |  |  | NORMAL(123)3");
}

TEST_CASE("digits: reset, abort, ignored ones, no limits") {
  auto order = collect("A");
  order.mutable_collect()->set_reset("A");
  order.mutable_collect()->set_abort("B");
  order.mutable_collect()->set_ignore("0");
  CHECK(run(order, "0>1A23d") ==
        "play:A |  | total9000 digit5000 | digit2000 | digit2000 | digit2000 | digit2000 | TIMEOUT(23)");
  CHECK(run(order, "B") == "play:A | stop total9000 digit5000 CANCELLED()B KEYPAD");
  auto endless = prompts("");
  endless.mutable_collect();
  CHECK(run(endless, "1").substr(0, 13) == "total0 digit0");
  CHECK(run(endless, std::string(200, '1')).find("NORMAL(" + std::string(kTypedMax, '1') + ")") != std::string::npos);
}

TEST_CASE("digits pressed before count, unless they are not wanted") {
  CHECK(run(collect("A"), "", "123") == "play:A stop total9000 digit5000 digit2000 digit2000 NORMAL(123)3 KEYPAD");
  CHECK(run(collect("a"), ">", "1") == "play:a | total9000 digit2000");
  auto order = collect("A");
  order.mutable_collect()->set_clear_input(true);
  CHECK(run(order, "", "123") == "play:A");
}

TEST_CASE("MMC-419: digits are verified, with attempts") {
  CHECK(run(verify("123", 1), ">123") ==
        "play:A | total9000 digit5000 | digit2000 | digit2000 | NORMAL(123)3 verified");
  CHECK(run(verify("123", 1), ">9#") == "play:A | total9000 digit5000 | digit2000 | NORMAL(9)#");
  CHECK(run(verify("12", 2), ">9#>12d") ==
        "play:A | total9000 digit5000 | digit2000 | digit0 total0 play:A | total9000 digit5000 | digit2000 | "
        "digit2000 | TIMEOUT(12) verified");
  CHECK(run(verify("12", 2), ">9d>8#") ==
        "play:A | total9000 digit5000 | digit2000 | digit0 total0 play:A | total9000 digit5000 | digit2000 | "
        "NORMAL(8)#");
  CHECK(run(verify("12", 3), ">d") == "play:A | total9000 digit5000 | TIMEOUT()");
}

TEST_CASE("a recording ends by digit, silence, limit; aborted, failed, never closed") {
  CHECK(run(record(), ">5#o") == "play:a | record |  | stop-record total5000 | NORMAL()#");
  CHECK(run(record(), ">s") == "play:a | record | NORMAL()");
  CHECK(run(record(), ">l") == "play:a | record | TIMEOUT()");
  CHECK(run(record(), ">*o") == "play:a | record | stop-record total5000 | CANCELLED()*");
  CHECK(run(record(), ">f") == "play:a | record | FAILED() disk full");
  CHECK(run(record(), ">#t") ==
        "play:a | record | stop-record total5000 | FAILED()# the recording wasn't closed in time");
  CHECK(run(record(), ">x") == "play:a | record | stop-record CANCELLED()");
  CHECK(run(record(), "s") == "play:a | ");
}
