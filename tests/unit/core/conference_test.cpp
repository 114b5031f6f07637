// Conferences: their address, who enters by it, who watches.
#include <catch2/catch.hpp>

#include "bench.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

constexpr std::uint64_t kCall = made(1), kCaller = made(2), kAgent = given(1);
const std::string kUri = "sip:conf01@tandem.test";

CoreSettings settings() {
  CoreSettings s;
  s.conferences = *ConferenceNames::of("conf{DD}", 2, "tandem.test");
  return s;
}

Lines conference(Bench& bench, bool open, bool locked = false, bool lobby = false, std::uint64_t call = kCall) {
  link::Command command;
  command.set_conversation(call);
  command.mutable_conference()->set_open(open);
  command.mutable_conference()->set_locked(locked);
  command.mutable_conference()->set_lobby(lobby);
  return bench.command(std::move(command));
}

Lines subscribe(Bench& bench, std::uint64_t id, std::string uri = kUri) {
  return bench.step(ConferenceSubscribed{SubscriptionId{id}, std::move(uri), "sip:dave@tandem.test"});
}

// Bodies of the last step's notifications.
std::vector<std::string> bodies(const Bench& bench) {
  std::vector<std::string> out;
  for (const auto& action : bench.last) {
    if (const auto* notify = std::get_if<NotifyConference>(&action)) out.push_back(notify->body);
  }
  return out;
}

bool says(const std::string& body, const std::string& text) {
  return body.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("OCS-41, MMC-229: a conversation gets an address, and loses it") {
  Bench bench(settings());
  bench.talking();
  CHECK(conference(bench, true) == Lines{"report P0 conference " + kUri + " /4"});
  CHECK(conference(bench, true, true) == Lines{"report P0 conference " + kUri + " locked /5"});
  CHECK(bench.step(LinkOpened{2}).front().find(" at " + kUri) != std::string::npos);
  CHECK(conference(bench, false) == Lines{"report P0 conference closed /6"});
  CHECK(conference(bench, true) == Lines{"report P0 conference " + kUri + " /7"});
}

TEST_CASE("MMC-230: the address of a call that is over serves the next one; there are only so many") {
  Bench bench(settings());
  bench.talking();
  conference(bench, true);
  for (std::uint64_t i = 0; i < 3; ++i) {
    bench.invited(in(10 + i), Phone{}.sdp());
    bench.admit(made(3 + 2 * i), made(4 + 2 * i), link::Admit::ANSWER);
  }
  CHECK(conference(bench, true, false, false, made(3)).front().find("conf02") != std::string::npos);
  CHECK(conference(bench, true, false, false, made(5)) == Lines{"report P0 command NO_RESOURCES /9"});
  bench.release(kCall);
  CHECK(conference(bench, true, false, false, made(5)).front().find("conf01") != std::string::npos);
}

TEST_CASE("no addresses, no conferences") {
  Bench bench;
  bench.talking();
  CHECK(conference(bench, true) == Lines{"report P0 command NOT_SUPPORTED /4"});
  CHECK(conference(bench, false) == Lines{"report P0 conference closed /5"});
}

TEST_CASE("MMC-236: who calls the address is in at once") {
  Bench bench(settings());
  bench.talking();
  CHECK(bench.invited(in(5), Phone{}.sdp(), kUri) == Lines{"answer in5 404", "forget in5"});
  conference(bench, true);
  CHECK(bench.invited(in(6), Phone{.ip = "192.0.2.6"}.sdp(), kUri) ==
        Lines{"report P3 offered sip:carl@example.net to sip:conf01@tandem.test as 0000008000000001-Genesys conference",
              "answer in6 200 m3 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uas",
              "connect m3 192.0.2.6:4000 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] watch",
              "report P3 answered sip:carl@example.net", "scene P1: m1, m2, m3"});
}

TEST_CASE("MMC-236: with a lobby she waits to be admitted") {
  const bool by_order = GENERATE(true, false);
  auto s = settings();
  s.lobby_bypass = by_order;
  Bench bench(s);
  bench.talking();
  CHECK(conference(bench, true, false, by_order) == Lines{"report P0 conference " + kUri + " lobby /4"});
  CHECK(bench.invited(in(6), Phone{.ip = "192.0.2.6"}.sdp(), kUri).size() == 1);
  bench.admit(kCall, made(3), link::Admit::WAITING);
  CHECK(bench.admit(kCall, made(3), link::Admit::ANSWER).back() == "scene P1: m1, m2, m3");
}

TEST_CASE("OCS-52: nobody enters a locked conference") {
  Bench bench(settings());
  bench.talking();
  conference(bench, true, true);
  CHECK(bench.invited(in(6), Phone{}.sdp(), kUri) == Lines{"answer in6 403", "forget in6"});
  CHECK(bench.invited(in(7), Phone{}.sdp(), "sip:conf02@tandem.test") == Lines{"answer in7 404", "forget in7"});
}

TEST_CASE("OCS-50: subscribers are told of every change, with rising versions, and of the end") {
  Bench bench(settings());
  bench.talking();
  CHECK(subscribe(bench, 1) == Lines{"answer subscription 1 404"});
  conference(bench, true);
  CHECK(subscribe(bench, 1) == Lines{"answer subscription 1 200", "notify 1"});
  auto body = bodies(bench).at(0);
  CHECK(says(body, "version=\"1\""));
  CHECK(says(body, "<user-count>2</user-count>"));
  CHECK(says(body, "sip:carl@example.net"));
  SECTION("arrival, alerting, answer, departure") {
    CHECK(bench.invite(kCall, given(5), "sip:alice@tandem.test").back() == "notify 1");
    CHECK(says(bodies(bench).at(0), "dialing-out"));
    CHECK(bench.step(Progressed{out(2), 180, {}}).back() == "notify 1");
    CHECK(says(bodies(bench).at(0), "<status>alerting</status>"));
    CHECK(bench.step(InviteAccepted{.leg = out(2), .sdp = Phone{}.sdp()}).back() == "notify 1");
    CHECK(says(bodies(bench).at(0), "<user-count>3</user-count>"));
    CHECK(says(bodies(bench).at(0), "version=\"4\""));
    CHECK(bench.remove(kCall, given(5)).back() == "notify 1");
  }
  SECTION("hold, mute, lock; nothing for what isn't seen") {
    CHECK(bench.hold(kCall, kAgent).back() == "notify 1");
    CHECK(says(bodies(bench).at(0), "on-hold"));
    CHECK(bench.hold(kCall, kAgent).empty());
    bench.hold(kCall, kAgent, false);
    link::Audio audio;
    audio.set_muted(true);
    CHECK(bench.audio(kCall, kAgent, audio).back() == "notify 1");
    CHECK(says(bodies(bench).at(0), "muted-via-focus"));
    CHECK(conference(bench, true, true).back() == "notify 1");
    CHECK(says(bodies(bench).at(0), "<locked>true</locked>"));
  }
  SECTION("a hidden one isn't shown") {
    link::Audio audio;
    audio.set_hidden(true);
    bench.audio(kCall, kAgent, audio);
    CHECK(says(bodies(bench).at(0), "<user-count>1</user-count>"));
    CHECK_FALSE(says(bodies(bench).at(0), "bob"));
  }
  SECTION("asked anew, ended by the subscriber") {
    CHECK(subscribe(bench, 1) == Lines{"notify 1"});
    CHECK(says(bodies(bench).at(0), "version=\"2\""));
    CHECK(subscribe(bench, 2).size() == 2);
    CHECK(bench.step(ConferenceUnsubscribed{SubscriptionId{1}}).empty());
    CHECK(bench.hold(kCall, kAgent).back() == "notify 2");
  }
  SECTION("the call is over") {
    const auto lines = bench.release(kCall);
    CHECK(std::count(lines.begin(), lines.end(), "notify 1 terminated") == 1);
    CHECK(says(bodies(bench).back(), "<active>false</active>"));
    CHECK(bench.step(ConferenceUnsubscribed{SubscriptionId{1}}).empty());
  }
}

TEST_CASE("a merged conference keeps its address") {
  Bench bench(settings());
  bench.talking();
  bench.join(kCall, kAgent, given(20));
  conference(bench, true, false, false, given(20));
  subscribe(bench, 1);
  CHECK(bench.merge(given(20), kCall) == Lines{"report P0 conference " + kUri, "notify 1"});
  CHECK(bench.invited(in(6), Phone{}.sdp(), kUri).front().find(" conference") != std::string::npos);
}
