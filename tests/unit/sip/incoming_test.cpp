// Calls that come in.
#include "bench_room.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

struct Call {
  Bench bench;
  Peer peer;
  Invited invited;
  explicit Call(const std::string& more = "", const std::string& body = kOffer) {
    peer.towards("127.0.0.1", bench.port());
    peer.send(peer.make("INVITE", "sip:support@tandem.test", "in1", 1, "call-1", "", body, more));
    auto came = bench.next<Invited>();
    REQUIRE(came);
    invited = std::move(*came);
  }
  Message answered() {
    bench.perform(answer_with(invited.leg, 200, kAnswer));
    auto ok = peer.response(200);
    REQUIRE(ok);
    peer.send(peer.make("ACK", "sip:support@tandem.test", "ack1", 1, "call-1", ok->tag("To")));
    REQUIRE(bench.next<Acked>());
    return *ok;
  }
};

}  // namespace

TEST_CASE("An INVITE becomes Invited with everything the core asks for") {
  Call call("Ms-Conversation-ID: conv-7\r\nSession-Expires: 1200;refresher=uac\r\nMin-SE: 100\r\nSupported: timer\r\n");
  const auto& in = call.invited;
  CHECK(in.caller.dn == "sip:alice@tandem.test");
  CHECK(in.caller.authenticated);
  CHECK(in.from_uri == "sip:alice@tandem.test");
  CHECK(in.from_display == "Alice");
  CHECK(in.to_uri == "sip:support@tandem.test");
  CHECK(in.request_uri == "sip:support@tandem.test");
  CHECK(in.call_id == "call-1");
  CHECK(in.conversation_id == "conv-7");
  CHECK(in.source == call.peer.address());
  CHECK(in.local_ip == "127.0.0.1");
  CHECK(in.sdp == std::string(kOffer));
  CHECK(in.timer.expires_s == 1200);
  CHECK(in.timer.min_se_s == 100);
  CHECK(in.timer.refresher == SessionTimer::Refresher::Uac);
  CHECK(in.timer.supported);
  CHECK(in.max_forwards == 70);
}

TEST_CASE("A call that comes in is rung, answered, acknowledged and ended by the caller") {
  Call call("Record-Route: <sip:proxy.test;lr>\r\n");
  call.bench.perform(answer_with(call.invited.leg, 180));
  const auto ringing = call.peer.response(180);
  REQUIRE(ringing);
  CHECK(ringing->header("Record-Route") == "<sip:proxy.test;lr>");
  CHECK(ringing->header("Contact") == "<sip:127.0.0.1:" + std::to_string(call.bench.port()) + ">");

  Answer answer = answer_with(call.invited.leg, 200, kAnswer);
  answer.timer = {1800, 0, SessionTimer::Refresher::Uac, true};
  answer.headers = {{"Ms-Conversation-ID", "conv-8"}};
  call.bench.perform(answer);
  const auto ok = call.peer.response(200);
  REQUIRE(ok);
  CHECK(ok->body == kAnswer);
  CHECK(ok->tag("To") == ringing->tag("To"));
  CHECK(ok->header("Content-Type") == "application/sdp");
  CHECK(ok->header("Session-Expires") == "1800;refresher=uac");
  CHECK(ok->header("Require") == "timer");
  CHECK(ok->header("Ms-Conversation-ID") == "conv-8");
  CHECK(ok->header("Allow") != "");
  CHECK(ok->header("Server") == "Tandem");
  CHECK(call.bench.counts().unacknowledged == 1);

  call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "ack", 1, "call-1", ok->tag("To")));
  REQUIRE(call.bench.next<Acked>());
  CHECK(call.bench.counts().unacknowledged == 0);

  call.peer.send(call.peer.make("BYE", "sip:support@tandem.test", "bye", 2, "call-1", ok->tag("To"), "",
                                "Reason: Q.850;cause=16\r\n"));
  CHECK(call.peer.wait([](const Message& m) { return m.status() == 200 && m.cseq_method() == "BYE"; }));
  const auto bye = call.bench.next<ByeReceived>();
  REQUIRE(bye);
  CHECK(bye->reason == "Q.850;cause=16");
  call.bench.perform(ForgetLeg{call.invited.leg});
  CHECK(call.bench.empty());
  CHECK(call.bench.nothing_else());
}

TEST_CASE("100 goes out when nothing else does in time") {
  Call call;
  CHECK(call.peer.response(100));
}

TEST_CASE("A repeated INVITE is answered again and begins nothing") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 180));
  REQUIRE(call.peer.response(180));
  call.peer.send(call.peer.make("INVITE", "sip:support@tandem.test", "in1", 1, "call-1", "", kOffer));
  CHECK(call.peer.response(180));
  CHECK(call.bench.nothing_else());
  CHECK(call.bench.counts().legs == 1);
}

TEST_CASE("The same INVITE by another way is merged: 482") {
  Call call;
  call.peer.send(call.peer.make("INVITE", "sip:support@tandem.test", "other", 1, "call-1", "", kOffer));
  CHECK(call.peer.response(482));
  CHECK(call.bench.nothing_else());
}

TEST_CASE("CANCEL before the answer: 200, 487, Cancelled; an Answer that comes late is dropped") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 180));
  REQUIRE(call.peer.response(180));
  call.peer.send(call.peer.make("CANCEL", "sip:support@tandem.test", "in1", 1, "call-1", "", "",
                                "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
  CHECK(call.peer.wait([](const Message& m) { return m.status() == 200 && m.cseq_method() == "CANCEL"; }));
  const auto gone = call.peer.response(487);
  REQUIRE(gone);
  const auto cancelled = call.bench.next<Cancelled>();
  REQUIRE(cancelled);
  CHECK(cancelled->reason == "SIP;cause=200;text=\"Call completed elsewhere\"");
  call.bench.perform(answer_with(call.invited.leg, 200, kAnswer));
  call.bench.perform(ForgetLeg{call.invited.leg});
  call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "in1", 1, "call-1", gone->tag("To")));
  CHECK(call.bench.empty());
  for (const auto& m : call.peer.drain(300ms)) CHECK(m.status() != 200);
}

TEST_CASE("CANCEL of an INVITE that isn't known: 481, and told") {
  Call call;
  call.peer.send(call.peer.make("CANCEL", "sip:support@tandem.test", "elsewhere", 1, "call-2", "", "",
                                "Reason: SIP;cause=200\r\n"));
  CHECK(call.peer.response(481));
  const auto stray = call.bench.next<CancelStrayed>();
  REQUIRE(stray);
  CHECK(stray->call_id == "call-2");
  CHECK(stray->branch == "z9hG4bKelsewhere");
  CHECK(stray->reason == "SIP;cause=200");
}

TEST_CASE("A CANCEL that came to another Connector counts if it has the INVITE's branch") {
  Call call;
  call.bench.perform(TakeCancel{call.invited.leg, "z9hG4bKother", ""});
  CHECK(call.bench.nothing_else());
  call.bench.perform(TakeCancel{call.invited.leg, "z9hG4bKin1", "SIP;cause=200"});
  const auto gone = call.peer.response(487);
  REQUIRE(gone);
  const auto cancelled = call.bench.next<Cancelled>();
  REQUIRE(cancelled);
  CHECK(cancelled->reason == "SIP;cause=200");
  call.bench.perform(TakeCancel{call.invited.leg, "z9hG4bKin1", ""});
  call.bench.perform(ForgetLeg{call.invited.leg});
  call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "in1", 1, "call-1", gone->tag("To")));
  CHECK(call.bench.nothing_else());
}

TEST_CASE("A caller whose call is another Connector's now hears nothing of it, and his CANCEL is told") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 180));
  REQUIRE(call.peer.response(180));
  call.bench.perform(DropLeg{call.invited.leg});
  CHECK(call.peer.drain(300ms).empty());
  call.peer.send(call.peer.make("CANCEL", "sip:support@tandem.test", "in1", 1, "call-1"));
  CHECK(call.peer.wait([](const Message& m) { return m.status() == 200 && m.cseq_method() == "CANCEL"; }));
  const auto gone = call.peer.response(487);
  REQUIRE(gone);
  const auto stray = call.bench.next<CancelStrayed>();
  REQUIRE(stray);
  CHECK(stray->call_id == "call-1");
  CHECK(stray->branch == "z9hG4bKin1");
  call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "in1", 1, "call-1", gone->tag("To")));
  CHECK(call.bench.nothing_else());
}

TEST_CASE("A caller who was another Connector's is answered once he is ours again") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 180));
  REQUIRE(call.peer.response(180));
  std::optional<ha::Dialog> record;
  call.bench.loop.call([&] { record = call.bench.room->dialog(call.invited.leg); });
  REQUIRE(record);
  call.bench.perform(DropLeg{call.invited.leg});
  const LegId again{1000};
  call.bench.perform(RestoreLeg{again, *record});
  CHECK(call.peer.drain(300ms).empty());
  call.bench.perform(answer_with(again, 200, kAnswer));
  const auto ok = call.peer.response(200);
  REQUIRE(ok);
  call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "ack", 1, "call-1", ok->tag("To")));
  CHECK(call.bench.next<Acked>());
  CHECK(call.peer.drain(1s).empty());
  CHECK(call.bench.counts().legs == 1);
}

TEST_CASE("CANCEL after the answer comes too late: 481, the call stays") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 200, kAnswer));
  REQUIRE(call.peer.response(200));
  call.peer.send(call.peer.make("CANCEL", "sip:support@tandem.test", "in1", 1, "call-1"));
  CHECK(call.peer.response(481));
  CHECK(call.bench.nothing_else());
}

TEST_CASE("Our 2xx is repeated until it is acknowledged") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 200, kAnswer));
  const auto first = call.peer.response(200);
  REQUIRE(first);
  const auto second = call.peer.response(200);
  REQUIRE(second);
  CHECK(second->text == first->text);
  call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "ack", 1, "call-1", first->tag("To"), kOffer));
  const auto acked = call.bench.next<Acked>();
  REQUIRE(acked);
  CHECK(acked->sdp == std::string(kOffer));  // offerless INVITE: their answer comes here
  call.peer.drain(300ms);
  CHECK(call.peer.drain(500ms).empty());
}

TEST_CASE("A 2xx that is never acknowledged is told, and the BYE waits for that") {
  Call call;
  call.bench.perform(answer_with(call.invited.leg, 200, kAnswer));
  REQUIRE(call.peer.response(200));
  SECTION("told") {
    CHECK(call.bench.next<AckMissing>());
    CHECK(call.bench.counts().unacknowledged == 0);
    call.bench.perform(SendBye{call.invited.leg, "SIP;cause=408"});
    const auto bye = call.peer.request("BYE");
    REQUIRE(bye);
    CHECK(bye->header("Reason") == "SIP;cause=408");
  }
  SECTION("BYE asked before the ACK") {
    call.bench.perform(SendBye{call.invited.leg, ""});
    call.bench.perform(ForgetLeg{call.invited.leg});
    CHECK(!call.peer.request("BYE", 300ms));
    call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "ack", 1, "call-1",
                                  call.peer.passed.empty() ? "" : call.peer.passed.back().tag("To")));
    const auto bye = call.peer.request("BYE", 1s);
    REQUIRE(bye);
    call.peer.send(call.peer.answer(*bye, 200, ""));
    CHECK(call.bench.empty());
    CHECK(call.bench.nothing_else());
  }
}

TEST_CASE("We end an answered call along the route it came by") {
  Call call("Record-Route: <sip:127.0.0.1:" + std::to_string(1) + ";lr>, <sip:second.test;lr>\r\n");
  const auto ok = call.answered();
  call.bench.perform(SendBye{call.invited.leg, ""});
  call.bench.perform(ForgetLeg{call.invited.leg});
  // Nobody listens on port 1: what counts is that the leg ends all the same.
  CHECK(call.bench.empty(10s));
  CHECK(call.bench.nothing_else());
}

TEST_CASE("Refusals: reason, contacts of a 3xx, Min-SE of a 422") {
  Call call;
  SECTION("302") {
    Answer answer = answer_with(call.invited.leg, 302);
    answer.contacts = {"sip:carol@tandem.test", "bad uri"};
    call.bench.perform(answer);
    const auto moved = call.peer.response(302);
    REQUIRE(moved);
    CHECK(moved->all("Contact") == std::vector<std::string>{"<sip:carol@tandem.test>"});
  }
  SECTION("422") {
    Answer answer = answer_with(call.invited.leg, 422);
    answer.timer.min_se_s = 90;
    call.bench.perform(answer);
    const auto small = call.peer.response(422);
    REQUIRE(small);
    CHECK(small->header("Min-SE") == "90");
  }
  SECTION("486 with a phrase of its own") {
    Answer answer = answer_with(call.invited.leg, 486);
    answer.reason = "On the other line";
    answer.headers = {{"Retry-After", "3"}, {"Bad\r\nHeader", "x"}, {"X", "a\r\nInjected: b"}};
    call.bench.perform(answer);
    const auto busy = call.peer.response(486);
    REQUIRE(busy);
    CHECK(busy->first == "SIP/2.0 486 On the other line");
    CHECK(busy->header("Retry-After") == "3");
    CHECK(busy->header("Injected") == "");
  }
  call.bench.perform(ForgetLeg{call.invited.leg});
  CHECK(call.bench.empty());  // by timer H: no ACK came
  CHECK(call.bench.counts().unacknowledged == 0);
}

TEST_CASE("A leg the core forgets without a word is ended") {
  Call call;
  SECTION("not answered: 480") {
    call.bench.perform(ForgetLeg{call.invited.leg});
    CHECK(call.peer.response(480));
  }
  SECTION("answered: BYE") {
    call.answered();
    call.bench.perform(ForgetLeg{call.invited.leg});
    const auto bye = call.peer.request("BYE");
    REQUIRE(bye);
    call.peer.send(call.peer.answer(*bye, 200, ""));
    CHECK(call.bench.empty());
  }
}

TEST_CASE("re-INVITE and UPDATE from the phone") {
  Call call;
  const auto ok = call.answered();
  const auto tag = ok.tag("To");
  SECTION("re-INVITE with an offer") {
    call.peer.send(call.peer.make("INVITE", "sip:support@tandem.test", "re1", 2, "call-1", tag, kOffer,
                                  "Session-Expires: 600\r\n"));
    const auto re = call.bench.next<Reinvited>();
    REQUIRE(re);
    CHECK(re->sdp == std::string(kOffer));
    CHECK(!re->update);
    CHECK(re->timer.expires_s == 600);
    call.bench.perform(AnswerReinvite{call.invited.leg, 200, kAnswer, {600, 0, SessionTimer::Refresher::Uac, true}, 0});
    const auto good = call.peer.response(200);
    REQUIRE(good);
    CHECK(good->body == kAnswer);
    CHECK(good->header("Session-Expires") == "600;refresher=uac");
    call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "re1a", 2, "call-1", tag));
    CHECK(call.bench.next<Acked>());
  }
  SECTION("re-INVITE without one; the answer comes with the ACK") {
    call.peer.send(call.peer.make("INVITE", "sip:support@tandem.test", "re2", 2, "call-1", tag));
    const auto re = call.bench.next<Reinvited>();
    REQUIRE(re);
    CHECK(!re->sdp);
    call.bench.perform(AnswerReinvite{call.invited.leg, 200, kOffer, {}, 0});
    REQUIRE(call.peer.response(200));
    call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "re2a", 2, "call-1", tag, kAnswer));
    const auto acked = call.bench.next<Acked>();
    REQUIRE(acked);
    CHECK(acked->sdp == std::string(kAnswer));
  }
  SECTION("a second one while the first is open: 500 with Retry-After") {
    call.peer.send(call.peer.make("INVITE", "sip:support@tandem.test", "re3", 2, "call-1", tag, kOffer));
    REQUIRE(call.bench.next<Reinvited>());
    call.peer.send(call.peer.make("INVITE", "sip:support@tandem.test", "re4", 3, "call-1", tag, kOffer));
    const auto no = call.peer.response(500);
    REQUIRE(no);
    CHECK(no->header("Retry-After") != "");
    call.bench.perform(AnswerReinvite{call.invited.leg, 488, "", {}, 0});
    CHECK(call.peer.response(488));
  }
  SECTION("UPDATE") {
    call.peer.send(
        call.peer.make("UPDATE", "sip:support@tandem.test", "up", 2, "call-1", tag, "", "Session-Expires: 600\r\n"));
    const auto update = call.bench.next<Reinvited>();
    REQUIRE(update);
    CHECK(update->update);
    CHECK(!update->sdp);
    call.bench.perform(AnswerReinvite{call.invited.leg, 200, "", {600, 0, SessionTimer::Refresher::Uas, true}, 0});
    const auto good = call.peer.response(200);
    REQUIRE(good);
    CHECK(good->header("Session-Expires") == "600;refresher=uas");
  }
  SECTION("the phone's new Contact is where the next request goes") {
    Peer elsewhere;
    elsewhere.towards("127.0.0.1", call.bench.port());
    auto text = call.peer.make("INVITE", "sip:support@tandem.test", "mv", 2, "call-1", tag, kOffer);
    const auto contact = "<sip:alice@" + call.peer.address() + ">";
    text.replace(text.find("Contact: " + contact), 9 + contact.size(),
                 "Contact: <sip:alice@" + elsewhere.address() + ">");
    call.peer.send(text);
    REQUIRE(call.bench.next<Reinvited>());
    call.bench.perform(AnswerReinvite{call.invited.leg, 200, kAnswer, {}, 0});
    REQUIRE(call.peer.response(200));
    call.peer.send(call.peer.make("ACK", "sip:support@tandem.test", "mva", 2, "call-1", tag));
    REQUIRE(call.bench.next<Acked>());
    call.bench.perform(SendBye{call.invited.leg, ""});
    const auto bye = elsewhere.request("BYE");
    REQUIRE(bye);
    elsewhere.send(elsewhere.answer(*bye, 200, ""));
  }
  SECTION("an old CSeq: 500") {
    call.peer.send(call.peer.make("BYE", "sip:support@tandem.test", "old", 0, "call-1", tag));
    CHECK(call.peer.wait([](const Message& m) { return m.status() == 500 && m.cseq_method() == "BYE"; }));
    CHECK(call.bench.nothing_else());
  }
}
