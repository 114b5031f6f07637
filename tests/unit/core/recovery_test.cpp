// Calls that outlive the process (MMC-110, MMC-112): what is kept of a core makes another one that is its equal, calls
// the phones again, and can be taken over by a third.
#include <catch2/catch.hpp>

#include "kept_calls.h"

namespace tandem::connector::test {
TEST_CASE("A core made of what another kept is its equal and calls its phones again") {
  Bench before(keeping());
  before.talking();
  Reborn after(before);
  CHECK(text(kept(after.bench)) == text(after.records));
  CHECK(after.bench.step(PortsOpened{}) ==
        Lines{"reinvite out1 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uac",
              "reinvite out2 m2 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uac"});
  CHECK(snapshot(after.bench).ShortDebugString() == snapshot(before).ShortDebugString());
}

TEST_CASE("Consultations, holds and who hears whom come back") {
  Bench before(keeping());
  before.talking();
  before.join(made(1), given(1), given(9));
  before.invite(given(9), given(2), "sip:carol@tandem.test");
  link::Audio audio;
  audio.set_muted(true);
  before.audio(made(1), made(2), audio);
  Reborn after(before);
  auto now = snapshot(after.bench), then = snapshot(before);
  REQUIRE(now.conversations_size() == 2);
  for (int i = 0; i < 2; ++i)
    for (auto& party : *now.mutable_conversations(i)->mutable_parties())
      if (party.state() == link::INVITING) party.set_call_id(then.conversations(i).parties(1).call_id());
  CHECK(now.ShortDebugString() == then.ShortDebugString());
  CHECK(text(kept(after.bench)) == text(after.records));
}

TEST_CASE("A phone that doesn't know the call any more leaves it") {
  Bench before(keeping());
  before.talking();
  Reborn after(before);
  after.bench.step(PortsOpened{});
  after.bench.step(LinkOpened{1, true});
  const auto lines = after.bench.step(ReinviteRejected{out(1), 481, 0, 0});
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.find("left TRANSPORT_FAILED") != std::string::npos;
        }) == 1);
  // One that can't be reached yet is tried again, at the place it registered from meanwhile.
  after.bench.step(ReinviteRejected{out(2), 503, 0, 0});
  const auto again = after.bench.wait(std::chrono::milliseconds(2000));
  CHECK(std::any_of(again.begin(), again.end(),
                    [](const std::string& line) { return line.starts_with("reinvite out2"); }));
}

TEST_CASE("Who is left alone after a restart waits for a T-Server") {
  Bench before(keeping());
  before.talking();
  Reborn after(before);
  after.bench.step(PortsOpened{});
  const auto leaves = [](const Lines& lines) {
    return std::count_if(lines.begin(), lines.end(),
                         [](const std::string& line) { return line.find(" left ") != std::string::npos; });
  };
  CHECK(leaves(after.bench.step(ReinviteRejected{out(1), 481, 0, 0})) == 1);
  SECTION("which comes") {
    after.bench.step(LinkOpened{1, true});
    CHECK(leaves(after.bench.wait(std::chrono::seconds(20))) == 0);
  }
  SECTION("which doesn't come") {
    CHECK(leaves(after.bench.wait(std::chrono::seconds(20))) == 1);
  }
}

TEST_CASE("Calls that another may have wait for a word") {
  Bench before(keeping());
  before.talking();
  Bench after(keeping(), false);
  after.now = before.now;
  const bool at_once = GENERATE(true, false);  // else it is known only when they are taken up
  after.step(given(kept(before), at_once));
  CHECK(after.step(PortsOpened{!at_once}) == Lines{});
  after.step(LinkOpened{1, true});
  link::Command resume;
  resume.mutable_resume();
  CHECK(after.command(resume).size() == 2);

  Bench other(keeping(), false);
  other.now = before.now;
  other.step(given(kept(before), true));
  other.step(PortsOpened{});
  other.step(LinkOpened{1, true});
  link::Command disown;
  disown.set_conversation(made(1));
  disown.mutable_disown();
  const auto lines = other.command(disown);
  CHECK(std::none_of(lines.begin(), lines.end(),
                     [](const std::string& line) { return line.starts_with("bye") || line.starts_with("report"); }));
  // Their legs are let be: nothing more is asked of them.
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("drop"); }) ==
        2);
  CHECK(std::none_of(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("forget"); }));
  CHECK(snapshot(other).conversations_size() == 0);
}

TEST_CASE("If no T-Server gives its word, those who talk go on, and others are let be") {
  Bench before(keeping());
  before.talking();
  before.invited(in(3), kBob.sdp());
  Bench after(keeping(), false);
  after.now = before.now;
  after.step(given(kept(before), true));
  CHECK(after.step(PortsOpened{}) == Lines{});
  const auto lines = after.wait(std::chrono::seconds(6));
  CHECK(count(lines, "reinvite") == 2);
  CHECK(count(lines, "answer") == 0);  // perhaps another Connector has that caller
  const auto now = snapshot(after);
  REQUIRE(now.conversations_size() == 1);
  CHECK(now.conversations(0).parties_size() == 2);
  CHECK_FALSE(now.stale());
}

TEST_CASE("Who takes calls over by order is not put off by what another has said in them meanwhile") {
  Bench before(keeping());
  before.talking();
  const bool by_order = GENERATE(true, false);
  Bench after(keeping(), by_order);
  after.now = before.now;
  if (!by_order) after.step(given(kept(before)));
  after.step(PortsOpened{});
  if (by_order) after.command(restoring(kept(before)));
  after.step(ReinviteRejected{out(1), 500, 0, 0});
  const auto again = after.wait(std::chrono::seconds(2));
  REQUIRE(count(again, "reinvite out1") == 1);
  CHECK(std::any_of(again.begin(), again.end(), [](const auto& line) { return line.ends_with(" overtake"); }) ==
        by_order);
}

TEST_CASE("Phones that another Connector has called meanwhile are called again, above what that one said") {
  Bench before(keeping());
  before.talking();
  Bench other(keeping());
  other.now = before.now;
  other.step(PortsOpened{});
  other.command(restoring(kept(before)));
  other.step(ReinviteAccepted{out(1), kBob.sdp(), {}});
  link::Command again;
  again.set_conversation(made(1));
  again.mutable_resume();
  const auto version = [](const std::string& line) { return std::stoul(line.substr(line.find(" v") + 2)); };
  const auto lines = other.command(again);
  REQUIRE(count(lines, "reinvite") == 1);  // the other one's is under way still
  CHECK(lines.front().starts_with("reinvite out1"));
  CHECK(lines.front().ends_with(" overtake"));
  CHECK(version(lines.front()) > 1000);
  const auto second = other.step(ReinviteAccepted{out(2), kBob.sdp(), {}});
  REQUIRE(count(second, "reinvite out2") == 1);
  SECTION("who doesn't know the call any more leaves it") {
    CHECK(count(other.step(ReinviteRejected{out(1), 481, 0, 0}), "report") > 0);
  }
  SECTION("who is behind all the same is called once more") {
    other.step(ReinviteRejected{out(1), 500, 0, 0});
    const auto third = other.wait(std::chrono::seconds(2));
    REQUIRE(count(third, "reinvite out1") == 1);
    CHECK(count(other.step(ReinviteAccepted{out(1), kBob.sdp(), {}}), "report") == 0);
  }
}

TEST_CASE("Another Connector takes calls over by command") {
  Bench before(keeping());
  before.talking();
  Bench other(keeping());
  other.now = before.now;
  other.step(PortsOpened{});
  const auto records = kept(before);
  link::Command part;
  part.mutable_restore()->add_records(records.front().SerializeAsString());
  part.mutable_restore()->set_more(true);
  CHECK(other.command(part) == Lines{});
  link::Command rest;
  for (std::size_t i = 1; i < records.size(); ++i) rest.mutable_restore()->add_records(records[i].SerializeAsString());
  const auto lines = other.command(rest);
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& l) { return l.starts_with("reinvite"); }) == 2);
  CHECK(snapshot(other).conversations(0).parties_size() == 2);
}

TEST_CASE("A phone on a connection that died with its Connector is reached where it has registered since") {
  Bench before(keeping());
  before.talking();
  auto records = kept(before);
  for (auto& record : records) {
    if (record.has_party() && record.party().party() == given(1))
      record.mutable_party()->mutable_dialog()->set_flow("sip:192.0.2.2:1000;transport=tls");
  }
  Bench other(keeping());
  other.now = before.now;
  other.step(PortsOpened{});
  const auto registered = [&](Target target) {
    target.request_uri = "sip:bob@192.0.2.2";
    target.dn = "sip:bob@tandem.test";
    other.directory.known[target.dn].push_back(std::move(target));
  };
  other.directory.known["sip:bob@tandem.test"].clear();
  std::string turned;
  SECTION("not yet: what the dead one told of it leads nowhere") {
    registered({.route = {"sip:token@c1;lr"}, .connector = "C1"});
  }
  SECTION("not yet, but another phone of the same DN before: that doesn't know the call") {
    registered({.route = {"sip:token@c1;lr"}, .connector = "C1"});
    registered({.next_hop = "sip:192.0.2.7:1001;transport=tls"});
  }
  SECTION("here") {
    registered({.next_hop = "sip:192.0.2.2:1001;transport=tls"});
    turned = "turn out2 sip:192.0.2.2:1001;transport=tls";
  }
  SECTION("at a third one") {
    registered({.route = {"sip:token@c3;lr"}, .connector = "C3"});
    registered({.route = {"sip:token@c1;lr"}, .connector = "C1"});
    turned = "turn out2 by sip:token@c3;lr";
  }
  auto command = restoring(records);
  command.mutable_restore()->set_connector("C1");
  const auto lines = other.command(command);
  CHECK(count(lines, "reinvite") == 2);
  CHECK(count(lines, "turn") == (turned.empty() ? 0 : 1));
  CHECK((turned.empty() || has(lines, turned)));
}

TEST_CASE("A DN has two phones on connections, and the wrong one is back first") {
  Bench before(keeping());
  before.talking();
  auto records = kept(before);
  for (auto& record : records) {
    if (!record.has_party() || record.party().party() != given(1)) continue;
    record.mutable_party()->mutable_dialog()->set_flow("sip:192.0.2.2:1000;transport=tls");
    record.mutable_party()->mutable_dialog()->set_phone("desk");
  }
  Bench other(keeping());
  other.now = before.now;
  other.step(PortsOpened{});
  auto& known = other.directory.known["sip:bob@tandem.test"];
  const auto registered = [&](const char* phone, const char* hop) {
    known.insert(
        known.begin(),
        Target{.request_uri = "sip:bob@192.0.2.2", .next_hop = hop, .dn = "sip:bob@tandem.test", .phone = phone});
  };
  known.clear();
  auto command = restoring(records);
  command.mutable_restore()->set_connector("C1");

  SECTION("both are: the latest isn't meant") {
    registered("desk", "sip:192.0.2.2:1001;transport=tls");
    registered("mobile", "sip:192.0.2.7:1001;transport=tls");
    const auto lines = other.command(command);
    CHECK(count(lines, "turn") == 1);
    CHECK(has(lines, "turn out2 sip:192.0.2.2:1001;transport=tls"));
    CHECK(count(other.step(ReinviteRejected{out(2), 481, 0}), "report T1 left TRANSPORT_FAILED") == 1);
  }
  SECTION("it knows nothing of the call, and the right one is waited for") {
    registered("mobile", "sip:192.0.2.7:1001;transport=tls");
    CHECK(has(other.command(command), "turn out2 sip:192.0.2.7:1001;transport=tls"));
    CHECK(other.step(ReinviteRejected{out(2), 481, 0}).empty());
    CHECK(other.wait(std::chrono::seconds(5)).empty());  // it isn't asked once more
    SECTION("it comes") {
      registered("desk", "sip:192.0.2.2:1001;transport=tls");
      registered("mobile", "sip:192.0.2.7:1002;transport=tls");
      const auto lines = other.wait(std::chrono::seconds(5));
      CHECK(count(lines, "turn") == 1);
      CHECK(has(lines, "turn out2 sip:192.0.2.2:1001;transport=tls"));
      CHECK(count(lines, "reinvite out2") == 1);
    }
    SECTION("it comes by another name") {
      registered("desk, started anew", "sip:192.0.2.2:1001;transport=tls");
      CHECK(has(other.wait(std::chrono::seconds(5)), "turn out2 sip:192.0.2.2:1001;transport=tls"));
    }
    SECTION("it never comes") {
      const auto lines = other.wait(std::chrono::seconds(40));
      CHECK(count(lines, "turn") == 0);
      CHECK(count(lines, "report T1 left TRANSPORT_FAILED 'not reached again") == 1);
    }
  }
  SECTION("the call has ended: its BYE waits for the right one, for a while") {
    other.command(command);
    registered("mobile", "sip:192.0.2.7:1001;transport=tls");
    other.remove(made(1), given(1));
    CHECK(count(other.wait(std::chrono::seconds(5)), "bye out2") == 0);
    SECTION("it comes") {
      registered("desk", "sip:192.0.2.2:1001;transport=tls");
      const auto lines = other.wait(std::chrono::seconds(1));
      CHECK(has(lines, "turn out2 sip:192.0.2.2:1001;transport=tls"));
      CHECK(count(lines, "bye out2") == 1);
    }
    SECTION("else whoever is there has it, that may be the right one by another name") {
      const auto lines = other.wait(std::chrono::seconds(20));
      CHECK(has(lines, "turn out2 sip:192.0.2.7:1001;transport=tls"));
      CHECK(count(lines, "bye out2") == 1);
    }
  }
}

TEST_CASE("A caller of a call that another may have isn't answered before it is ours") {
  Bench before = ringing();
  const auto records = kept(before);
  Bench after(keeping(), false);
  after.now = before.now;
  const auto given_back = after.step(given(records, true));
  CHECK(std::count_if(given_back.begin(), given_back.end(),
                      [](const std::string& line) { return line.starts_with("restore"); }) == 2);  // the phones
  after.step(PortsOpened{});
  after.step(LinkOpened{1, true});
  SECTION("it is") {
    link::Command resume;
    resume.mutable_resume();
    const auto lines = after.command(resume);
    CHECK(std::count_if(lines.begin(), lines.end(),
                        [](const std::string& line) { return line.starts_with("restore"); }) == 1);
  }
  SECTION("it isn't: the phones are told to stop, the caller hears nothing") {
    link::Command disown;
    disown.set_conversation(made(1));
    disown.mutable_disown();
    const auto lines = after.command(disown);
    CHECK(std::count_if(lines.begin(), lines.end(),
                        [](const std::string& line) { return line.starts_with("cancel"); }) == 2);
    CHECK(std::none_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.starts_with("answer") || line.starts_with("report") || line.starts_with("forget");
    }));
  }
  SECTION("it is, and ended before that is said: the caller is answered") {
    const auto lines = after.remove(made(1), made(2), 486);
    const auto first = [&](const char* what) {
      return std::find_if(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(what); });
    };
    CHECK(first("restore") < first("answer"));
    CHECK(first("answer") != lines.end());
  }
}

TEST_CASE("Early media for a caller of a call that another may have are passed on once it is ours") {
  Bench before = ringing();
  before.admit(made(1), made(2), link::Admit::RINGING);
  Bench after(keeping(), false);
  after.now = before.now;
  after.step(given(kept(before), true));
  after.step(PortsOpened{});
  after.step(LinkOpened{1, true});
  CHECK(count(after.step(Progressed{out(3), 183, kBob.sdp()}), "answer") == 0);
  link::Command resume;
  resume.mutable_resume();
  const auto lines = after.command(resume);
  CHECK(count(lines, "restore") == 1);
  CHECK(count(lines, "answer out1 183") == 1);
}

TEST_CASE("Calls given to a Connector that waits for a word about its own go on, and are its own") {
  Bench before(keeping());
  before.talking();
  const auto records = kept(before);
  Bench after(keeping(), false);
  after.now = before.now;
  after.step(given(records, true));
  after.step(PortsOpened{});
  after.step(LinkOpened{1, true});
  // They end before that word, so nobody says it any more.
  after.step(ByeReceived{out(1), ""});
  after.step(ByeReceived{out(2), ""});
  REQUIRE(after.core->counts().conversations == 0);
  const auto lines = after.command(restoring(records));
  CHECK(std::count_if(lines.begin(), lines.end(),
                      [](const std::string& line) { return line.starts_with("reinvite"); }) == 2);
  for (const std::uint64_t no : {3, 4}) after.step(ReinviteAccepted{.leg = out(no), .sdp = kBob.sdp(), .timer = {}});
  after.step(LinkClosed{1});
  after.wait(std::chrono::seconds(20));
  CHECK(after.core->counts().conversations == 1);
}

TEST_CASE("A call that ends before its phone on a connection is reached: it hears of it over the next one") {
  Bench before(keeping());
  before.talking();
  auto records = kept(before);
  for (auto& record : records) {
    if (record.has_party() && record.party().party() == given(1))
      record.mutable_party()->mutable_dialog()->set_flow("sip:192.0.2.2:1000;transport=tls");
  }
  Bench after(keeping(), false);
  after.now = before.now;
  after.directory.known.erase("sip:bob@tandem.test");
  after.step(given(records));
  after.step(PortsOpened{});
  after.step(LinkOpened{1, true});
  auto lines = after.release(made(1));
  CHECK(count(lines, "bye") == 1);  // to the other one
  CHECK(after.core->counts().parties == 0);
  CHECK(count(after.wait(std::chrono::seconds(1)), "bye") == 0);
  SECTION("it registers") {
    after.reachable("sip:bob@tandem.test", {{"sip:bob@192.0.2.2", 1000}});
    after.directory.known["sip:bob@tandem.test"].front().dn = "sip:bob@tandem.test";
    after.directory.known["sip:bob@tandem.test"].front().next_hop = "sip:192.0.2.2:1001;transport=tls";
    lines = after.wait(std::chrono::seconds(1));
    CHECK(count(lines, "turn") == 1);
    CHECK(count(lines, "bye") == 1);
  }
  SECTION("it doesn't: it is tried where it was") {
    CHECK(count(after.wait(std::chrono::seconds(40)), "bye") == 1);
  }
  SECTION("it ends the call itself") {
    CHECK(count(after.step(ByeReceived{out(2), {}}), "forget") == 1);
    CHECK(count(after.wait(std::chrono::seconds(40)), "bye") == 0);
  }
  SECTION("we stop") {
    CHECK(count(after.step(CoreStopping{}), "bye") == 1);
  }
}

TEST_CASE("A caller of whom no T-Server has heard is offered after the restart, wherever") {
  Bench before(keeping());
  before.invited(in(1), kBob.sdp());
  const auto offers = [](Bench& bench) {
    return std::count_if(bench.last.begin(), bench.last.end(), [](const Action& action) {
      const auto* report = std::get_if<Report>(&action);
      return report && report->happening.has_offered() && report->happening.offered().to() == "sip:support@tandem.test";
    });
  };
  SECTION("here") {
    Reborn after(before);
    after.bench.step(PortsOpened{});
    after.bench.step(LinkOpened{1, true});
    CHECK(offers(after.bench) == 1);
    after.bench.admit(made(1), made(2), link::Admit::RINGING);
    after.bench.step(LinkOpened{2, true});
    CHECK(offers(after.bench) == 0);
  }
  SECTION("at another Connector") {
    Bench other(keeping());
    other.now = before.now;
    other.step(PortsOpened{});
    other.command(restoring(kept(before)));
    CHECK(offers(other) == 1);
  }
  SECTION("not one that a T-Server knows") {
    before.admit(made(1), made(2), link::Admit::RINGING);
    Reborn after(before);
    after.bench.step(LinkOpened{1, true});
    CHECK(offers(after.bench) == 0);
  }
}

TEST_CASE("Records nobody can use do no harm") {
  Bench bench(keeping(), false);
  std::vector<ha::Record> records(5);
  records[1].set_major(9);
  records[2].set_major(1);
  records[2].mutable_party()->set_party(5);
  records[3].set_major(1);
  records[3].mutable_conversation()->set_conversation(6);
  records[3].mutable_conversation()->add_parties(77);
  records[4].set_major(1);
  records[4].mutable_conversation();
  bench.step(given(records));
  CHECK(bench.step(PortsOpened{}) == Lines{});
  CHECK(snapshot(bench).conversations_size() == 0);
}

}  // namespace tandem::connector::test
