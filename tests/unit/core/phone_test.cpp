// What phones ask for and are told beside offer and answer: digits to be sent, answering, transfers, taking over,
// names.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

constexpr std::uint64_t kCall = made(1), kCaller = made(2), kAgent = given(1);

link::Command about(std::uint64_t party) {
  link::Command command;
  command.set_conversation(kCall);
  command.set_party(party);
  return command;
}

Lines digits(Bench& bench, std::uint64_t party, std::string text) {
  auto command = about(party);
  command.mutable_send_digits()->set_digits(std::move(text));
  return bench.command(std::move(command));
}

Lines refer(Bench& bench, std::uint64_t party, std::uint32_t status) {
  auto command = about(party);
  command.mutable_refer()->set_status(status);
  return bench.command(std::move(command));
}

Lines pickup(Bench& bench, std::uint64_t party) {
  auto command = about(party);
  command.mutable_pickup();
  return bench.command(std::move(command));
}

Lines take_over(Bench& bench, LegId replaced) {
  Invited input;
  input.leg = in(5);
  input.caller = Caller{"sip:dave@tandem.test", true, ""};
  input.request_uri = "sip:bob@tandem.test";
  input.sdp = Phone{.ip = "192.0.2.5"}.sdp();
  input.replaces = replaced;
  return bench.step(std::move(input));
}

}  // namespace

TEST_CASE("digits spoken by a party reach every other who hears") {
  Bench bench;
  bench.talking();
  bench.answered(kCall, given(5), "sip:alice@tandem.test", 2, 1);
  CHECK(digits(bench, kAgent, "12,#") == Lines{"digits m1 12,#", "digits m3 12,#", "report T1 digits sent 12,# /5"});
  bench.hold(kCall, kCaller);
  CHECK(digits(bench, kAgent, "5") == Lines{"digits m3 5", "report T1 digits sent 5 /7"});
  CHECK(digits(bench, kCaller, "5") == Lines{"report P2 command WRONG_STATE /8"});
  CHECK(digits(bench, kAgent, "5x") == Lines{"report T1 command BAD_ADDRESS /9"});
  CHECK(digits(bench, kAgent, "") == Lines{"report T1 command BAD_ADDRESS /10"});
}

TEST_CASE("a phone that says that it can is told to answer") {
  Bench bench;
  bench.invited(in(1), Phone{}.sdp());
  bench.invite(kCall, kAgent, "sip:bob@tandem.test");
  CHECK(pickup(bench, kAgent) == Lines{"report T1 command NOT_SUPPORTED /2"});
  CHECK(bench.step(Progressed{.leg = out(1), .status = 180, .talk = true}) == Lines{"report T1 alerting talk /1"});
  CHECK(pickup(bench, kAgent) == Lines{"talk out1"});
  SECTION("it does") {
    CHECK(bench.step(InviteAccepted{.leg = out(1), .sdp = Phone{}.sdp()}).back() ==
          "report T1 answered sip:bob@tandem.test /1");
    CHECK(pickup(bench, kAgent) == Lines{"report T1 command WRONG_STATE /4"});
  }
  SECTION("it won't") {
    CHECK(bench.step(TalkRefused{out(1), 489}) == Lines{"report T1 command NOT_SUPPORTED /3"});
    CHECK(bench.step(TalkRefused{out(1), 489}).empty());
  }
}

TEST_CASE("blind transfer by the phone: REFER") {
  Bench bench;
  bench.talking();
  CHECK(bench.step(ReferAsked{.leg = out(1), .refer_to = "sip:dave@tandem.test"}) ==
        Lines{"answer refer out1 202", "report T1 refers to sip:dave@tandem.test"});
  CHECK(bench.step(ReferAsked{.leg = out(1), .refer_to = "sip:dave@tandem.test"}) == Lines{"answer refer out1 491"});
  SECTION("it succeeds") {
    CHECK(refer(bench, kAgent, 180) == Lines{"notify refer out1 180"});
    CHECK(refer(bench, kAgent, 200) == Lines{"notify refer out1 200"});
    CHECK(refer(bench, kAgent, 200) == Lines{"report T1 command WRONG_STATE /6"});
  }
  SECTION("nobody says what came of it") {
    CHECK(bench.wait(std::chrono::seconds(181)) == Lines{"notify refer out1 408"});
  }
  SECTION("the phone hangs up meanwhile") {
    bench.step(ByeReceived{out(1), ""});
    bench.release(kCall);
    CHECK(bench.timers.size() == 0);
  }
}

TEST_CASE("attended transfer by the phone: its other call is named") {
  Bench bench;
  bench.talking();
  bench.invited(in(7), Phone{.ip = "192.0.2.2"}.sdp());
  bench.admit(made(3), made(4), link::Admit::ANSWER);
  CHECK(bench.step(ReferAsked{.leg = out(1), .refer_to = "sip:dave@tandem.test", .replaces = in(7)}) ==
        Lines{"answer refer out1 202", "report T1 refers to sip:dave@tandem.test replacing P4 in P3"});
  refer(bench, kAgent, 603);
  CHECK(bench.step(ReferAsked{.leg = out(1), .refer_to = "sip:dave@elsewhere.test", .replaces_unknown = true}) ==
        Lines{"answer refer out1 202", "report T1 refers to sip:dave@elsewhere.test replacing nobody known"});
}

TEST_CASE("transfers that can't be") {
  Bench bench;
  CHECK(bench.step(ReferAsked{.leg = in(1), .refer_to = "sip:dave@tandem.test"}) == Lines{"answer refer in1 481"});
  bench.talking();
  CHECK(bench.step(ReferAsked{.leg = in(1), .refer_to = "a\nb"}) == Lines{"answer refer in1 400"});
  CHECK(refer(bench, kAgent, 200) == Lines{"report T1 command WRONG_STATE /4"});
  bench.step(LinkClosed{1});
  CHECK(bench.step(ReferAsked{.leg = in(1), .refer_to = "sip:dave@tandem.test"}) == Lines{"answer refer in1 503"});
}

TEST_CASE("INVITE with Replaces: somebody takes the place of a party") {
  Bench bench;
  bench.talking();
  CHECK(take_over(bench, out(1)) == Lines{"report P3 offered sip:dave@tandem.test to sip:bob@tandem.test as "
                                          "0000008000000001-Genesys replaces T1"});
  bench.admit(kCall, made(3), link::Admit::ANSWER);
  CHECK(bench.remove(kCall, kAgent).back() == "report T1 left REMOVED /5");
}

TEST_CASE("INVITE with Replaces: a call that rings is picked up, one that is gone is not") {
  Bench bench;
  bench.invited(in(1), Phone{}.sdp());
  bench.invite(kCall, kAgent, "sip:bob@tandem.test");
  SECTION("rings") {
    CHECK(take_over(bench, out(1)).front().ends_with(" replaces T1"));
  }
  SECTION("a caller not answered yet") {
    CHECK(take_over(bench, in(1)) == Lines{"answer in5 481", "forget in5"});
  }
  SECTION("gone") {
    CHECK(take_over(bench, out(9)) == Lines{"answer in5 481", "forget in5"});
  }
}

TEST_CASE("who is at the phone changes") {
  Bench bench;
  bench.talking();
  const Reinvited same{.leg = out(1), .update = true, .asserted_identity = "sip:bob@tandem.test"};
  CHECK(bench.step(same).size() == 1);
  const Reinvited other{.leg = out(1), .update = true, .asserted_identity = "sip:dave@tandem.test"};
  CHECK(bench.step(other).back() == "report T1 identified sip:dave@tandem.test");
  CHECK(bench.step(other).size() == 1);
}
