// Messages that nobody should send, in the spirit of RFC 4475: the room answers or drops them, and serves on.
#include <random>

#include "bench_room.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

bool serves(Peer& peer, const std::string& mark) {
  peer.send(peer.make("OPTIONS", "sip:127.0.0.1", "alive" + mark, 1, "alive" + mark));
  return peer.wait([&](const Message& m) { return m.status() == 200 && m.header("Call-ID") == "alive" + mark; }, 10s)
      .has_value();
}

// Ends every call that got in, as the core would.
void refuse_all(Bench& bench) {
  while (const auto invited = bench.next<Invited>(0ms)) {
    bench.perform(answer_with(invited->leg, 486));
    bench.perform(ForgetLeg{invited->leg});
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("Crafted messages harm nobody") {
  Bench bench;
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  int n = 0;
  const auto invite = [&](const std::string& more = "", const std::string& body = kOffer) {
    const auto mark = "w" + std::to_string(++n);
    return peer.make("INVITE", "sip:bob@tandem.test", mark, 1, mark, "", body, more);
  };
  const std::string many_vias = [&] {
    std::string out;
    for (int i = 0; i < 500; ++i) out += "Via: SIP/2.0/UDP h" + std::to_string(i) + ";branch=z9hG4bKx\r\n";
    return out;
  }();
  const std::string long_value(30000, 'a');
  const std::vector<std::string> wild = {
      "",
      "\r\n\r\n",
      std::string(1, '\0'),
      std::string(2000, '\xff'),
      "INVITE\r\n\r\n",
      "INVITE sip:x SIP/2.0\r\n\r\n",
      "SIP/2.0 200 OK\r\n\r\n",
      "SIP/2.0 999999999999 Nothing\r\nVia: SIP/2.0/UDP h\r\n\r\n",
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKstray\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
      "<sip:a@b>;tag=2\r\nCall-ID: stray\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
      replaced(invite(), "SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
      replaced(invite(), "INVITE sip:bob@tandem.test SIP/2.0", "INVITE  sip:bob@tandem.test  SIP/2.0"),
      replaced(invite(), "INVITE sip:bob@tandem.test", "INVITE <sip:bob@tandem.test>"),
      replaced(invite(), "INVITE sip:bob@tandem.test", "INVITE sip:bob@tandem.test;lr;;;====%"),
      replaced(invite(), "INVITE sip:bob@tandem.test", "INVITE sip:%00%ff%@[::1"),
      replaced(invite(), "INVITE sip:bob@tandem.test", "INVITE tel:+1-(415)-555;isub=1;phone-context=x"),
      replaced(invite(), "CSeq: 1 INVITE", "CSeq: 36893488147419103232 REGISTER"),
      replaced(invite(), "CSeq: 1 INVITE", "CSeq: -1 INVITE"),
      replaced(invite(), "CSeq: 1 INVITE", "CSeq: 1 OPTIONS"),
      replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 99999999999999999999"),
      replaced(invite(), "Max-Forwards: 70\r\n", ""),
      replaced(invite(), "Max-Forwards: 70", "Max-Forwards: 0"),
      replaced(invite(), ";tag=peer", ""),
      replaced(invite(), ";tag=peer", ";tag="),
      replaced(invite(), "From: \"Alice\" <sip:alice@tandem.test>", "From: \"Alice <sip:alice@tandem.test>"),
      replaced(invite(), "From: \"Alice\" <sip:alice@tandem.test>", "From: <>"),
      replaced(invite(), "From: \"Alice\" <sip:alice@tandem.test>", "From: *"),
      replaced(invite(), "Contact: <", "Contact: *\r\nX: <"),
      replaced(invite(), "Contact: <sip:", "Contact: <mailto:"),
      replaced(invite(), "Content-Length: ", "Content-Length: -"),
      replaced(invite(), "Content-Length: ", "Content-Length: 9999"),
      replaced(invite(), "Content-Length: ", "l: 1\r\nContent-Length: "),
      replaced(invite(), "Via: SIP/2.0/UDP ", "Via: SIP/2.0/UDP [::1, "),
      replaced(invite(), "Via: SIP/2.0/UDP ", "Via: SIP/2.0/TCP "),
      replaced(invite(), "Via: SIP/2.0/UDP ", many_vias + "Via: SIP/2.0/UDP "),
      replaced(invite(), ";branch=z9hG4bK", ";branch="),
      replaced(invite(), ";rport", ";rport=99999999999;received=" + long_value.substr(0, 5000)),
      invite("Session-Expires: 99999999999999999999;refresher=nobody\r\nMin-SE: -4\r\n"),
      invite("Ms-Conversation-ID: " + long_value + "\r\n"),
      invite("Ms-Conversation-ID: \x01\x02\xff\r\n"),
      invite("Require: " + long_value + "\r\n"),
      invite("Authorization: Digest username=\"\\\"\\\\\", =,,,=\"x\", nonce\r\n"),
      invite("Authorization: NoOneKnows abc==\r\nProxy-Authorization: Digest\r\n"),
      invite("P-Asserted-Identity: \"unterminated <sip:a@b\r\nP-Asserted-Identity: ,,,<,>\r\n"),
      invite("Content-Encoding: gzip\r\n"),
      invite("Record-Route: <sip:a;lr>, <>, garbage\r\n"),
      invite("Reason: \r\nDate: Fri, 01 Jan 99999 16:00:00 EST\r\nWarning: 1812 overture \"In Progress\"\r\n"),
      invite("", std::string(60000, 'v')),
      replaced(invite("MIME-Version: 1.0\r\n", "--b\r\n\r\nnothing\r\n--b--"), "application/sdp",
               "multipart/mixed;boundary=b"),
      replaced(invite("", "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"), "application/sdp",
               "multipart/mixed;boundary=\""),
      peer.make("REGISTER", "sip:tandem.test", "wr1", 1, "wr1", "", "",
                "Contact: *, <sip:a@b>;q=1.5;expires=-3;reg-id=99999999999\r\nExpires: 1e9\r\n"),
      peer.make("REGISTER", "sip:tandem.test", "wr2", 1, "wr2", "", "", "Path: <sip:p;lr\r\nSupported: ,,\r\n"),
      peer.make("CANCEL", "sip:tandem.test", "wc", 1, "wc", "", kOffer),
      peer.make("ACK", "sip:tandem.test", "wa", 1, "wa"),
      peer.make("UPDATE", "sip:tandem.test", "wu", 1, "wu", "x", kOffer),
      peer.make("PRACK", "sip:tandem.test", "wp", 1, "wp", "", "", "RAck: 1 1 INVITE\r\n"),
      peer.make("!interesting-Method0123456789_*+`.%indeed'~", "sip:1_unusual.URI~@tandem.test", "wm", 1, "wm"),
  };
  for (std::size_t i = 0; i < wild.size(); ++i) {
    CAPTURE(i);
    peer.send(wild[i]);
    refuse_all(bench);
    if (i % 10 == 9) REQUIRE(serves(peer, std::to_string(i)));
  }
  CHECK(serves(peer, "end"));
  refuse_all(bench);
  CHECK(bench.empty(10s));
}

TEST_CASE("Mutated messages harm nobody") {
  auto settings = quick_settings();
  settings.source_unacknowledged_max = 50;  // so that most of it is about parsing
  Bench bench(settings);
  Peer peer;
  peer.towards("127.0.0.1", bench.port());
  std::mt19937 random(4475);  // the same every time
  const std::vector<std::string> seeds = {
      peer.make("INVITE", "sip:bob@tandem.test", "m", 1, "m", "", kOffer,
                "Session-Expires: 1800;refresher=uac\r\nSupported: timer, 100rel\r\nMs-Conversation-ID: c\r\n"
                "Record-Route: <sip:p;lr>\r\nP-Asserted-Identity: \"x\" <sip:a@b>\r\n"
                "Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"\r\n"),
      peer.make("REGISTER", "sip:tandem.test", "m", 1, "m", "", "", "Expires: 60\r\nPath: <sip:p;lr>\r\n"),
      peer.make("BYE", "sip:tandem.test", "m", 2, "m", "tag", "", "Reason: SIP;cause=200;text=\"x\"\r\n"),
  };
  constexpr std::string_view specials = "\r\n\t <>\"%;,:=@[]\\\0\x7f\xff";
  for (int i = 0; i < 3000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    const auto mark = std::to_string(i);
    for (auto at = text.find("z9hG4bKm"); at != std::string::npos; at = text.find("z9hG4bKm", at + 1))
      text.insert(at + 8, mark);
    if (const auto at = text.find("Call-ID: m"); at != std::string::npos) text.insert(at + 10, mark);
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
      const auto at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text[at] = specials[random() % specials.size()];
          break;
        case 2:
          text.erase(at, 1 + random() % 8);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
      }
      if (text.empty()) text = "x";
    }
    peer.send(text);
    if (i % 50 == 49) {
      REQUIRE(serves(peer, mark));
      refuse_all(bench);
    }
  }
  refuse_all(bench);
  CHECK(bench.empty(15s));
  CHECK(bench.counts().unacknowledged == 0);
  CHECK(bench.counts().unanswered == 0);
}
