// T-Servers come and go.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

using std::chrono::seconds;

const Phone kCarl{.ip = "192.0.2.9", .port = 4000, .formats = "0", .attributes = ""};
const Phone kBob{.ip = "192.0.2.2", .port = 6000, .formats = "0", .attributes = ""};

}  // namespace

TEST_CASE("no T-Server was ever there") {
  Bench bench({}, false);
  CHECK(bench.invited(in(1), kCarl.sdp()) == Lines{"answer in1 503 Retry-After: 10", "forget in1"});
  CHECK(bench.step(LinkOpened{1, false}) == Lines{"snapshot 1"});
  CHECK(bench.invited(in(2), kCarl.sdp()) == Lines{"answer in2 503 Retry-After: 10", "forget in2"});
  CHECK(bench.step(LinkRole{1, true}) == Lines{"snapshot 1"});
  CHECK(bench.invited(in(3), kCarl.sdp()).size() == 1);
}

TEST_CASE("MMC-109: a call survives the link, its tag is told in the snapshot") {
  Bench bench;
  link::Registration registration;
  registration.set_aor("sip:bob@tandem.test");
  bench.directory.held = {registration};
  bench.invited(in(1), kCarl.sdp());
  bench.admit(made(1), made(2), link::Admit::WAITING);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  link::Command tag;
  tag.set_conversation(made(1));
  tag.mutable_tag()->set_conn_id(0xabc);
  tag.mutable_tag()->set_call_uuid("UUID");
  CHECK(bench.command(tag).empty());
  CHECK(bench.step(LinkClosed{1}).empty());
  CHECK(bench.wait(seconds(60)).empty());
  CHECK(bench.step(LinkOpened{2}) == Lines{"snapshot 2 {0000008000000001-Genesys 0000000000000abc UUID P2 CONNECTED "
                                           "sip:carl@example.net caller T1 CONNECTED "
                                           "sip:bob@tandem.test called} sip:bob@tandem.test"});
  CHECK(bench.step(ByeReceived{in(1), ""}).back() == "report P2 left BYE");
  CHECK(bench.logs.back().find(" connid 0000000000000abc ") != std::string::npos);
}

TEST_CASE("the link is lost in each state of a routed call") {
  Bench bench;
  const auto lose = [&] { CHECK(bench.step(LinkClosed{1}).empty()); };
  const Lines offered_ends{"answer in1 503 Retry-After: 10", "forget in1",
                           "report P2 left REMOVED 'no T-Server in reach'"};
  bench.invited(in(1), kCarl.sdp());
  SECTION("offered, undecided") {
    lose();
    CHECK(bench.wait(seconds(4)).empty());
    CHECK(bench.wait(seconds(1)) == offered_ends);
  }
  SECTION("offered, undecided, and a T-Server is back in time") {
    lose();
    bench.wait(seconds(4));
    CHECK(bench.step(LinkOpened{2}) ==
          Lines{"snapshot 2 {0000008000000001-Genesys P2 OFFERED sip:carl@example.net caller}",
                "report P2 offered sip:carl@example.net to sip:support@tandem.test as 0000008000000001-Genesys"});
    CHECK(bench.wait(seconds(10)).empty());
    bench.step(Cancelled{in(1), ""});
  }
  SECTION("waiting, another one comes within the grace and one after it") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    lose();
    CHECK(bench.invited(in(2), kCarl.sdp()).size() == 1);
    CHECK(bench.wait(seconds(5)) == Lines{"answer in1 503 Retry-After: 10", "forget in1", "close m1",
                                          "report P2 left REMOVED 'no T-Server in reach'",
                                          "answer in2 503 Retry-After: 10", "forget in2",
                                          "report P4 left REMOVED 'no T-Server in reach'"});
    CHECK(bench.invited(in(3), kCarl.sdp()) == Lines{"answer in3 503 Retry-After: 10", "forget in3"});
  }
  SECTION("the agent alerts") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    bench.step(Progressed{out(1), 180, {}});
    lose();
    CHECK(bench.wait(seconds(5)) == Lines{"answer in1 503 Retry-After: 10", "forget in1", "close m1",
                                          "report P2 left REMOVED 'no T-Server in reach'", "cancel out1", "close m2",
                                          "report T1 failed 503 'alone, no T-Server in reach'"});
    CHECK(bench.step(InviteRejected{.leg = out(1), .status = 487}) == Lines{"forget out1"});
  }
  SECTION("the agent answered, the caller not yet") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
    lose();
    CHECK(bench.wait(seconds(5)) == Lines{"answer in1 503 Retry-After: 10", "forget in1", "close m1",
                                          "report P2 left REMOVED 'no T-Server in reach'", "bye out1", "forget out1",
                                          "close m2", "report T1 left REMOVED 'alone, no T-Server in reach'"});
  }
  SECTION("the agent answers within the grace") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    lose();
    // The command's number was the old link's: it isn't told any more.
    CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()}).at(1) ==
          "report T1 answered sip:bob@tandem.test");
    CHECK(bench.step(LinkOpened{2}) ==
          Lines{"snapshot 2 {0000008000000001-Genesys P2 OFFERED sip:carl@example.net caller T1 CONNECTED "
                "sip:bob@tandem.test called}"});
    CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER).back() == "scene P1: m1, m2");
    bench.release(made(1));
  }
  SECTION("the agent refuses within the grace: the caller is kept until it ends") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    lose();
    CHECK(bench.step(InviteRejected{.leg = out(1), .status = 486}) ==
          Lines{"forget out1", "close m2", "report T1 failed 486"});
    CHECK(bench.wait(seconds(5)).size() == 4);
  }
  SECTION("the caller gives up: the agent isn't left ringing") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    lose();
    CHECK(bench.step(Cancelled{in(1), ""}) == Lines{"forget in1", "close m1", "report P2 left CANCELLED", "cancel out1",
                                                    "close m2", "report T1 failed 503 'alone, no T-Server in reach'"});
    bench.step(InviteRejected{.leg = out(1), .status = 487});
    bench.wait(seconds(5));
  }
  SECTION("established, then one hangs up: the other isn't left alone") {
    bench.admit(made(1), made(2), link::Admit::WAITING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
    bench.admit(made(1), made(2), link::Admit::ANSWER);
    lose();
    CHECK(bench.wait(seconds(5)).empty());
    CHECK(bench.step(ByeReceived{out(1), ""}) == Lines{"forget out1", "close m2", "report T1 left BYE", "bye in1",
                                                       "forget in1", "close m1",
                                                       "report P2 left REMOVED 'alone, no T-Server in reach'"});
  }
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("two T-Servers: only the loss of the primary matters") {
  Bench bench;
  CHECK(bench.step(LinkOpened{2, false}) == Lines{"snapshot 2"});
  CHECK(bench.step(LinkClosed{2}).empty());
  CHECK(bench.timers.size() == 0);
  bench.step(LinkOpened{2, false});
  CHECK(bench.step(LinkClosed{1}).empty());
  CHECK(bench.timers.size() == 1);
  CHECK(bench.step(LinkRole{2, true}) == Lines{"snapshot 2"});
  CHECK(bench.timers.size() == 0);
  CHECK(bench.step(LinkRole{9, true}).empty());
  CHECK(bench.step(LinkClosed{9}).empty());
}

TEST_CASE("the snapshot knows who rings") {
  Bench bench;
  bench.invite(given(1), given(2), "sip:bob@tandem.test", true);
  CHECK(bench.step(LinkOpened{2, false}) ==
        Lines{"snapshot 2 {8000000000000001-Genesys T2 INVITING sip:bob@tandem.test called}"});
  bench.step(Progressed{out(1), 180, {}});
  CHECK(bench.step(LinkOpened{3, false}) ==
        Lines{"snapshot 3 {8000000000000001-Genesys T2 ALERTING sip:bob@tandem.test called}"});
}

TEST_CASE("locations go to the front end") {
  Bench bench;
  link::Command order;
  auto& registration = *order.mutable_location()->mutable_registration();
  registration.set_aor("sip:bob@tandem.test");
  registration.add_contacts()->set_uri("sip:bob@192.0.2.2");
  CHECK(bench.command(order) == Lines{"learn sip:bob@tandem.test 1"});
}

TEST_CASE("a tag for a conversation that is gone") {
  Bench bench;
  link::Command order;
  order.set_conversation(77);
  order.mutable_tag()->set_conn_id(1);
  CHECK(bench.command(order) == Lines{"report P0 command NO_SUCH_CONVERSATION /1"});
}

TEST_CASE("the process ends: everybody is let go and told why, nothing begins any more") {
  Bench bench;
  bench.invited(in(1), kCarl.sdp());
  bench.admit(made(1), made(2), link::Admit::ANSWER);
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.invited(in(2), kCarl.sdp());
  CHECK(bench.step(CoreStopping{}) == Lines{"bye in1", "forget in1", "close m1", "report P2 left SHUTDOWN 'stopping'",
                                            "answer in2 503", "forget in2", "report P4 left SHUTDOWN 'stopping'",
                                            "cancel out1", "close m2", "report T1 failed 487 'stopping' /2"});
  CHECK(bench.invited(in(3), kCarl.sdp()) == Lines{"answer in3 503 Retry-After: 10", "forget in3"});
  CHECK(bench.invite(given(5), given(6), "sip:bob@tandem.test", true) == Lines{"report T6 command NO_RESOURCES /3"});
  CHECK(bench.step(InviteRejected{.leg = out(1), .status = 487}) == Lines{"forget out1"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("a caller who came while no primary was there is offered to the next one; one that was heard of is not") {
  Bench bench;
  bench.step(LinkClosed{1});
  REQUIRE(bench.invited(in(1), kCarl.sdp()).size() == 1);
  CHECK(bench.step(LinkOpened{2, false}).size() == 1);  // a backup has the snapshot
  const auto told = bench.step(LinkRole{2, true});
  REQUIRE(told.size() == 2);
  CHECK(told[0].starts_with("snapshot 2 "));
  CHECK(told[1].starts_with("report P2 offered"));
  link::Command tag;
  tag.set_conversation(made(1));
  tag.mutable_tag()->set_conn_id(0xabc);
  bench.command(tag);
  bench.step(LinkClosed{2});
  CHECK(bench.step(LinkOpened{3, true}).size() == 1);
}
