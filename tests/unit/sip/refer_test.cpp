// REFER in a call (RFC 3515), attended too (Replaces in Refer-To), and INVITE with Replaces (RFC 3891).
#include "calls_up.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

std::string replaces_in_uri(const Message& ok) {
  std::string call_id = ok.header("Call-ID");
  for (auto at = call_id.find('@'); at != std::string::npos; at = call_id.find('@', at + 1))
    call_id.replace(at, 1, "%40");
  return "Replaces=" + call_id + "%3Bto-tag%3D" + ok.tag("To") + "%3Bfrom-tag%3D" + ok.tag("From");
}

std::string replaces(const Message& ok, const std::string& more = "") {
  return "Replaces: " + ok.header("Call-ID") + ";from-tag=" + ok.tag("From") + ";to-tag=" + ok.tag("To") + more +
         "\r\n";
}

}  // namespace

TEST_CASE("A blind transfer: 202, then NOTIFYs until the final status") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  peer.send(peer.inside("REFER", call.ok, 2,
                        "Refer-To: <sip:carol@tandem.test;method=INVITE>\r\nReferred-By: <sip:alice@tandem.test>\r\n"));
  const auto asked = bench.next<ReferAsked>();
  REQUIRE(asked);
  CHECK(asked->leg == call.leg);
  CHECK(asked->refer_to == "sip:carol@tandem.test");
  CHECK(asked->referred_by == "sip:alice@tandem.test");
  CHECK(!asked->replaces);
  CHECK(!asked->replaces_unknown);
  CHECK(bench.desk.last_referred.first.dn == "sip:alice@tandem.test");

  bench.perform(AnswerRefer{call.leg, 202, ""});
  const auto accepted = peer.response(202);
  REQUIRE(accepted);
  CHECK(accepted->cseq_method() == "REFER");
  const auto trying = peer.request("NOTIFY");
  REQUIRE(trying);
  CHECK(trying->header("Event") == "refer");
  CHECK(trying->header("Subscription-State").rfind("active", 0) == 0);
  CHECK(trying->header("Content-Type") == "message/sipfrag;version=2.0");
  CHECK(trying->body == "SIP/2.0 100 Trying\r\n");

  // What is told while a NOTIFY is under way waits for its answer; the same again is not told.
  bench.perform(NotifyRefer{call.leg, 100, ""});
  bench.perform(NotifyRefer{call.leg, 180, ""});
  CHECK(!peer.wait([](const Message& m) { return m.method() == "NOTIFY" && m.body.find("180") != std::string::npos; },
                   100ms));
  peer.send(peer.answer(*trying, 200, ""));
  const auto ringing = peer.request("NOTIFY");
  REQUIRE(ringing);
  CHECK(ringing->body == "SIP/2.0 180 Ringing\r\n");
  peer.send(peer.answer(*ringing, 200, ""));
  bench.perform(NotifyRefer{call.leg, 200, ""});
  const auto done = peer.request("NOTIFY");
  REQUIRE(done);
  CHECK(done->body == "SIP/2.0 200 OK\r\n");
  CHECK(done->header("Subscription-State") == "terminated;reason=noresource");
  peer.send(peer.answer(*done, 200, ""));

  SECTION("a further REFER in the dialog is told apart by its CSeq") {
    peer.send(peer.inside("REFER", call.ok, 3, "Refer-To: <sip:dave@tandem.test>\r\n"));
    REQUIRE(bench.next<ReferAsked>());
    bench.perform(AnswerRefer{call.leg, 202, ""});
    const auto again = peer.request("NOTIFY");
    REQUIRE(again);
    CHECK(again->header("Event") == "refer;id=3");
    peer.send(peer.answer(*again, 481, ""));  // the phone wants no more of them
    bench.perform(NotifyRefer{call.leg, 200, ""});
    CHECK(!peer.request("NOTIFY", 200ms));
  }
  bench.perform(SendBye{call.leg, ""});
  bench.perform(ForgetLeg{call.leg});
  const auto bye = peer.request("BYE");
  REQUIRE(bye);
  peer.send(peer.answer(*bye, 200, ""));
  CHECK(bench.empty());
  CHECK(bench.nothing_else());
}

TEST_CASE("A REFER that wants no subscription gets none (RFC 4488)") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  peer.send(peer.inside("REFER", call.ok, 2,
                        "Refer-To: <sip:carol@tandem.test>\r\nRefer-Sub: false\r\n"
                        "Require: norefersub\r\n"));
  REQUIRE(bench.next<ReferAsked>());
  bench.perform(AnswerRefer{call.leg, 202, ""});
  const auto accepted = peer.response(202);
  REQUIRE(accepted);
  CHECK(accepted->header("Refer-Sub") == "false");
  bench.perform(NotifyRefer{call.leg, 180, ""});
  bench.perform(NotifyRefer{call.leg, 200, ""});
  CHECK(!peer.request("NOTIFY", 200ms));
  peer.send(peer.inside("REFER", call.ok, 3, "Refer-To: <sip:dave@tandem.test>\r\n"));  // the first is over
  CHECK(bench.next<ReferAsked>());
}

TEST_CASE("A REFER that can't be followed is refused and changes nothing") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  const auto refused = [&](int status, const std::string& more) {
    peer.send(peer.inside("REFER", call.ok, 2, more));
    const auto no = peer.response(status);
    REQUIRE(no);
    CHECK(no->cseq_method() == "REFER");
    CHECK(bench.nothing_else());
  };
  SECTION("no Refer-To") {
    refused(400, "");
  }
  SECTION("no call") {
    refused(501, "Refer-To: <sip:carol@tandem.test;method=MESSAGE>\r\n");
  }
  SECTION("no phone address") {
    refused(416, "Refer-To: <http://tandem.test/>\r\n");
  }
  SECTION("the front end says no") {
    bench.loop.call([&] { bench.desk.refer_refusal = Reply{403, "No relaying", {}}; });
    refused(403, "Refer-To: <sip:0900123@tandem.test>\r\n");
  }
  SECTION("one at a time") {
    peer.send(peer.inside("REFER", call.ok, 2, "Refer-To: <sip:carol@tandem.test>\r\n"));
    REQUIRE(bench.next<ReferAsked>());
    peer.send(peer.inside("REFER", call.ok, 3, "Refer-To: <sip:dave@tandem.test>\r\n"));
    CHECK(peer.response(491));
    bench.perform(AnswerRefer{call.leg, 603, "Not now"});
    const auto no = peer.response(603);
    REQUIRE(no);
    CHECK(no->first == "SIP/2.0 603 Not now");
    CHECK(!peer.request("NOTIFY", 100ms));
  }
  SECTION("outside a call") {
    peer.send(peer.make("REFER", "sip:support@tandem.test", "out", 1, "out", "", "",
                        "Refer-To: <sip:carol@tandem.test>\r\n"));
    CHECK(peer.response(405));
    CHECK(bench.nothing_else());
  }
}

TEST_CASE("An attended transfer names the phone's other call") {
  Bench bench;
  Peer peer;
  const IncomingCall first(bench, peer, 1);
  const IncomingCall second(bench, peer, 2);
  SECTION("ours") {
    // The one that a phone names by Call-ID and tags needs no leave to be called.
    bench.loop.call([&] { bench.desk.refer_refusal = Reply{403, "", {}}; });
    peer.send(peer.inside("REFER", first.ok, 2,
                          "Refer-To: <sip:carol@tandem.test?" + replaces_in_uri(second.ok) + "&Require=replaces>\r\n"));
    const auto asked = bench.next<ReferAsked>();
    REQUIRE(asked);
    CHECK(asked->leg == first.leg);
    CHECK(asked->refer_to == "sip:carol@tandem.test");
    CHECK(asked->replaces == second.leg);
    CHECK(!asked->replaces_unknown);
  }
  SECTION("a call we made") {
    Peer other;
    OutgoingCall ringing(bench, other, 3);
    ringing.answered(bench, other);
    peer.send(peer.inside("REFER", first.ok, 2,
                          "Refer-To: <sip:carol@tandem.test?Replaces=" + ringing.invite.header("Call-ID") +
                              "%3Bto-tag%3D" + ringing.invite.tag("From") + "%3Bfrom-tag%3Dbob>\r\n"));
    const auto asked = bench.next<ReferAsked>();
    REQUIRE(asked);
    CHECK(asked->replaces == ringing.leg);
  }
  SECTION("nobody's") {
    peer.send(peer.inside("REFER", first.ok, 2,
                          "Refer-To: <sip:carol@tandem.test?Replaces=none%3Bto-tag%3Da%3Bfrom-tag%3Db>\r\n"));
    const auto asked = bench.next<ReferAsked>();
    REQUIRE(asked);
    CHECK(asked->replaces_unknown);
    CHECK(!asked->replaces);
  }
  SECTION("itself") {
    peer.send(
        peer.inside("REFER", first.ok, 2, "Refer-To: <sip:carol@tandem.test?" + replaces_in_uri(first.ok) + ">\r\n"));
    const auto asked = bench.next<ReferAsked>();
    REQUIRE(asked);
    CHECK(asked->replaces_unknown);
  }
}

TEST_CASE("The phone hangs up in the middle of its transfer") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  peer.send(peer.inside("REFER", call.ok, 2, "Refer-To: <sip:carol@tandem.test>\r\n"));
  REQUIRE(bench.next<ReferAsked>());
  bench.perform(AnswerRefer{call.leg, 202, ""});
  REQUIRE(peer.request("NOTIFY"));
  peer.send(peer.inside("BYE", call.ok, 3));
  REQUIRE(bench.next<ByeReceived>());
  bench.perform(NotifyRefer{call.leg, 200, ""});
  bench.perform(ForgetLeg{call.leg});
  CHECK(bench.empty());
  CHECK(bench.nothing_else());
}

TEST_CASE("INVITE with Replaces names the leg it takes the place of") {
  Bench bench;
  Peer peer, picker;
  picker.towards("127.0.0.1", bench.port());
  const auto pick = [&](const std::string& header) {
    static int n = 0;
    const auto id = "pick" + std::to_string(++n);
    picker.send(picker.make("INVITE", "sip:127.0.0.1:" + std::to_string(bench.port()), id, 1, id, "", kOffer,
                            header + "Require: replaces\r\n"));
  };
  SECTION("a call that is up") {
    const IncomingCall call(bench, peer);
    pick(replaces(call.ok));
    const auto invited = bench.next<Invited>();
    REQUIRE(invited);
    CHECK(invited->replaces == call.leg);
    CHECK(bench.desk.last_invite.replacing);
    SECTION("once it is over: 603 while something of it is left, 481 later") {
      bench.perform(SendBye{call.leg, ""});
      bench.perform(ForgetLeg{call.leg});
      REQUIRE(peer.request("BYE"));
      pick(replaces(call.ok));
      CHECK(picker.response(603));
    }
  }
  SECTION("only if it were early: 486") {
    const IncomingCall call(bench, peer);
    pick(replaces(call.ok, ";early-only"));
    CHECK(picker.response(486));
  }
  SECTION("a phone that we let ring") {
    OutgoingCall call(bench, peer);
    call.ringing(bench, peer);
    pick("Replaces: " + call.invite.header("Call-ID") + ";to-tag=" + call.invite.tag("From") +
         ";from-tag=bob;early-only\r\n");
    const auto invited = bench.next<Invited>();
    REQUIRE(invited);
    CHECK(invited->replaces == call.leg);
  }
  SECTION("an early dialog that the other side began: 481") {
    peer.towards("127.0.0.1", bench.port());
    peer.send(peer.make("INVITE", "sip:support@tandem.test", "e", 1, "early", "", kOffer));
    const auto invited = bench.next<Invited>();
    REQUIRE(invited);
    bench.perform(answer_with(invited->leg, 180));
    const auto ringing = peer.response(180);
    REQUIRE(ringing);
    pick(replaces(*ringing));
    CHECK(picker.response(481));
  }
  SECTION("nothing of ours: 481") {
    const IncomingCall call(bench, peer);
    pick("Replaces: nobody;to-tag=a;from-tag=b\r\n");
    CHECK(picker.response(481));
    pick("Replaces: " + call.ok.header("Call-ID") + ";to-tag=" + call.ok.tag("To") + ";from-tag=wrong\r\n");
    CHECK(picker.response(481));
    pick("Replaces: " + call.ok.header("Call-ID") + ";to-tag=" + call.ok.tag("From") +
         ";from-tag=" + call.ok.tag("To") + "\r\n");
    CHECK(picker.response(481));
  }
  SECTION("a tag is missing: 400") {
    pick("Replaces: nobody;to-tag=a\r\n");
    CHECK(picker.response(400));
  }
  SECTION("by somebody who proves nothing: 403, whatever it names") {
    const IncomingCall call(bench, peer);
    bench.loop.call([&] { bench.desk.authenticates = false; });
    pick(replaces(call.ok));
    CHECK(picker.response(403));
  }
  CHECK(!bench.next<Invited>(0ms));
}
