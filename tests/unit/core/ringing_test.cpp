// Phones that rang when the process ended, and ring on.
#include "kept_calls.h"

namespace tandem::connector::test {

TEST_CASE("Phones that ring ring on, and whoever answers is connected") {
  Bench before = ringing();
  Reborn after(before);
  auto& bench = after.bench;
  CHECK(text(kept(bench)) == text(after.records));
  CHECK(bench.step(PortsOpened{}) == Lines{});  // nothing is said to them
  const auto now = snapshot(bench);
  REQUIRE(now.conversations_size() == 1);
  CHECK(now.conversations(0).parties(1).state() == link::ALERTING);
  CHECK(now.conversations(0).parties(1).party() == given(1));

  CHECK(bench.step(InviteAccepted{.leg = out(3), .sdp = kBob.sdp()}) ==
        Lines{"cancel out2 'SIP;cause=200;text=\"Call completed elsewhere\"'",
              "connect m1 192.0.2.2:6000 [0 PCMU] watch", "report T1 answered sip:bob@tandem.test"});
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  CHECK(bench.core->counts().connected == 2);
}

TEST_CASE("A phone that refuses after the restart ends its attempt, the last one the party") {
  Bench before = ringing();
  Reborn after(before);
  auto& bench = after.bench;
  bench.step(PortsOpened{});
  bench.step(LinkOpened{1, true});
  CHECK(bench.step(InviteRejected{.leg = out(2), .status = 480, .reason = "", .contacts = {}}) == Lines{"forget out2"});
  CHECK(bench.step(InviteRejected{.leg = out(3), .status = 486, .reason = "", .contacts = {}}) ==
        Lines{"forget out3", "close m1", "report T1 failed 480"});
}

TEST_CASE("A phone that rings since before the restart is told to stop, where it is now") {
  Bench before(keeping());
  before.directory.known["sip:bob@tandem.test"].clear();
  Target target{.request_uri = "sip:bob@192.0.2.2", .next_hop = "sip:192.0.2.2:4001;transport=tls"};
  target.dn = "sip:bob@tandem.test";
  before.directory.known["sip:bob@tandem.test"] = {target};
  before.invited(in(1), kBob.sdp());
  before.invite(made(1), given(1), "sip:bob@tandem.test");
  before.step(Progressed{out(1), 180, {}});
  Reborn after(before);
  auto& bench = after.bench;
  target.next_hop = "sip:192.0.2.2:4002;transport=tls";
  bench.directory.known["sip:bob@tandem.test"] = {target};
  bench.step(PortsOpened{});
  bench.step(LinkOpened{1, true});
  CHECK(bench.remove(made(1), given(1), 480) ==
        Lines{"turn out2 sip:192.0.2.2:4002;transport=tls", "cancel out2", "close m1", "report T1 failed 487 /1"});
  CHECK(bench.step(InviteRejected{.leg = out(2), .status = 487, .reason = "", .contacts = {}}) == Lines{"forget out2"});
}

TEST_CASE("A phone of which nothing is heard any more is given up") {
  Bench before = ringing();
  Reborn after(before);
  after.bench.step(PortsOpened{});
  after.bench.step(LinkOpened{1, true});
  const auto lines = after.bench.wait(std::chrono::minutes(4));
  CHECK(has(lines, "report T1 failed 408 'not answered in time'"));
}

TEST_CASE("Another Connector gives the ringing up and calls anew") {
  Bench before = ringing();
  Bench other(keeping());
  other.now = before.now;
  other.reachable("sip:bob@tandem.test", {{"sip:bob@192.0.2.2", 1000}});
  other.step(PortsOpened{});
  const auto taken = other.command(restoring(kept(before)));
  CHECK(has(taken, "restore out2 call of out1"));
  CHECK(has(taken, "cancel out2"));
  CHECK(has(taken, "restore out3 call of out2"));
  CHECK(has(taken, "cancel out3"));
  const auto now = snapshot(other);
  REQUIRE(now.conversations_size() == 1);
  CHECK(now.conversations(0).parties(1).state() == link::INVITING);
  CHECK(now.conversations(0).parties(1).party() == given(1));
  const auto anew = other.wait(std::chrono::milliseconds(300));
  CHECK(std::count_if(anew.begin(), anew.end(), [](const std::string& line) {
          return line.starts_with("invite out") && line.find("sip:bob@192.0.2.2") != std::string::npos;
        }) == 1);
  CHECK(other.step(InviteRejected{.leg = out(2), .status = 487, .reason = "", .contacts = {}}) == Lines{"forget out2"});

  SECTION("or ends the attempt where it knows nobody") {
    Bench third(keeping());
    third.now = before.now;
    third.directory.known["sip:bob@tandem.test"].clear();
    third.step(PortsOpened{});
    third.command(restoring(kept(before)));
    const auto failed = third.wait(std::chrono::milliseconds(300));
    CHECK(std::any_of(failed.begin(), failed.end(),
                      [](const std::string& line) { return line.starts_with("report T1 failed"); }));
  }
}

}  // namespace tandem::connector::test
