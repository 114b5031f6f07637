// Calls that a Connector lost, or has as they were before, and that a T-Server gives back to it.
#include "kept_calls.h"

namespace tandem::connector::test {

TEST_CASE("What was lost with a former run is given back by a T-Server") {
  Bench before(keeping());
  before.talking();
  Bench after(keeping());
  after.now = before.now;
  after.step(PortsOpened{});
  const auto lines = after.command(giving_back(kept(before)));
  CHECK(count(lines, "reinvite") == 2);
  CHECK(snapshot(after).ShortDebugString() == snapshot(before).ShortDebugString());
}

TEST_CASE("Calls that are there as they were before become what is given back, without a word to anybody") {
  Bench before = ringing();
  const auto old = kept(before);
  before.reachable("sip:carol@tandem.test", {{"sip:carol@192.0.2.4", 1000}});
  before.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
  before.admit(made(1), made(2), link::Admit::ANSWER);
  before.step(Acked{in(1), {}});
  const bool held_back = GENERATE(true, false);

  Bench after(keeping(), false);
  after.now = before.now;
  after.step(given(old, held_back));
  after.step(PortsOpened{});
  CHECK(snapshot(after).stale() == held_back);

  SECTION("answered since") {
    const auto lines = after.command(giving_back(kept(before)));
    CHECK(count(lines, "cancel") + count(lines, "bye") + count(lines, "answer") + count(lines, "report left") == 0);
  }
  SECTION("the caller is in a consultation since") {
    before.join(made(1), given(1), given(9));
    before.answered(given(9), given(2), "sip:carol@tandem.test", 3, 4);
    after.command(giving_back(kept(before)));
  }
  SECTION("the one who was called has left, another one is there") {
    before.answered(made(1), given(2), "sip:carol@tandem.test", 3, 4);
    before.remove(made(1), given(1));
    const auto lines = after.command(giving_back(kept(before)));
    CHECK(count(lines, "cancel") + count(lines, "bye") == 0);
  }
  auto now = snapshot(after), then = snapshot(before);
  now.clear_stale();
  CHECK(now.ShortDebugString() == then.ShortDebugString());
  link::Command resume;
  resume.mutable_resume();
  after.command(resume);
  after.wait(std::chrono::seconds(2));
  const auto but_ports = [](std::vector<ha::Record> records) {
    for (auto& record : records)
      if (record.has_party()) record.mutable_party()->mutable_stream()->clear_rtp_port();
    return text(std::move(records));
  };
  CHECK(but_ports(kept(after)) == but_ports(kept(before)));
}

TEST_CASE("What ended since a restart isn't given back, though no T-Server has heard of it") {
  Bench before(keeping());
  before.talking();
  Reborn after(before);
  auto& bench = after.bench;
  bench.step(PortsOpened{});
  bench.step(ByeReceived{out(1), {}});
  bench.wait(std::chrono::seconds(20));
  bench.step(LinkOpened{1, true});
  const auto lines = bench.command(giving_back(after.records));
  CHECK(count(lines, "reinvite") == 0);
  CHECK(snapshot(bench).conversations_size() == 0);
}

TEST_CASE("What is as it is given back goes on as it is") {
  Bench before = ringing();
  const auto records = kept(before);
  Bench after(keeping(), false);
  after.now = before.now;
  after.step(given(records));
  after.step(PortsOpened{});
  after.step(LinkOpened{1, true});
  CHECK(after.command(giving_back(records)).size() == 1);  // TakenOver
  CHECK(count(after.step(InviteAccepted{.leg = out(3), .sdp = kBob.sdp()}), "cancel out2") == 1);
}

}  // namespace tandem::connector::test
