// The link protocol as one connection sees it: no socket, no clock.
#include "connector/link/session.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::connector;
using Effects = LinkSession::Effects;

namespace {

LinkIdentity identity() {
  LinkIdentity out;
  out.application = "Connector_1";
  out.pool = "Pool1";
  out.version = "0.1.0";
  out.incarnation = 77;
  out.addp_timeout = 10s;
  out.addp_remote_timeout = 20s;
  return out;
}

// A T-Server's side of one connection.
struct Server {
  explicit Server(LinkFence& fence, std::uint64_t own_epoch = 5, LinkNo number = 1)
      : session(number, ours, fence, 100s), epoch(own_epoch) {
    session.start(first);
  }
  link::Envelope envelope() {
    link::Envelope out;
    out.set_sequence(++sequence);
    out.set_epoch(epoch);
    return out;
  }
  Effects give(link::Envelope envelope, Instant now = 100s) {
    Effects out;
    session.received(envelope, now, out);
    return out;
  }
  Effects hello(link::Role role = link::ROLE_PRIMARY, std::uint32_t major = 1) {
    auto out = envelope();
    out.mutable_hello()->set_major(major);
    out.mutable_hello()->set_application("TServer_1");
    out.mutable_hello()->set_role(role);
    out.mutable_hello()->set_addp_remote_timeout_ms(4000);
    return give(out);
  }
  Effects command(std::uint64_t id) {
    auto out = envelope();
    out.mutable_command()->set_id(id);
    out.mutable_command()->mutable_release();
    return give(out);
  }
  Effects snapshot() {
    Effects out;
    link::Snapshot all;
    all.add_conversations()->set_conversation(9);
    session.snapshot(std::move(all), out);
    return out;
  }
  void open(link::Role role = link::ROLE_PRIMARY) {
    REQUIRE(hello(role).inputs.size() == 1);
    REQUIRE(snapshot().send.size() == 1);
  }

  LinkIdentity ours = identity();
  LinkSession session;
  std::uint64_t epoch;
  std::uint64_t sequence = 0;
  Effects first;
};

void says_goodbye(const Effects& effects, link::Goodbye::Reason reason) {
  REQUIRE(!effects.send.empty());
  REQUIRE(effects.send.back().has_goodbye());
  CHECK(effects.send.back().goodbye().reason() == reason);
  CHECK(!effects.send.back().goodbye().text().empty());
  CHECK(effects.close);
}

}  // namespace

TEST_CASE("Link: our Hello goes first and says who we are") {
  LinkFence fence{3};
  Server server(fence);
  REQUIRE(server.first.send.size() == 1);
  const auto& envelope = server.first.send[0];
  CHECK(envelope.sequence() == 1);
  CHECK(envelope.epoch() == 3);
  REQUIRE(envelope.has_hello());
  CHECK(envelope.hello().major() == 1);
  CHECK(envelope.hello().application() == "Connector_1");
  CHECK(envelope.hello().pool() == "Pool1");
  CHECK(envelope.hello().incarnation() == 77);
  CHECK(envelope.hello().version() == "0.1.0");
  CHECK(envelope.hello().addp_timeout_ms() == 10000);
  CHECK(envelope.hello().addp_remote_timeout_ms() == 20000);
}

TEST_CASE("Link: Hello, Snapshot, then commands in and happenings out") {
  LinkFence fence;
  Server server(fence);
  CHECK(!server.session.takes_happenings());
  const auto opened = server.hello();
  REQUIRE(opened.inputs.size() == 1);
  REQUIRE(std::holds_alternative<LinkOpened>(opened.inputs[0]));
  CHECK(std::get<LinkOpened>(opened.inputs[0]).primary);
  CHECK(!server.session.takes_happenings());  // the Snapshot comes first
  const auto snapshot = server.snapshot();
  REQUIRE(snapshot.send.size() == 1);
  CHECK(snapshot.send[0].sequence() == 2);
  CHECK(snapshot.send[0].epoch() == 5);
  CHECK(snapshot.send[0].snapshot().conversations(0).conversation() == 9);
  CHECK(server.session.takes_happenings());
  const auto commanded = server.command(1);
  REQUIRE(commanded.inputs.size() == 1);
  CHECK(std::get<Commanded>(commanded.inputs[0]).command.id() == 1);
  CHECK(std::get<Commanded>(commanded.inputs[0]).link == 1);
  Effects lost;
  server.session.lost(lost);
  REQUIRE(lost.inputs.size() == 1);
  CHECK(std::holds_alternative<LinkClosed>(lost.inputs[0]));
  Effects again;
  server.session.lost(again);
  CHECK(again.inputs.empty());
}

TEST_CASE("Link: another major version is refused in words, before the core hears of it") {
  LinkFence fence;
  Server server(fence);
  const auto refused = server.hello(link::ROLE_PRIMARY, 2);
  says_goodbye(refused, link::Goodbye::WRONG_VERSION);
  CHECK(refused.send.back().goodbye().text() == "link protocol 1 is spoken here, not 2");
  CHECK(refused.inputs.empty());
  CHECK(fence.epoch == 0);
}

TEST_CASE("Link: breaches of the protocol close the link") {
  LinkFence fence;
  Server server(fence);
  SECTION("a gap in the sequence") {
    server.open();
    server.sequence += 1;
    const auto closed = server.command(1);
    says_goodbye(closed, link::Goodbye::PROTOCOL_ERROR);
    CHECK(closed.send.back().goodbye().text() == "sequence 3 where 2 was due");
    REQUIRE(closed.inputs.size() == 1);
    CHECK(std::holds_alternative<LinkClosed>(closed.inputs[0]));
  }
  SECTION("a command before Hello") {
    says_goodbye(server.command(1), link::Goodbye::PROTOCOL_ERROR);
  }
  SECTION("a command before the Snapshot") {
    server.hello();
    says_goodbye(server.command(1), link::Goodbye::PROTOCOL_ERROR);
  }
  SECTION("a backup that commands") {
    server.open(link::ROLE_BACKUP);
    const auto closed = server.command(1);
    says_goodbye(closed, link::Goodbye::PROTOCOL_ERROR);
    CHECK(closed.inputs.size() == 1);
  }
  SECTION("a Happening from a T-Server") {
    server.open();
    auto envelope = server.envelope();
    envelope.mutable_happening();
    says_goodbye(server.give(envelope), link::Goodbye::PROTOCOL_ERROR);
  }
  SECTION("no Hello in time") {
    Effects out;
    server.session.check(104s, out);
    CHECK(!out.close);
    server.session.check(105s, out);
    says_goodbye(out, link::Goodbye::PROTOCOL_ERROR);
  }
  CHECK(server.session.ended());
  CHECK(server.command(2).inputs.empty());
  CHECK(server.command(2).send.empty());
}

TEST_CASE("Link: a message of a later minor version is passed over") {
  LinkFence fence;
  Server server(fence);
  server.open();
  auto unknown = server.envelope();
  const auto nothing = server.give(unknown);
  CHECK(nothing.send.empty());
  CHECK(!nothing.close);
  CHECK(server.command(1).inputs.size() == 1);
}

TEST_CASE(
    "Link: a T-Server of an earlier or later minor version is linked with, what is not known of it is passed over") {
  const auto later = [](google::protobuf::Message& message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddVarint(900, 7);
  };
  for (const std::uint32_t minor : {0u, kLinkMinor + 1, 99u}) {
    LinkFence fence;
    Server server(fence);
    auto hello = server.envelope();
    hello.mutable_hello()->set_major(1);
    hello.mutable_hello()->set_minor(minor);
    hello.mutable_hello()->set_role(link::ROLE_PRIMARY);
    later(*hello.mutable_hello());
    CHECK(server.give(hello).inputs.size() == 1);
    CHECK(server.snapshot().send.size() == 1);
    auto command = server.envelope();
    command.mutable_command()->set_id(1);
    later(*command.mutable_command()->mutable_release());
    CHECK(server.give(command).inputs.size() == 1);
    CHECK(!server.session.ended());
  }
}

TEST_CASE("Link: only the highest epoch commands") {
  LinkFence fence;
  Server old(fence, 5, 1);
  old.open();
  CHECK(fence.epoch == 5);
  Server fresh(fence, 6, 2);
  const auto opened = fresh.hello();
  CHECK(opened.fence_raised);
  CHECK(fence.epoch == 6);
  SECTION("the one before is told") {
    Effects out;
    old.session.fenced(out);
    says_goodbye(out, link::Goodbye::FENCED);
    CHECK(out.send.back().epoch() == 6);
  }
  SECTION("its late command is refused") {
    const auto refused = old.command(1);
    says_goodbye(refused, link::Goodbye::FENCED);
    REQUIRE(refused.inputs.size() == 1);
    CHECK(std::holds_alternative<LinkClosed>(refused.inputs[0]));
  }
  SECTION("it doesn't get back in as primary, but as backup") {
    Server again(fence, 5, 3);
    const auto refused = again.hello();
    says_goodbye(refused, link::Goodbye::FENCED);
    CHECK(refused.inputs.empty());
    Server backup(fence, 5, 4);
    CHECK(backup.hello(link::ROLE_BACKUP).inputs.size() == 1);
  }
  SECTION("the newer one isn't touched") {
    Effects out;
    fresh.session.fenced(out);
    CHECK(out.send.empty());
    fresh.snapshot();
    CHECK(fresh.command(1).inputs.size() == 1);
  }
}

TEST_CASE("Link: a backup that becomes primary says Hello again") {
  LinkFence fence{5};
  Server server(fence, 0);
  server.open(link::ROLE_BACKUP);
  server.epoch = 9;
  const auto changed = server.hello();
  REQUIRE(changed.inputs.size() == 1);
  CHECK(std::get<LinkRole>(changed.inputs[0]).primary);
  CHECK(changed.fence_raised);
  CHECK(fence.epoch == 9);
  CHECK_FALSE(server.session.takes_happenings());  // what came before the new Snapshot is in it
  link::Happening records, other;
  records.mutable_call_data();
  other.mutable_alerting();
  CHECK(server.session.takes(records));  // but records of calls
  CHECK_FALSE(server.session.takes(other));
  const auto snapshot = server.snapshot();
  REQUIRE(snapshot.send.size() == 1);
  CHECK(snapshot.send[0].has_snapshot());
  CHECK(server.session.takes_happenings());
  CHECK(server.command(1).inputs.size() == 1);
  CHECK(server.hello().inputs.empty());  // the same role again says nothing
}

TEST_CASE("Link: ADDP polls at half of the time and gives up at its end") {
  LinkFence fence;
  Server server(fence);
  server.open();
  REQUIRE(server.session.due());
  CHECK(*server.session.due() == 102s);  // the T-Server wishes 4 s, we wish 10: the shorter counts
  Effects polled;
  server.session.check(102s, polled);
  REQUIRE(polled.send.size() == 1);
  CHECK(polled.send[0].has_addp_poll());
  CHECK(*server.session.due() == 104s);
  SECTION("answered") {
    auto answer = server.envelope();
    answer.mutable_addp_answer()->set_stamp(polled.send[0].addp_poll().stamp());
    server.give(answer, 103s);
    Effects out;
    server.session.check(104s, out);
    CHECK(!out.close);
    CHECK(out.send.empty());
    CHECK(*server.session.due() == 105s);
  }
  SECTION("not answered") {
    Effects out;
    server.session.check(104s, out);
    CHECK(out.close);
    REQUIRE(out.inputs.size() == 1);
    CHECK(std::holds_alternative<LinkClosed>(out.inputs[0]));
  }
  SECTION("theirs is answered with its stamp") {
    auto poll = server.envelope();
    poll.mutable_addp_poll()->set_stamp(1234);
    const auto answered = server.give(poll);
    REQUIRE(answered.send.size() == 1);
    CHECK(answered.send[0].addp_answer().stamp() == 1234);
  }
}

TEST_CASE("Link: Goodbye from the T-Server ends the session") {
  LinkFence fence;
  Server server(fence);
  server.open();
  auto envelope = server.envelope();
  envelope.mutable_goodbye()->set_text("stopping");
  const auto closed = server.give(envelope);
  CHECK(closed.send.empty());
  REQUIRE(closed.close);
  CHECK(*closed.close == "T-Server says goodbye: stopping");
  CHECK(closed.inputs.size() == 1);
}
