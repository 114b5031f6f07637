// Digits by INFO, asking a ringing phone to answer, and identities asserted within a call.
#include "calls_up.h"
#include "connector/sip/info.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

TEST_CASE("A digit by INFO, in both forms") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  peer.send(
      peer.inside("INFO", call.ok, 2, "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n"));
  auto digit = bench.next<InfoDigit>();
  REQUIRE(digit);
  CHECK(digit->leg == call.leg);
  CHECK(digit->digit == '5');
  CHECK(digit->duration_ms == 160);
  CHECK(peer.response(200));
  peer.send(peer.inside("INFO", call.ok, 3, "Content-Type: application/dtmf\r\n", "#"));
  digit = bench.next<InfoDigit>();
  REQUIRE(digit);
  CHECK(digit->digit == '#');
  CHECK(digit->duration_ms == 250);
  CHECK(peer.response(200));
}

TEST_CASE("INFO that is no digit") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  SECTION("no body: 200") {
    peer.send(peer.inside("INFO", call.ok, 2));
    CHECK(peer.response(200));
  }
  SECTION("another body: 415 with what is taken") {
    peer.send(peer.inside("INFO", call.ok, 2, "Content-Type: application/media_control+xml\r\n", "<a/>"));
    const auto no = peer.response(415);
    REQUIRE(no);
    CHECK(no->header("Accept") == "application/dtmf-relay, application/dtmf");
  }
  SECTION("an info package: 469 with none of ours") {
    peer.send(peer.inside("INFO", call.ok, 2, "Info-Package: foo\r\nContent-Type: application/dtmf\r\n", "1"));
    const auto no = peer.response(469);
    REQUIRE(no);
    CHECK(no->all("Recv-Info") == std::vector<std::string>{""});
  }
  SECTION("not readable: 400") {
    peer.send(peer.inside("INFO", call.ok, 2, "Content-Type: application/dtmf-relay\r\n", "Signal=xyz\r\n"));
    CHECK(peer.response(400));
  }
  SECTION("a flash: 200") {
    peer.send(peer.inside("INFO", call.ok, 2, "Content-Type: application/dtmf-relay\r\n", "Signal=16\r\n"));
    CHECK(peer.response(200));
  }
  CHECK(bench.nothing_else());
}

TEST_CASE("Bodies of INFO") {
  const auto relay = [](std::string_view body) { return read_signal("application/dtmf-relay", body); };
  CHECK(relay("Signal= *\nDuration= 100\n")->digit == '*');
  CHECK(relay("Duration=70\r\nSignal=d\r\n")->digit == 'D');
  CHECK(relay("Duration=70\r\nSignal=d\r\n")->duration_ms == 70);
  CHECK(relay("Signal=11\r\n")->digit == '#');
  CHECK(relay("Signal=10\r\n")->digit == '*');
  CHECK(relay("Signal=0\r\n")->digit == '0');
  CHECK(relay("Signal=flash\r\n")->digit == 0);
  CHECK(relay("Signal=1\r\nDuration=99999999\r\n")->duration_ms == 60000);
  CHECK(relay("Signal=1\r\nDuration=-1\r\n")->duration_ms == 250);
  CHECK(!relay(""));
  CHECK(!relay("Signal=\r\n"));
  CHECK(!relay("Signal=17\r\n"));
  CHECK(!relay("Signal=99999999999999999999\r\n"));
  CHECK(read_signal("application/dtmf", " 7\r\n")->digit == '7');
  CHECK(read_signal("application/dtmf", "Signal=7\r\n")->digit == '7');
  CHECK(!read_signal("application/dtmf", "77x"));
}

TEST_CASE("A phone that understands talk is asked to answer") {
  Bench bench;
  Peer peer;
  OutgoingCall call(bench, peer);
  CHECK(call.ringing(bench, peer, "Allow-Events: talk, hold\r\n").talk);
  bench.perform(SendTalk{call.leg});
  const auto talk = peer.request("NOTIFY");
  REQUIRE(talk);
  CHECK(talk->uri() == "sip:bob@" + peer.address());
  CHECK(talk->header("Event") == "talk");
  CHECK(talk->header("Subscription-State") == "active");
  CHECK(talk->tag("To") == "bob");
  CHECK(talk->tag("From") == call.invite.tag("From"));
  const auto number = [](const Message& m) { return std::stoul(m.header("CSeq")); };
  CHECK(number(*talk) > number(call.invite));
  SECTION("and answers") {
    peer.send(peer.answer(*talk, 200, ""));
    const auto ack = call.answered(bench, peer);
    CHECK(number(ack) == number(call.invite));
    bench.perform(SendBye{call.leg, ""});
    const auto bye = peer.request("BYE");
    REQUIRE(bye);
    CHECK(number(*bye) > number(*talk));
    CHECK(bench.nothing_else());
  }
  SECTION("and says no") {
    peer.send(peer.answer(*talk, 489, ""));
    const auto no = bench.next<TalkRefused>();
    REQUIRE(no);
    CHECK(no->leg == call.leg);
    CHECK(no->status == 489);
    call.answered(bench, peer);
  }
  SECTION("and another branch of a fork answers") {
    peer.send(peer.answer(*talk, 200, ""));
    peer.send(peer.answer(call.invite, 200, "carol", kAnswer));
    const auto ack = peer.request("ACK");
    REQUIRE(ack);
    CHECK(ack->tag("To") == "carol");
    CHECK(number(*ack) == number(call.invite));
    REQUIRE(bench.next<InviteAccepted>());
    bench.perform(SendBye{call.leg, ""});
    const auto bye = peer.request("BYE");
    REQUIRE(bye);
    CHECK(bye->tag("To") == "carol");
    CHECK(bye->tag("From") == call.invite.tag("From"));
    CHECK(number(*bye) > number(*talk));
  }
  SECTION("and is given up meanwhile") {
    bench.perform(SendCancel{call.leg, ""});
    bench.perform(ForgetLeg{call.leg});
    const auto cancel = peer.request("CANCEL");
    REQUIRE(cancel);
    peer.send(peer.answer(*cancel, 200, "bob"));
    peer.send(peer.answer(call.invite, 487, "bob"));
    CHECK(bench.empty());
    peer.send(peer.answer(*talk, 481, ""));
    CHECK(bench.nothing_else());
  }
}

TEST_CASE("A phone that doesn't understand talk isn't asked") {
  Bench bench;
  Peer peer;
  OutgoingCall call(bench, peer);
  SECTION("it never said so") {
    CHECK(!call.ringing(bench, peer, "Allow-Events: refer\r\n").talk);
  }
  SECTION("nothing was heard of it") {}
  SECTION("its 180 has no address to send to") {
    auto text = peer.answer(call.invite, 180, "bob", "", "Allow-Events: talk\r\n");
    const auto contact = text.find("Contact:");
    text.erase(contact, text.find("\r\n", contact) + 2 - contact);
    peer.send(text);
    const auto progress = bench.next<Progressed>();
    REQUIRE(progress);
    CHECK(!progress->talk);
  }
  bench.perform(SendTalk{call.leg});
  const auto no = bench.next<TalkRefused>();
  REQUIRE(no);
  CHECK(no->status == 0);
  CHECK(!peer.request("NOTIFY", 100ms));
}

TEST_CASE("Who is at the phone now is believed where it may be") {
  Bench bench;
  Peer peer;
  const IncomingCall call(bench, peer);
  const std::string assertion = "P-Asserted-Identity: \"Carol\" <sip:carol@tandem.test>\r\n";
  const bool believed = GENERATE(true, false);
  bench.loop.call([&] { bench.desk.believes = believed; });
  const std::string who = believed ? "sip:carol@tandem.test" : "";
  SECTION("re-INVITE") {
    peer.send(peer.inside("INVITE", call.ok, 2, assertion + "Content-Type: application/sdp\r\n", kOffer));
    const auto re = bench.next<Reinvited>();
    REQUIRE(re);
    CHECK(re->asserted_identity == who);
  }
  SECTION("UPDATE") {
    peer.send(peer.inside("UPDATE", call.ok, 2, assertion));
    const auto update = bench.next<Reinvited>();
    REQUIRE(update);
    CHECK(update->asserted_identity == who);
  }
}
