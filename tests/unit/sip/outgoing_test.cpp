// Calls that we make.
#include "bench_room.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

struct Call {
  Bench bench;
  Peer peer;
  LegId leg{1ull << 63 | 1};
  Message invite;
  Call() {
    peer.towards("127.0.0.1", bench.port());
    bench.perform(invite_to(peer, leg));
    auto came = peer.request("INVITE");
    REQUIRE(came);
    invite = std::move(*came);
  }
  Message answered(const std::string& more = "") {
    peer.send(peer.answer(invite, 200, "bob", kAnswer, more));
    const auto ack = peer.request("ACK");
    REQUIRE(ack);
    REQUIRE(bench.next<InviteAccepted>());
    return *ack;
  }
};

}  // namespace

TEST_CASE("SendInvite becomes an INVITE that says what it should") {
  Call call;
  const auto& m = call.invite;
  CHECK(m.uri() == "sip:bob@" + call.peer.address());
  CHECK(m.header("From").rfind("\"Alice \\\"A\\\"\" <sip:alice@tandem.test>;tag=", 0) == 0);
  CHECK(m.header("To") == "<sip:bob@tandem.test>");
  CHECK(m.header("Call-ID") == "out-1@tandem");
  CHECK(m.header("Max-Forwards") == "69");
  CHECK(m.header("Contact") == "<sip:127.0.0.1:" + std::to_string(call.bench.port()) + ">");
  CHECK(m.header("Ms-Conversation-ID") == "0000000000000001-Tandem");
  CHECK(m.header("X-Test") == "one");
  CHECK(m.header("Session-Expires") == "1800");
  CHECK(m.header("Min-SE") == "90");
  CHECK(m.header("Supported") == "timer, replaces, norefersub");
  CHECK(m.header("User-Agent") == "Tandem");
  CHECK(m.header("Allow") == kAllowed);
  CHECK(m.header("Content-Type") == "application/sdp");
  CHECK(m.body == kOffer);
}

TEST_CASE("A call of ours rings with early media, is answered and ended by us") {
  Call call;
  call.peer.send(call.peer.answer(call.invite, 100, ""));
  call.peer.send(call.peer.answer(call.invite, 183, "bob", kAnswer));
  const auto progress = call.bench.next<Progressed>();
  REQUIRE(progress);
  CHECK(progress->status == 183);
  CHECK(progress->sdp == std::string(kAnswer));

  const auto ok =
      call.peer.answer(call.invite, 200, "bob", kAnswer,
                       "Session-Expires: 1800;refresher=uas\r\nP-Asserted-Identity: <sip:bob2@tandem.test>\r\n");
  call.peer.send(ok);
  const auto ack = call.peer.request("ACK");
  REQUIRE(ack);
  CHECK(ack->uri() == "sip:bob@" + call.peer.address());
  CHECK(ack->tag("To") == "bob");
  CHECK(ack->header("CSeq") == call.invite.header("CSeq").substr(0, call.invite.header("CSeq").find(' ')) + " ACK");
  const auto accepted = call.bench.next<InviteAccepted>();
  REQUIRE(accepted);
  CHECK(accepted->sdp == std::string(kAnswer));
  CHECK(accepted->contact_uri == "sip:bob@" + call.peer.address());
  CHECK(accepted->to_uri == "sip:bob@tandem.test");
  CHECK(accepted->asserted_identity == "sip:bob2@tandem.test");
  CHECK(accepted->call_id == "out-1@tandem");
  CHECK(accepted->timer.expires_s == 1800);
  CHECK(accepted->timer.refresher == SessionTimer::Refresher::Uas);

  SECTION("a repeated 2xx is acknowledged again") {
    for (int i = 0; i < 3; ++i) {
      call.peer.send(ok);
      const auto again = call.peer.request("ACK");
      REQUIRE(again);
      CHECK(again->tag("To") == "bob");
    }
  }
  call.bench.perform(SendBye{call.leg, "SIP;cause=200"});
  call.bench.perform(ForgetLeg{call.leg});
  const auto bye = call.peer.request("BYE");
  REQUIRE(bye);
  CHECK(bye->header("Reason") == "SIP;cause=200");
  CHECK(bye->uri() == "sip:bob@" + call.peer.address());
  call.peer.send(call.peer.answer(*bye, 200, ""));
  CHECK(call.bench.empty());
  CHECK(call.bench.nothing_else());
}

TEST_CASE("CANCEL waits for a provisional response, then 487") {
  Call call;
  call.bench.perform(SendCancel{call.leg, "SIP;cause=200;text=\"elsewhere\""});
  CHECK(!call.peer.request("CANCEL", 300ms));
  call.peer.send(call.peer.answer(call.invite, 180, "bob"));
  const auto cancel = call.peer.request("CANCEL");
  REQUIRE(cancel);
  CHECK(cancel->branch() == call.invite.branch());
  CHECK(cancel->header("Reason") == "SIP;cause=200;text=\"elsewhere\"");
  call.peer.send(call.peer.answer(*cancel, 200, "bob"));
  call.peer.send(call.peer.answer(call.invite, 487, "bob"));
  CHECK(call.peer.request("ACK"));
  const auto rejected = call.bench.next<InviteRejected>();
  REQUIRE(rejected);
  CHECK(rejected->status == 487);
  call.bench.perform(ForgetLeg{call.leg});
  CHECK(call.bench.empty());
  CHECK(call.bench.nothing_else());
}

TEST_CASE("A 2xx that crosses our CANCEL is acknowledged and ended") {
  Call call;
  call.peer.send(call.peer.answer(call.invite, 180, "bob"));
  REQUIRE(call.bench.next<Progressed>());
  call.bench.perform(SendCancel{call.leg, ""});
  const bool forgotten = GENERATE(false, true);
  if (forgotten) call.bench.perform(ForgetLeg{call.leg});
  const auto cancel = call.peer.request("CANCEL");
  REQUIRE(cancel);
  call.peer.send(call.peer.answer(call.invite, 200, "bob", kAnswer));
  call.peer.send(call.peer.answer(*cancel, 481, "bob"));
  const auto ack = call.peer.request("ACK");
  REQUIRE(ack);
  const auto bye = call.peer.request("BYE");
  REQUIRE(bye);
  CHECK(bye->tag("To") == "bob");
  call.peer.send(call.peer.answer(*bye, 200, ""));
  if (!forgotten) {
    const auto rejected = call.bench.next<InviteRejected>();
    REQUIRE(rejected);
    CHECK(rejected->status == 487);
    call.bench.perform(ForgetLeg{call.leg});
  }
  CHECK(call.bench.empty());
  CHECK(call.bench.nothing_else());
}

TEST_CASE("A second 2xx from another fork is acknowledged and ended; the first call stays") {
  Call call;
  call.answered();
  call.peer.send(call.peer.answer(call.invite, 200, "other-fork", kAnswer));
  const auto ack = call.peer.wait([](const Message& m) { return m.method() == "ACK" && m.tag("To") == "other-fork"; });
  CHECK(ack);
  const auto bye = call.peer.wait([](const Message& m) { return m.method() == "BYE"; });
  REQUIRE(bye);
  CHECK(bye->tag("To") == "other-fork");
  call.peer.send(call.peer.answer(*bye, 200, ""));
  CHECK(call.bench.nothing_else());
  call.bench.perform(SendBye{call.leg, ""});
  const auto real = call.peer.wait([](const Message& m) { return m.method() == "BYE" && m.tag("To") == "bob"; });
  REQUIRE(real);
}

TEST_CASE("Refusals are told with what they say") {
  Call call;
  SECTION("302 with contacts") {
    call.peer.send(call.peer.answer(call.invite, 302, "bob", "",
                                    "Contact: <sip:carol@tandem.test>;q=0.5, <sip:dave@tandem.test>\r\n"));
    const auto rejected = call.bench.next<InviteRejected>();
    REQUIRE(rejected);
    CHECK(rejected->status == 302);
    CHECK(rejected->contacts.size() == 2);
  }
  SECTION("422") {
    call.peer.send(call.peer.answer(call.invite, 422, "bob", "", "Min-SE: 3600\r\n"));
    const auto rejected = call.bench.next<InviteRejected>();
    REQUIRE(rejected);
    CHECK(rejected->status == 422);
    CHECK(rejected->min_se_s == 3600);
  }
  SECTION("486") {
    call.peer.send(call.peer.answer(call.invite, 486, "bob"));
    const auto rejected = call.bench.next<InviteRejected>();
    REQUIRE(rejected);
    CHECK(rejected->status == 486);
    CHECK(rejected->reason == "Whatever");
  }
  SECTION("nobody: 408 by timer B") {
    const auto rejected = call.bench.next<InviteRejected>();
    REQUIRE(rejected);
    CHECK(rejected->status == 408);
  }
  call.bench.perform(ForgetLeg{call.leg});
  CHECK(call.bench.empty());
}

TEST_CASE("The Path of a registration is the route, and the next hop leads there") {
  Bench bench;
  Peer proxy;
  Peer phone;
  proxy.towards("127.0.0.1", bench.port());
  auto order = invite_to(phone);
  order.target.route = {"sip:" + proxy.address() + ";lr", "sip:second.test;lr"};
  bench.perform(order);
  const auto invite = proxy.request("INVITE");
  REQUIRE(invite);
  CHECK(invite->uri() == "sip:bob@" + phone.address());
  std::string route;
  for (const auto& one : invite->all("Route")) route += (route.empty() ? "" : ", ") + one;
  CHECK(route == "<sip:" + proxy.address() + ";lr>, <sip:second.test;lr>");
}

TEST_CASE("What can't be sent is refused, not forgotten") {
  Bench bench;
  Peer peer;
  auto order = invite_to(peer);
  int status = 0;
  SECTION("no such transport of ours") {
    order.target.request_uri = "sip:bob@127.0.0.1:9;transport=tcp";
    status = 503;
  }
  SECTION("no URI") {
    order.target.request_uri = "sip:bob@host>\r\nInjected: yes";
    status = 400;
  }
  SECTION("IPv6 without a port for it") {
    order.target.request_uri = "sip:bob@[::1]:9";
    status = 503;
  }
  bench.perform(order);
  const auto rejected = bench.next<InviteRejected>();
  REQUIRE(rejected);
  CHECK(rejected->status == status);
  bench.perform(ForgetLeg{order.leg});
  CHECK(bench.empty());
}

TEST_CASE("Requests of ours inside the dialog") {
  Call call;
  call.answered("Allow: INVITE, UPDATE\r\n");
  SECTION("re-INVITE") {
    call.bench.perform(SendReinvite{call.leg, kOffer, 1800, SessionTimer::Refresher::Uac, 90});
    const auto re = call.peer.request("INVITE");
    REQUIRE(re);
    CHECK(re->tag("To") == "bob");
    CHECK(re->header("Session-Expires") == "1800;refresher=uac");
    call.peer.send(call.peer.answer(*re, 200, "bob", kAnswer, "Session-Expires: 900;refresher=uac\r\n"));
    CHECK(call.peer.request("ACK"));
    const auto accepted = call.bench.next<ReinviteAccepted>();
    REQUIRE(accepted);
    CHECK(accepted->sdp == std::string(kAnswer));
    CHECK(accepted->timer.expires_s == 900);
  }
  SECTION("re-INVITE numbered above what somebody else has sent meanwhile; the dialog is as it was") {
    const auto number = [](const Message& m) { return std::stoul(m.header("CSeq")); };
    call.bench.perform(SendReinvite{call.leg, kOffer, 0, SessionTimer::Refresher::Unspecified, 0, true});
    const auto re = call.peer.request("INVITE");
    REQUIRE(re);
    CHECK(number(*re) > number(call.invite) + 50000);
    CHECK(re->header("Call-ID") == call.invite.header("Call-ID"));
    CHECK(re->header("From") == call.invite.header("From"));
    CHECK(re->tag("To") == "bob");
    call.peer.send(call.peer.answer(*re, 200, "bob", kAnswer));
    CHECK(call.peer.request("ACK"));
    CHECK(call.bench.next<ReinviteAccepted>());
    auto theirs = call.peer.make("BYE", "sip:alice@tandem.test", "ot", 1, "out-1@tandem", re->tag("From"));
    theirs.replace(theirs.find(";tag=peer"), 9, ";tag=bob");
    call.peer.send(theirs);
    CHECK(call.peer.response(200));
    CHECK(call.bench.next<ByeReceived>());
  }
  SECTION("glare: theirs while ours is open gets 491, ours is told 491") {
    call.bench.perform(SendReinvite{call.leg, kOffer, 0, SessionTimer::Refresher::Unspecified, 0});
    const auto re = call.peer.request("INVITE");
    REQUIRE(re);
    auto theirs = call.peer.make("INVITE", "sip:alice@tandem.test", "gl", 1, "out-1@tandem", re->tag("From"), kOffer);
    theirs.replace(theirs.find(";tag=peer"), 9, ";tag=bob");
    call.peer.send(theirs);
    CHECK(call.peer.response(491));
    call.peer.send(call.peer.answer(*re, 491, "bob", "", "Retry-After: 3\r\n"));
    const auto rejected = call.bench.next<ReinviteRejected>();
    REQUIRE(rejected);
    CHECK(rejected->status == 491);
    CHECK(rejected->retry_after_s == 3);
    CHECK(call.bench.nothing_else());
  }
  SECTION("session refresh without an offer is an UPDATE") {
    call.bench.perform(SendReinvite{call.leg, "", 1800, SessionTimer::Refresher::Uac, 90});
    const auto update = call.peer.request("UPDATE");
    REQUIRE(update);
    CHECK(update->header("Session-Expires") == "1800;refresher=uac");
    CHECK(update->body.empty());
    call.peer.send(call.peer.answer(*update, 200, "bob", "", "Session-Expires: 1800;refresher=uac\r\n"));
    CHECK(call.bench.next<ReinviteAccepted>());
  }
  SECTION("BYE crosses BYE") {
    call.bench.perform(SendBye{call.leg, ""});
    const auto bye = call.peer.request("BYE");
    REQUIRE(bye);
    auto theirs = call.peer.make("BYE", "sip:alice@tandem.test", "xb", 1, "out-1@tandem", bye->tag("From"));
    theirs.replace(theirs.find(";tag=peer"), 9, ";tag=bob");
    call.peer.send(theirs);
    CHECK(call.peer.wait([](const Message& m) { return m.status() == 200 && m.cseq_method() == "BYE"; }));
    call.peer.send(call.peer.answer(*bye, 481, "bob"));
    call.bench.perform(ForgetLeg{call.leg});
    CHECK(call.bench.empty());
  }
  SECTION("BYE while a re-INVITE of ours is open; its 2xx is still acknowledged") {
    call.bench.perform(SendReinvite{call.leg, kOffer, 0, SessionTimer::Refresher::Unspecified, 0});
    const auto re = call.peer.request("INVITE");
    REQUIRE(re);
    call.bench.perform(SendBye{call.leg, ""});
    call.bench.perform(ForgetLeg{call.leg});
    const auto bye = call.peer.request("BYE");
    REQUIRE(bye);
    call.peer.send(call.peer.answer(*re, 200, "bob", kAnswer));
    const auto ack = call.peer.request("ACK");
    REQUIRE(ack);
    CHECK(ack->header("CSeq").substr(0, ack->header("CSeq").find(' ')) ==
          re->header("CSeq").substr(0, re->header("CSeq").find(' ')));
    call.peer.send(call.peer.answer(*bye, 200, ""));
    CHECK(call.bench.empty());
  }
}

TEST_CASE("Over IPv6") {
  auto settings = quick_settings();
  settings.listen = {{"::1", 0, SipTransport::Udp}};
  Bench bench(settings);
  REQUIRE(bench.opened.has_value());
  Peer peer(true);
  peer.towards("::1", bench.port());
  bench.perform(invite_to(peer));
  const auto invite = peer.request("INVITE");
  REQUIRE(invite);
  CHECK(invite->header("Contact") == "<sip:[::1]:" + std::to_string(bench.port()) + ">");
  peer.send(peer.answer(*invite, 200, "bob", kAnswer));
  CHECK(peer.request("ACK"));
  CHECK(bench.next<InviteAccepted>());
  peer.send(peer.make("INVITE", "sip:support@tandem.test", "v6", 1, "v6", "", kOffer));
  const auto invited = bench.next<Invited>();
  REQUIRE(invited);
  CHECK(invited->local_ip == "::1");
}
