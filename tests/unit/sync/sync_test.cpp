// Two ends on loopback sockets: joining, a role that passes, and a backup that doesn't read.
#include "tserver/sync/sync.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

struct Lines final : Logger {
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  bool said(const std::string& what) const {
    return std::any_of(lines.begin(), lines.end(), [&](const auto& l) { return l.find(what) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

// Knows what it is told to know.
struct FakeMachine final : Machine {
  void handle(Input, Now, Effects&) override {}
  void begin_telling(Now, const Put& put) override {
    telling = true;
    changed.clear();
    for (const auto& [key, record] : known.records()) put(key, record);
  }
  void end_telling() override { telling = false; }
  void take_changes(Now, sync::Delta& delta) override {
    for (const std::string& key : changed) {
      delta.add_put()->set_key(key);
      delta.mutable_put()->rbegin()->set_record(known.records().at(key));
    }
    changed.clear();
  }
  Told told() const override { return {known.records().size(), known.checksum()}; }
  void know(const std::string& key, const std::string& record) {
    known.put(key, record);
    changed.push_back(key);
  }
  Replica known;
  std::vector<std::string> changed;
  bool telling = false;
};

struct Side {
  Side(net::EventLoop& loop, const std::string& name, const std::string& peer, std::uint16_t port,
       std::uint16_t peer_port, std::size_t queue = 64 << 20)
      : sync(loop, log,
             {.identity = {.application = name, .version = "1", .peer = peer, .incarnation = port},
              .address = "127.0.0.1",
              .port = port,
              .peer = {"127.0.0.1", peer_port},
              .queue_limit = queue,
              .times = {.poll = 20ms}},
             machine,
             {.report = [this](const PairReport& r) { report = r; },
              .remembers = [this] { return remembers; },
              .other_knows = [this] { ++other_knows; }}) {
    REQUIRE(sync.open().has_value());
  }
  Lines log;
  FakeMachine machine;
  PairReport report;
  bool remembers = false;
  int other_knows = 0;
  Sync sync;
};

bool until(net::EventLoop& loop, const std::function<bool()>& there) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!there() && std::chrono::steady_clock::now() < end) loop.context().run_one_for(10ms);
  return there();
}

const Effects kSeen{CloseClient{}};

// Ports that nobody has now.
std::uint16_t free_port(net::EventLoop& loop) {
  auto opened = net::Listener::open(
      loop, {.host = "127.0.0.1"}, [](net::ConnectionPtr) {}, [](const std::string&) {});
  REQUIRE(opened.has_value());
  return (*opened)->port();
}

}  // namespace

TEST_CASE("a backup is told everything, then what changes, and the role can pass") {
  net::EventLoop loop;
  const std::uint16_t a = free_port(loop), b = free_port(loop);
  Side one(loop, "T1", "T2", a, b);
  one.machine.know("a", "1");
  one.sync.become_primary(7);
  Side two(loop, "T2", "T1", b, a);
  CHECK(two.report.sync == PairReport::Sync::Joining);
  REQUIRE(until(loop, [&] { return two.report.sync == PairReport::Sync::CaughtUp; }));
  REQUIRE(until(loop, [&] { return one.report.sync == PairReport::Sync::CaughtUp; }));
  one.machine.know("b", std::string(1 << 20, 'x'));
  one.sync.tell_changes(kSeen);
  REQUIRE(until(loop, [&] { return two.sync.knowledge()->records().size() == 2; }));
  CHECK(two.sync.knowledge()->records() == one.machine.known.records());
  CHECK(one.sync.figures().deltas == 1);

  one.sync.become_backup();
  CHECK_FALSE(one.machine.telling);
  two.machine.known = *two.sync.knowledge();
  two.sync.become_primary(8);
  CHECK(two.sync.knowledge() == nullptr);
  REQUIRE(until(loop, [&] { return one.sync.knowledge() != nullptr; }));
  CHECK(one.sync.knowledge()->records() == two.machine.known.records());
  two.sync.stop();
  REQUIRE(until(loop, [&] { return one.log.said("it said goodbye: it stops"); }));
  CHECK(one.sync.knowledge() != nullptr);
}

TEST_CASE("the backup is asked whether it knows all") {
  net::EventLoop loop;
  const std::uint16_t a = free_port(loop), b = free_port(loop);
  Side one(loop, "T1", "T2", a, b);
  one.sync.become_primary(7);
  std::optional<bool> confirmed;
  const auto ask = [&](Instant limit) {
    confirmed.reset();
    one.sync.confirm(limit, [&](bool is) { confirmed = is; });
    CHECK_FALSE(confirmed);  // never at once
  };
  ask(10s);  // nobody is there
  REQUIRE(until(loop, [&] { return confirmed.has_value(); }));
  CHECK_FALSE(*confirmed);

  auto two = std::make_unique<Side>(loop, "T2", "T1", b, a);
  REQUIRE(until(loop, [&] { return one.report.sync == PairReport::Sync::CaughtUp; }));
  one.machine.know("b", std::string(1 << 20, 'x'));
  one.sync.tell_changes(kSeen);
  ask(10s);
  REQUIRE(until(loop, [&] { return confirmed.has_value(); }));
  CHECK(*confirmed);
  CHECK(two->sync.knowledge()->records() == one.machine.known.records());

  one.machine.know("c", "1");
  one.sync.tell_changes(kSeen);
  SECTION("it is gone before it can say so") {
    two.reset();
    ask(10s);
  }
  SECTION("it knows something else") {
    one.machine.known.put("d", "untold");
    ask(0ms);
  }
  REQUIRE(until(loop, [&] { return confirmed.has_value(); }));
  CHECK_FALSE(*confirmed);
}

TEST_CASE("a change that nobody sees anything of is told with the next one, or by the next poll") {
  net::EventLoop loop;
  const std::uint16_t a = free_port(loop), b = free_port(loop);
  Side one(loop, "T1", "T2", a, b);
  one.sync.become_primary(7);
  Side two(loop, "T2", "T1", b, a);
  REQUIRE(until(loop, [&] { return one.report.sync == PairReport::Sync::CaughtUp; }));
  const auto before = one.sync.figures().deltas;
  one.machine.know("a", "1");
  one.sync.tell_changes({SetTimer{}, CancelTimer{}, LogLine{}});
  CHECK(one.sync.figures().deltas == before);
  SECTION("with the next") {
    one.machine.know("b", "1");
    one.sync.tell_changes({SetTimer{}, Deliver{}});
  }
  SECTION("by the next poll") {}
  SECTION("when the backup is to know all") {
    one.sync.confirm(10s, [](bool) {});
    CHECK(one.sync.figures().deltas == before + 1);
  }
  REQUIRE(until(loop, [&] { return two.sync.knowledge()->records() == one.machine.known.records(); }));
  CHECK(one.sync.figures().deltas == before + 1);
}

TEST_CASE("who starts with nothing hears that the other one, no primary either, knows all") {
  net::EventLoop loop;
  const std::uint16_t a = free_port(loop), b = free_port(loop);
  auto one = std::make_unique<Side>(loop, "T1", "T2", a, b);
  one->sync.become_primary(7);
  Side two(loop, "T2", "T1", b, a);
  REQUIRE(until(loop, [&] { return two.sync.knowledge() != nullptr; }));
  one.reset();
  REQUIRE(until(loop, [&] { return two.log.said("session with the primary ended"); }));
  one = std::make_unique<Side>(loop, "T1", "T2", a, b);
  REQUIRE(until(loop, [&] { return one->other_knows > 0; }));
  CHECK(two.other_knows == 0);
  // As primary it tells what it knows, and nobody is waited for any more.
  two.sync.become_primary(8);
  REQUIRE(until(loop, [&] { return one->report.sync == PairReport::Sync::CaughtUp; }));
}

TEST_CASE("who starts with nothing hears that the other one was the primary until just now") {
  net::EventLoop loop;
  const std::uint16_t a = free_port(loop), b = free_port(loop);
  Side one(loop, "T1", "T2", a, b);
  one.sync.become_primary(7);
  one.sync.become_backup();
  one.remembers = true;
  Side two(loop, "T2", "T1", b, a);
  REQUIRE(until(loop, [&] { return two.other_knows > 0; }));
  CHECK(one.other_knows == 0);
}

TEST_CASE("a backup that doesn't read is dropped, and nothing is kept for it") {
  net::EventLoop loop;
  const std::uint16_t a = free_port(loop), b = free_port(loop);
  Side one(loop, "T1", "T2", a, b, 1 << 20);
  one.sync.become_primary(7);
  Side two(loop, "T2", "T1", b, a);
  REQUIRE(until(loop, [&] { return one.report.sync == PairReport::Sync::CaughtUp; }));
  // All in one turn: nobody reads meanwhile.
  for (int i = 0; i < 400 && one.sync.telling(); ++i) {
    one.machine.know("k" + std::to_string(i % 4), std::string(64 << 10, 'x'));
    one.sync.tell_changes(kSeen);
  }
  REQUIRE(until(loop, [&] { return one.log.said("the backup T2 is gone"); }));
  REQUIRE(until(loop, [&] {
    return two.sync.knowledge() != nullptr && two.report.records == one.machine.known.records().size();
  }));
  CHECK(one.sync.figures().snapshots == 2);
}
