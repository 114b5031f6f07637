// Which of a pair a T-Server is, as tables: what comes in, what is to be done. MMC-91, MMC-96, MMC-97.
#include "tserver/standby/role_machine.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

using Lines = std::vector<std::string>;

struct Bench {
  // asks every 50 ms, renews every 500 ms, steps down 200 ms early, rests 2 s
  RoleMachine machine{RoleOptions{}};
  Instant now{100s};

  Lines give(const RoleInput& input) {
    RoleEffects effects;
    machine.handle(input, now, effects);
    Lines lines;
    for (const RoleEffect& effect : effects) {
      if (std::holds_alternative<AskForRole>(effect)) lines.emplace_back("ask");
      if (std::holds_alternative<RenewRole>(effect)) lines.emplace_back("renew");
      if (std::holds_alternative<ReleaseRole>(effect)) lines.emplace_back("release");
      if (const auto* to = std::get_if<BecomePrimary>(&effect)) lines.push_back("primary " + std::to_string(to->epoch));
      if (const auto* to = std::get_if<BecomeBackup>(&effect)) lines.push_back("backup: " + to->why);
      if (const auto* note = std::get_if<RoleNote>(&effect)) lines.push_back("note: " + note->text);
    }
    return lines;
  }
  Lines after(Instant wait) {
    now += wait;
    return give(RoleTick{});
  }
  // Time until the next tick is wanted.
  std::int64_t ms() const { return std::chrono::duration_cast<std::chrono::milliseconds>(machine.due() - now).count(); }
  void become_primary() {
    REQUIRE(give(RoleTick{}) == Lines{"ask"});
    REQUIRE(give(RoleGranted{7, now + 2s}) == Lines{"primary 7"});
  }
};

}  // namespace

TEST_CASE("MMC-97: a T-Server begins as backup and asks until it is given the role") {
  Bench bench;
  CHECK_FALSE(bench.machine.primary());
  CHECK(bench.after(0s) == Lines{"ask"});
  CHECK(bench.after(10s).empty());  // one question at a time
  CHECK(bench.machine.due() == Instant::max());
  CHECK(bench.give(RoleHeld{"TServer_1"}) == Lines{"note: the role is held by TServer_1"});
  CHECK(bench.ms() == 50);
  CHECK(bench.after(49ms).empty());
  CHECK(bench.after(1ms) == Lines{"ask"});
  CHECK(bench.give(RoleHeld{"TServer_1"}).empty());  // told once
  CHECK(bench.after(50ms) == Lines{"ask"});
  CHECK(bench.give(ArbiterSilent{"no route"}) == Lines{"note: the arbiter does not answer: no route"});
  CHECK(bench.after(50ms) == Lines{"ask"});
  CHECK(bench.give(RoleGranted{7, bench.now + 2s}) == Lines{"primary 7"});
  CHECK(bench.machine.holds(bench.now));
}

TEST_CASE("who has just started lets the other one go first") {
  Bench bench;
  bench.machine = RoleMachine(RoleOptions{.first = 300ms});
  bench.machine.begin(bench.now);
  CHECK(bench.ms() == 300);
  CHECK(bench.after(299ms).empty());
  SECTION("nobody else is there") {
    CHECK(bench.after(1ms) == Lines{"ask"});
  }
  SECTION("the other one knows more: as long as it says so, but not for ever") {
    for (int i = 0; i < 10; ++i) {
      CHECK(bench.give(RoleYielded{}).empty());
      CHECK(bench.ms() == 1500);
      CHECK(bench.after(1s).empty());
    }
    CHECK(bench.give(RoleYielded{}).empty());
    CHECK(bench.after(500ms) == Lines{"ask"});
    CHECK(bench.give(RoleHeld{"TServer_2"}) == Lines{"note: the role is held by TServer_2"});
  }
  SECTION("and is gone then") {
    CHECK(bench.give(RoleYielded{}).empty());
    CHECK(bench.after(1499ms).empty());
    CHECK(bench.after(1ms) == Lines{"ask"});
    CHECK(bench.give(RoleGranted{7, bench.now + 2s}) == Lines{"primary 7"});
    CHECK(bench.give(RoleYielded{}).empty());  // too late
    CHECK(bench.machine.primary());
  }
}

TEST_CASE("a primary renews, and goes on as long as it is renewed") {
  Bench bench;
  bench.become_primary();
  for (int i = 0; i < 20; ++i) {
    CHECK(bench.ms() == 500);
    CHECK(bench.after(500ms) == Lines{"renew"});
    CHECK(bench.give(RoleRenewed{bench.now + 2s}).empty());
  }
  CHECK(bench.machine.primary());
}

TEST_CASE("a primary that can't renew steps down before its time is over") {
  Bench bench;
  bench.become_primary();
  CHECK(bench.after(500ms) == Lines{"renew"});
  SECTION("no answer at all") {
    CHECK(bench.ms() == 1300);
    CHECK(bench.after(1299ms).empty());
    CHECK(bench.machine.holds(bench.now));
    CHECK(bench.after(1ms) == Lines{"backup: the role could not be renewed in time", "release"});
    CHECK_FALSE(bench.machine.primary());
    CHECK(bench.give(RoleRenewed{bench.now + 2s}).empty());  // too late
    CHECK_FALSE(bench.machine.primary());
    CHECK(bench.after(50ms) == Lines{"ask"});
  }
  SECTION("the arbiter can't be reached") {
    for (int i = 0; i < 25; ++i) {
      const Lines told = bench.give(ArbiterSilent{"no route"});
      CHECK(told == (i == 0 ? Lines{"note: the arbiter does not answer: no route"} : Lines{}));
      CHECK(bench.after(50ms) == Lines{"renew"});  // sooner than in good times
    }
    bench.give(ArbiterSilent{"no route"});
    CHECK(bench.after(50ms) == Lines{"backup: the role could not be renewed in time: no route", "release"});
  }
  SECTION("each reason is told once, until it answers again") {
    const auto why = [&](const std::string& reason) {
      Lines told = bench.give(ArbiterSilent{reason});
      CHECK(bench.after(50ms) == Lines{"renew"});
      return told;
    };
    CHECK(why("no route") == Lines{"note: the arbiter does not answer: no route"});
    CHECK(why("refused") == Lines{"note: the arbiter does not answer: refused"});
    CHECK(why("no route").empty());
    CHECK(why("refused").empty());
    CHECK(bench.give(RoleRenewed{bench.now + 2s}) == Lines{"note: the arbiter answers again"});
    CHECK(bench.after(500ms) == Lines{"renew"});
    CHECK(why("no route") == Lines{"note: the arbiter does not answer: no route"});
  }
  SECTION("it slept, and another has the role") {
    CHECK(bench.after(60s) == Lines{"backup: the role could not be renewed in time", "release"});
  }
  SECTION("the arbiter gave it to another") {
    CHECK(bench.give(RoleLost{"TServer_2 has it"}) == Lines{"backup: TServer_2 has it"});
  }
}

TEST_CASE("MMC-96: given up by an operator, or fenced, it rests before it asks again") {
  Bench bench;
  bench.become_primary();
  const bool fenced = GENERATE(true, false);
  const RoleInput input = fenced ? RoleInput(RoleFenced{"fenced"}) : RoleInput(RoleGivenUp{"an operator"});
  CHECK(bench.give(input) == Lines{fenced ? "backup: fenced" : "backup: an operator", "release"});
  CHECK(bench.give(input).empty());  // a backup has nothing to give up
  CHECK(bench.ms() == 2000);
  CHECK(bench.after(2s) == Lines{"ask"});
}

TEST_CASE("given up while a renewal was under way: its answer neither brings the role back nor shortens the rest") {
  Bench bench;
  bench.become_primary();
  CHECK(bench.after(500ms) == Lines{"renew"});
  CHECK(bench.give(RoleGivenUp{"an operator"}) == Lines{"backup: an operator", "release"});
  CHECK(bench.give(RoleRenewed{bench.now + 2s}).empty());
  CHECK_FALSE(bench.machine.primary());
  CHECK(bench.ms() == 2000);
}

TEST_CASE("the role that comes too late is given back") {
  Bench bench;
  CHECK(bench.after(0s) == Lines{"ask"});
  bench.now += 1900ms;
  CHECK(bench.give(RoleGranted{7, Instant{102s}}) == Lines{"release"});
  CHECK_FALSE(bench.machine.primary());
  CHECK(bench.after(50ms) == Lines{"ask"});
}

TEST_CASE("at its end a primary gives the role back, and takes none any more") {
  Bench bench;
  SECTION("primary") {
    bench.become_primary();
    CHECK(bench.give(RoleStopped{}) == Lines{"release"});
  }
  SECTION("backup that has asked") {
    CHECK(bench.after(0s) == Lines{"ask"});
    CHECK(bench.give(RoleStopped{}).empty());
    CHECK(bench.give(RoleGranted{7, bench.now + 2s}) == Lines{"release"});
  }
  CHECK(bench.machine.due() == Instant::max());
  CHECK(bench.after(60s).empty());
}
