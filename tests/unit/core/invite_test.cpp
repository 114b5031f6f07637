// Called parties: contacts in parallel and by q value, who answers first, how failures add up.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const Phone kBob{.ip = "192.0.2.2", .port = 6000, .formats = "0", .attributes = ""};
const std::string kElsewhere = " 'SIP;cause=200;text=\"Call completed elsewhere\"'";

// A conversation of the T-Server's that begins with a call to `to`.
Lines called(Bench& bench, std::string to = "sip:bob@tandem.test", std::uint32_t timeout_ms = 0) {
  return bench.invite(given(1), given(2), std::move(to), true, timeout_ms);
}

InviteRejected refused(LegId leg, int status, std::vector<std::string> contacts = {}) {
  return InviteRejected{.leg = leg, .status = status, .reason = "", .contacts = std::move(contacts)};
}

}  // namespace

TEST_CASE("the first party of a T-Server's conversation is offered what we speak") {
  Bench bench;
  CHECK(called(bench) ==
        Lines{"invite out1 sip:bob@192.0.2.2 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1"});
  const auto& invite = std::get<SendInvite>(bench.last.at(1));
  CHECK(invite.from_uri == "sip:carl@example.net");
  CHECK(invite.to_uri == "sip:bob@tandem.test");
  CHECK(invite.conversation_id == "8000000000000001-Genesys");
  CHECK(invite.call_id == "80000000000000010000008000000001");
  CHECK(invite.max_forwards == 69);
  CHECK(bench.step(Progressed{out(1), 180, {}}) == Lines{"report T2 alerting /1"});
  CHECK(bench.step(Progressed{out(1), 180, {}}).empty());
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp(), .asserted_identity = "sip:robert@tandem.test"}) ==
        Lines{"connect m1 192.0.2.2:6000 [0 PCMU] watch", "report T2 answered sip:robert@tandem.test /1"});
  CHECK(bench.remove(given(1), given(2)) == Lines{"bye out1", "forget out1", "close m1", "report T2 left REMOVED /2"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("ordered again it is the one that is under way, and answers the later order") {
  Bench bench;
  CHECK(called(bench).size() == 1);
  CHECK(called(bench).empty());
  CHECK(bench.step(Progressed{out(1), 180, {}}) == Lines{"report T2 alerting /2"});
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()}).back() ==
        "report T2 answered sip:bob@tandem.test /2");
  CHECK(called(bench).empty());
}

TEST_CASE("headers, automatic answer, hops") {
  Bench bench;
  Invited input;
  input.leg = in(1);
  input.sdp = kBob.sdp();
  input.max_forwards = 5;
  bench.step(input);
  link::Command order;
  order.set_conversation(made(1));
  order.set_party(given(1));
  auto& invite = *order.mutable_invite();
  invite.set_to("+491234");
  invite.set_from_display("Carl");
  invite.set_auto_answer(true);
  auto& header = *invite.add_headers();
  header.set_name("X-Case");
  header.set_value("42");
  bench.reachable("+491234", {{"sip:+491234@192.0.2.50", 1000}});
  bench.command(order);
  const auto& sent = std::get<SendInvite>(bench.last.at(1));
  CHECK(sent.to_uri == "sip:+491234@192.0.2.50");
  CHECK(sent.from_display == "Carl");
  CHECK(sent.max_forwards == 4);
  CHECK(sent.conversation_id == "0000008000000001-Genesys");
  REQUIRE(sent.headers.size() == 3);
  CHECK(sent.headers[0].name == "X-Case");
  CHECK(sent.headers[0].value == "42");
  CHECK(sent.headers[1].name == "Call-Info");
  CHECK(sent.headers[2].name == "Alert-Info");
}

TEST_CASE("a call that went through too many hops goes no further") {
  Bench bench;
  Invited input;
  input.leg = in(1);
  input.sdp = kBob.sdp();
  input.max_forwards = 1;
  bench.step(input);
  CHECK(bench.invite(made(1), given(1), "sip:bob@tandem.test") == Lines{"report T1 failed 483 'too many hops' /1"});
}

TEST_CASE("nobody to call") {
  Bench bench;
  CHECK(called(bench, "sip:away@tandem.test") == Lines{"report T2 failed 480 'not registered' /1"});
  CHECK(called(bench, "sip:nowhere@tandem.test") == Lines{"report T2 failed 404 'no such address' /2"});
  CHECK(bench.media.opened == 0);
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("commands that can't be carried out") {
  Bench bench;
  CHECK(bench.invite(given(1), given(2), "sip:bob@tandem.test") == Lines{"report T2 command NO_SUCH_CONVERSATION /1"});
  CHECK(bench.invite(given(1), given(2), "", true) == Lines{"report T2 command BAD_ADDRESS /2"});
  CHECK(bench.invite(given(1), given(2), "sip:a@b\r\nX:", true) == Lines{"report T2 command BAD_ADDRESS /3"});
  CHECK(bench.invite(given(1), 0, "sip:bob@tandem.test", true) == Lines{"report P0 command WRONG_STATE /4"});
  bench.media.full = true;
  CHECK(called(bench) == Lines{"report T2 command NO_RESOURCES /5"});
  CHECK(bench.release(given(1)) == Lines{"report P0 command NO_SUCH_CONVERSATION /6"});
  bench.media.full = false;
  called(bench);
  CHECK(called(bench, "sip:carol@tandem.test") == Lines{"report T2 command WRONG_STATE /8"});
  CHECK(bench.admit(given(1), given(2), link::Admit::ANSWER) == Lines{"report T2 command WRONG_STATE /9"});
  CHECK(bench.admit(given(1), given(9), link::Admit::ANSWER) == Lines{"report T9 command NO_SUCH_PARTY /10"});
  link::Command empty;
  empty.set_conversation(given(1));
  CHECK(bench.command(empty) == Lines{"report P0 command NOT_SUPPORTED /11"});
  bench.invited(in(1), kBob.sdp());
  CHECK(bench.remove(made(1), given(2)) == Lines{"report T2 command NO_SUCH_PARTY /12"});
  CHECK(bench.logs.back() ==
        "command 12 can't be carried out: no such party, conversation 0000008000000001 party 8000000000000002");
}

TEST_CASE("several phones ring at once, the first answer wins") {
  Bench bench;
  bench.reachable("sip:bob@tandem.test", {{"sip:desk", 1000}, {"sip:soft", 1000}, {"sip:cell", 1000}});
  CHECK(called(bench) == Lines{"invite out1 sip:desk m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1",
                               "invite out2 sip:soft m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1",
                               "invite out3 sip:cell m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1"});
  CHECK(bench.step(Progressed{out(2), 180, {}}) == Lines{"report T2 alerting /1"});
  CHECK(bench.step(Progressed{out(1), 180, {}}).empty());
  CHECK(bench.step(refused(out(3), 486)) == Lines{"forget out3"});
  CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = kBob.sdp()}) ==
        Lines{"cancel out1" + kElsewhere, "connect m1 192.0.2.2:6000 [0 PCMU] watch",
              "report T2 answered sip:bob@tandem.test /1"});
  SECTION("the loser ends by 487") {
    CHECK(bench.step(refused(out(1), 487)) == Lines{"forget out1"});
  }
  SECTION("the loser had answered as well") {
    CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()}) ==
          Lines{"bye out1" + kElsewhere, "forget out1"});
  }
  SECTION("the loser says nothing any more") {
    CHECK(bench.wait(std::chrono::seconds(41)) == Lines{"forget out1"});
  }
  SECTION("the loser is lost") {
    CHECK(bench.step(LegLost{out(1), ""}) == Lines{"forget out1"});
  }
  CHECK(bench.step(refused(out(1), 487)).empty());
  CHECK(bench.remove(given(1), given(2)) == Lines{"bye out2", "forget out2", "close m1", "report T2 left REMOVED /2"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("contacts of a lower q value ring after those of a higher one") {
  Bench bench;
  bench.reachable("sip:bob@tandem.test", {{"sip:cell", 300}, {"sip:desk", 1000}, {"sip:soft", 1000}});
  const std::string offer = " m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1";
  CHECK(called(bench) == Lines{"invite out1 sip:desk" + offer, "invite out2 sip:soft" + offer});
  SECTION("all refused") {
    CHECK(bench.step(refused(out(1), 486)) == Lines{"forget out1"});
    CHECK(bench.step(refused(out(2), 404)) == Lines{"forget out2", "invite out3 sip:cell" + offer});
    CHECK(bench.step(refused(out(3), 500)) == Lines{"forget out3", "close m1", "report T2 failed 486 /1"});
  }
  SECTION("rang long enough") {
    CHECK(bench.wait(std::chrono::seconds(10)) == Lines{"cancel out1", "cancel out2", "invite out3 sip:cell" + offer});
    CHECK(bench.step(refused(out(1), 487)) == Lines{"forget out1"});
    CHECK(bench.step(refused(out(2), 487)) == Lines{"forget out2"});
    CHECK(bench.step(refused(out(3), 503)) ==
          Lines{"forget out3", "close m1", "report T2 failed 408 'not answered in time' /1"});
  }
  SECTION("a global refusal ends it for all") {
    CHECK(bench.step(refused(out(1), 603)) ==
          Lines{"forget out1", "cancel out2", "close m1", "report T2 failed 603 /1"});
    CHECK(bench.step(refused(out(2), 487)) == Lines{"forget out2"});
  }
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("the best of several failures (RFC 3261 section 16.7)") {
  struct Row {
    std::vector<int> statuses;
    int best;
  };
  const Row rows[] = {{{486, 408}, 486}, {{408, 486}, 486}, {{503, 404}, 404}, {{500, 503}, 500}, {{404, 486}, 486},
                      {{487, 404}, 404}, {{480, 486}, 480}, {{404, 407}, 407}, {{302, 404}, 302}, {{503, 408}, 408}};
  for (const auto& row : rows) {
    Bench bench;
    bench.reachable("sip:bob@tandem.test", {{"sip:a", 1000}, {"sip:b", 1000}});
    called(bench);
    bench.step(refused(out(1), row.statuses[0]));
    INFO(row.statuses[0] << " and " << row.statuses[1]);
    CHECK(bench.step(refused(out(2), row.statuses[1])).back() ==
          "report T2 failed " + std::to_string(row.best) + " /1");
  }
}

TEST_CASE("redirections are told") {
  Bench bench;
  bench.reachable("sip:bob@tandem.test", {{"sip:a", 1000}, {"sip:b", 1000}});
  called(bench);
  CHECK(bench.step(refused(out(1), 302, {"sip:x@elsewhere.test"})) == Lines{"forget out1"});
  CHECK(bench.step(refused(out(2), 301, {"sip:y@elsewhere.test"})) ==
        Lines{"forget out2", "close m1",
              "report T2 failed 302 contact sip:x@elsewhere.test contact sip:y@elsewhere.test /1"});
}

TEST_CASE("more contacts than a call may try") {
  CoreSettings settings;
  settings.targets_max = 2;
  Bench bench(settings);
  bench.reachable("sip:bob@tandem.test", {{"sip:a", 100}, {"sip:b", 1000}, {"sip:c", 1000}});
  CHECK(called(bench).size() == 2);
  bench.step(refused(out(1), 486));
  CHECK(bench.step(refused(out(2), 486)).back() == "report T2 failed 486 /1");
}

TEST_CASE("the ring time limit") {
  Bench bench;
  called(bench, "sip:bob@tandem.test", 5000);
  bench.step(Progressed{out(1), 180, {}});
  CHECK(bench.wait(std::chrono::milliseconds(4999)).empty());
  CHECK(bench.wait(std::chrono::milliseconds(1)) ==
        Lines{"cancel out1", "close m1", "report T2 failed 408 'not answered in time' /1"});
  CHECK(bench.step(refused(out(1), 487)) == Lines{"forget out1"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("removed while it rings") {
  Bench bench;
  called(bench);
  SECTION("before anything was heard") {}
  SECTION("while it alerts") {
    bench.step(Progressed{out(1), 180, {}});
  }
  CHECK(bench.remove(given(1), given(2), 0, "SIP;cause=487") ==
        Lines{"cancel out1 'SIP;cause=487'", "close m1", "report T2 failed 487 /2"});
  CHECK(bench.step(refused(out(1), 487)) == Lines{"forget out1"});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("an answer we can't use is as good as none") {
  Bench bench;
  bench.reachable("sip:bob@tandem.test", {{"sip:a", 1000}, {"sip:b", 1000}});
  called(bench);
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = {}}) == Lines{"bye out1 'SIP;cause=488'", "forget out1"});
  CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = Phone{.formats = "9", .attributes = ""}.sdp()}) ==
        Lines{"bye out2 'SIP;cause=488'", "forget out2", "close m1",
              "report T2 failed 488 'answer without the audio line' /1"});
}

TEST_CASE("422: called again with the interval it wants, once") {
  Bench bench;
  const std::string offer = " m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-16] sendrecv v1";
  called(bench);
  auto small = refused(out(1), 422);
  small.min_se_s = 3600;
  CHECK(bench.step(small) ==
        Lines{"forget out1", "invite out2 sip:bob@192.0.2.2" + offer + " expires 3600 min-se 3600"});
  small.leg = out(2);
  small.min_se_s = 7200;
  CHECK(bench.step(small) == Lines{"forget out2", "close m1", "report T2 failed 422 /1"});
}

TEST_CASE("a late provisional response changes nothing") {
  Bench bench;
  called(bench);
  bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()});
  CHECK(bench.step(Progressed{out(1), 180, {}}).empty());
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = kBob.sdp()}).empty());
  CHECK(bench.step(refused(out(1), 486)).empty());
}

TEST_CASE("call progress that is not alerting is not told") {
  Bench bench;
  called(bench);
  CHECK(bench.step(Progressed{out(1), 181, {}}).empty());
  CHECK(bench.step(Progressed{out(1), 182, {}}).empty());
  CHECK(bench.step(Progressed{out(1), 183, {}}) == Lines{"report T2 alerting /1"});
}

TEST_CASE("a trunk's announcement reaches a caller that was told RINGING") {
  CoreSettings settings;
  Bench bench(settings);
  std::string order;
  const Phone trunk{.ip = "192.0.2.50", .port = 7000, .formats = "8 101"};
  bench.invited(in(1), Phone{.ip = "192.0.2.9", .port = 4000}.sdp(), "sip:bob@tandem.test");
  SECTION("RINGING first") {
    order = " /2";
    bench.admit(made(1), made(2), link::Admit::RINGING);
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    CHECK(bench.step(Progressed{out(1), 183, trunk.sdp()}) ==
          Lines{"connect m1 192.0.2.50:7000 [8 PCMA, 101 telephone-event 0-15]", "report T1 alerting with media /2",
                "answer in1 183 m2 [8 PCMA, 101 telephone-event 0-15] sendrecv v1",
                "connect m2 192.0.2.9:4000 [8 PCMA, 101 telephone-event 0-15]", "scene P1: m2, m1"});
  }
  SECTION("RINGING later") {
    order = " /1";
    bench.invite(made(1), given(1), "sip:bob@tandem.test");
    CHECK(bench.step(Progressed{out(1), 183, trunk.sdp()}) ==
          Lines{"connect m1 192.0.2.50:7000 [8 PCMA, 101 telephone-event 0-15]", "report T1 alerting with media /1"});
    CHECK(bench.admit(made(1), made(2), link::Admit::RINGING) ==
          Lines{"answer in1 180", "answer in1 183 m2 [8 PCMA, 101 telephone-event 0-15] sendrecv v1",
                "connect m2 192.0.2.9:4000 [8 PCMA, 101 telephone-event 0-15]", "scene P1: m2, m1"});
  }
  CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = trunk.sdp()}) ==
        Lines{"connect m1 192.0.2.50:7000 [8 PCMA, 101 telephone-event 0-15] watch",
              "report T1 answered sip:bob@tandem.test" + order});
  CHECK(bench.admit(made(1), made(2), link::Admit::ANSWER) ==
        Lines{"answer in1 200 m2 [8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uas",
              "connect m2 192.0.2.9:4000 [8 PCMA, 101 telephone-event 0-15] watch"});
}
