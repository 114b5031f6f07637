// The CTI link's protocol, without a socket.
#include "tserver/links/session.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

using Effects = LinkSession::Effects;

LinkSessionOptions options() {
  LinkSessionOptions options;
  options.hello.set_application("TServer_1");
  options.hello.set_role(link::ROLE_PRIMARY);
  options.epoch = 1234;
  return options;
}

// What a Connector says.
struct Connector {
  link::Envelope next() {
    link::Envelope envelope;
    envelope.set_sequence(++sequence);
    return envelope;
  }
  link::Envelope hello(std::uint32_t major = link_major) {
    link::Envelope envelope = next();
    envelope.mutable_hello()->set_major(major);
    envelope.mutable_hello()->set_application("Connector_1");
    envelope.mutable_hello()->set_incarnation(55);
    return envelope;
  }
  link::Envelope snapshot() {
    link::Envelope envelope = next();
    envelope.mutable_snapshot()->add_conversations()->set_conversation(9);
    return envelope;
  }
  link::Envelope happening(std::uint64_t conversation) {
    link::Envelope envelope = next();
    envelope.mutable_happening()->set_conversation(conversation);
    envelope.mutable_happening()->mutable_alerting();
    return envelope;
  }
  std::uint64_t sequence = 0;
};

struct Fixture {
  explicit Fixture(LinkSessionOptions with = options()) : session(std::move(with)) { session.connected(100s, out); }
  // Feeds one envelope and returns its effects alone.
  Effects feed(link::Envelope envelope, Instant now = 100s) {
    Effects effects;
    session.received(std::move(envelope), now, effects);
    return effects;
  }
  void come_up() {
    feed(connector.hello());
    feed(connector.snapshot());
    REQUIRE(session.up());
  }
  LinkSession session;
  Connector connector;
  Effects out;
};

const link::Envelope& sent(const Effects& effects, std::size_t at = 0) {
  REQUIRE(effects.size() > at);
  REQUIRE(std::holds_alternative<LinkSession::Send>(effects[at]));
  return std::get<LinkSession::Send>(effects[at]).envelope;
}

// Goodbye for `reason` and the end, and nothing else.
void check_refused(const Effects& effects, link::Goodbye::Reason reason, const std::string& text,
                   std::uint64_t sequence) {
  REQUIRE(effects.size() == 2);
  link::Envelope expected;
  expected.set_sequence(sequence);
  expected.set_epoch(1234);
  expected.mutable_goodbye()->set_reason(reason);
  expected.mutable_goodbye()->set_text(text);
  CHECK(sent(effects).ShortDebugString() == expected.ShortDebugString());
  REQUIRE(std::holds_alternative<LinkSession::Over>(effects[1]));
  CHECK(std::get<LinkSession::Over>(effects[1]).why == text);
  CHECK_FALSE(std::get<LinkSession::Over>(effects[1]).fenced);
}

}  // namespace

TEST_CASE("a link comes up: Hello from both, then the Snapshot") {
  Fixture f;
  link::Envelope expected;
  expected.set_sequence(1);
  expected.set_epoch(1234);
  link::Hello& hello = *expected.mutable_hello();
  hello.set_major(1);
  hello.set_minor(link_minor);
  hello.set_application("TServer_1");
  hello.set_role(link::ROLE_PRIMARY);
  hello.set_addp_timeout_ms(5000);
  hello.set_addp_remote_timeout_ms(5000);
  REQUIRE(f.out.size() == 1);
  CHECK(sent(f.out).ShortDebugString() == expected.ShortDebugString());

  CHECK(f.feed(f.connector.hello()).empty());
  CHECK_FALSE(f.session.up());
  const Effects up = f.feed(f.connector.snapshot());
  REQUIRE(up.size() == 1);
  REQUIRE(std::holds_alternative<LinkSession::Up>(up[0]));
  CHECK(std::get<LinkSession::Up>(up[0]).hello.incarnation() == 55);
  CHECK(std::get<LinkSession::Up>(up[0]).snapshot.conversations(0).conversation() == 9);
  CHECK(f.session.up());
}

TEST_CASE("happenings and commands, numbered without gaps, each with the fencing epoch") {
  Fixture f;
  Effects none;
  CHECK_FALSE(f.session.command({}, none));
  CHECK(none.empty());
  f.come_up();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Effects effects = f.feed(f.connector.happening(i));
    REQUIRE(effects.size() == 1);
    CHECK(std::get<LinkSession::Happening>(effects[0]).happening.conversation() == i);
    Effects ordered;
    link::Command command;
    command.set_id(70 + i);
    command.mutable_release();
    CHECK(f.session.command(command, ordered));
    CHECK(sent(ordered).sequence() == 1 + i);
    CHECK(sent(ordered).epoch() == 1234);
    CHECK(sent(ordered).command().ShortDebugString() == command.ShortDebugString());
  }
}

TEST_CASE("another major version is refused with a clear word") {
  Fixture f;
  check_refused(f.feed(f.connector.hello(2)), link::Goodbye::WRONG_VERSION,
                "this T-Server speaks version 1 of the CTI link, not 2", 2);
  CHECK(f.feed(f.connector.snapshot()).empty());  // nothing more is heard
}

TEST_CASE("a gap, a repetition, or anything out of order ends the link") {
  Fixture f;
  SECTION("gap") {
    f.come_up();
    f.connector.sequence = 4;
    check_refused(f.feed(f.connector.happening(1)), link::Goodbye::PROTOCOL_ERROR, "sequence number 5 came after 2", 2);
  }
  SECTION("repetition") {
    f.come_up();
    f.connector.sequence = 1;
    check_refused(f.feed(f.connector.happening(1)), link::Goodbye::PROTOCOL_ERROR, "sequence number 2 came after 2", 2);
  }
  SECTION("happening before the Hello") {
    check_refused(f.feed(f.connector.happening(1)), link::Goodbye::PROTOCOL_ERROR, "Happening came out of order", 2);
  }
  SECTION("happening before the Snapshot") {
    f.feed(f.connector.hello());
    check_refused(f.feed(f.connector.happening(1)), link::Goodbye::PROTOCOL_ERROR, "Happening came out of order", 2);
  }
  SECTION("Snapshot before the Hello") {
    check_refused(f.feed(f.connector.snapshot()), link::Goodbye::PROTOCOL_ERROR, "Snapshot came out of order", 2);
  }
  SECTION("second Hello") {
    f.come_up();
    check_refused(f.feed(f.connector.hello()), link::Goodbye::PROTOCOL_ERROR, "Hello came out of order", 2);
  }
  SECTION("second Snapshot") {
    f.come_up();
    check_refused(f.feed(f.connector.snapshot()), link::Goodbye::PROTOCOL_ERROR, "Snapshot came out of order", 2);
  }
  SECTION("a command from the Connector") {
    f.come_up();
    link::Envelope envelope = f.connector.next();
    envelope.mutable_command();
    check_refused(f.feed(envelope), link::Goodbye::PROTOCOL_ERROR, "Command came out of order", 2);
  }
  SECTION("no envelope") {
    f.come_up();
    Effects effects;
    f.session.malformed(effects);
    check_refused(effects, link::Goodbye::PROTOCOL_ERROR, "a frame can't be decoded", 2);
  }
  CHECK_FALSE(f.session.up());
}

TEST_CASE("what a later minor version adds is ignored") {
  Fixture f;
  f.come_up();
  CHECK(f.feed(f.connector.next()).empty());
  CHECK(f.feed(f.connector.happening(1)).size() == 1);
}

TEST_CASE("a Connector of an earlier or later minor version is linked with, what is not known of it is passed over") {
  const auto later = [](google::protobuf::Message& message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddVarint(900, 7);
  };
  for (const std::uint32_t minor : {0u, link_minor + 1, 99u}) {
    Fixture f;
    link::Envelope hello = f.connector.hello();
    hello.mutable_hello()->set_minor(minor);
    later(*hello.mutable_hello());
    CHECK(f.feed(hello).empty());
    link::Envelope snapshot = f.connector.snapshot();
    later(snapshot);
    later(*snapshot.mutable_snapshot()->mutable_conversations(0));
    CHECK(f.feed(snapshot).size() == 1);
    CHECK(f.session.up());
    link::Envelope happening = f.connector.happening(9);
    later(*happening.mutable_happening()->mutable_alerting());
    CHECK(f.feed(happening).size() == 1);
  }
}

TEST_CASE("a Connector that fences us is told apart") {
  Fixture f;
  f.come_up();
  link::Envelope envelope;
  envelope.mutable_goodbye()->set_reason(link::Goodbye::FENCED);
  envelope.mutable_goodbye()->set_text("epoch 2000 is primary");
  const Effects effects = f.feed(envelope);
  REQUIRE(effects.size() == 1);
  const auto& over = std::get<LinkSession::Over>(effects[0]);
  CHECK(over.fenced);
  CHECK(over.why == "the Connector says goodbye: FENCED, epoch 2000 is primary");
}

TEST_CASE("polls are answered, silence is polled, then the link is dead") {
  Fixture f;
  f.come_up();
  link::Envelope poll = f.connector.next();
  poll.mutable_addp_poll()->set_stamp(31);
  const Effects answer = f.feed(poll, 101s);
  CHECK(sent(answer).addp_answer().stamp() == 31);
  CHECK(sent(answer).sequence() == 2);

  Effects effects;
  CHECK(f.session.check(102s, effects) == 103500ms);
  CHECK(effects.empty());
  CHECK(f.session.check(103500ms, effects) == 106s);
  CHECK(sent(effects).has_addp_poll());
  effects.clear();
  CHECK(f.session.check(106s, effects) == Instant{0});
  REQUIRE(effects.size() == 1);
  CHECK(std::get<LinkSession::Over>(effects[0]).why == "no sign of life for 5000 ms");
}

TEST_CASE("each side's wish for heartbeats counts") {
  auto with = options();
  with.addp_timeout = 0ms;
  Fixture f(with);
  link::Envelope hello = f.connector.hello();
  hello.mutable_hello()->set_addp_remote_timeout_ms(2000);
  f.feed(hello);
  f.feed(f.connector.snapshot());
  Effects effects;
  CHECK(f.session.check(100s, effects) == 101s);
}

TEST_CASE("a Connector that doesn't come to its Snapshot in time is given up") {
  auto with = options();
  with.addp_timeout = 0ms;
  Fixture f(with);
  Effects effects;
  CHECK(f.session.check(105s, effects) == 110s);
  SECTION("no Hello") {
    CHECK(f.session.check(110s, effects) == Instant{0});
    check_refused(effects, link::Goodbye::PROTOCOL_ERROR, "no Hello in time", 2);
  }
  SECTION("no Snapshot") {
    f.feed(f.connector.hello());
    CHECK(f.session.check(110s, effects) == Instant{0});
    check_refused(effects, link::Goodbye::PROTOCOL_ERROR, "no Snapshot in time", 2);
  }
  SECTION("in time") {
    f.come_up();
    CHECK(f.session.check(110s, effects) == Instant{0});  // and no heartbeats wanted
    CHECK(effects.empty());
  }
}

namespace {

const LinkSession::Up* up_in(const Effects& effects) {
  for (const auto& effect : effects) {
    if (const auto* up = std::get_if<LinkSession::Up>(&effect)) return up;
  }
  return nullptr;
}

LinkSessionOptions backup_options() {
  LinkSessionOptions backup = options();
  backup.hello.set_role(link::ROLE_BACKUP);
  backup.epoch = 0;
  return backup;
}

}  // namespace

TEST_CASE("MMC-96: who becomes primary says Hello again and is up with the next Snapshot") {
  Fixture f(backup_options());
  f.come_up();
  Effects out;
  CHECK_FALSE(f.session.command({}, out));  // a backup commands nothing
  CHECK(out.empty());
  f.session.role(link::ROLE_PRIMARY, 9, 101s, out);
  REQUIRE(out.size() == 1);
  CHECK(sent(out).epoch() == 9);
  CHECK(sent(out).hello().role() == link::ROLE_PRIMARY);
  CHECK_FALSE(f.session.up());
  CHECK(f.feed(f.connector.happening(9)).empty());  // in the Snapshot that comes
  link::Envelope records = f.connector.next();      // which records of calls are not
  records.mutable_happening()->mutable_call_data();
  CHECK(f.feed(records).size() == 1);
  CHECK_FALSE(f.session.command({}, out));
  REQUIRE(up_in(f.feed(f.connector.snapshot())));
  CHECK(f.session.command({}, out));
  SECTION("and backup again, at once") {
    out.clear();
    f.session.role(link::ROLE_BACKUP, 9, 101s, out);
    REQUIRE(out.size() == 1);
    CHECK(sent(out).hello().role() == link::ROLE_BACKUP);
    CHECK(f.session.up());
    CHECK_FALSE(f.session.command({}, out));
  }
}

TEST_CASE("a role that changes before the first Snapshot is told after it, and a second Snapshot awaited") {
  Fixture f(backup_options());
  f.feed(f.connector.hello());
  Effects out;
  f.session.role(link::ROLE_PRIMARY, 9, 101s, out);
  CHECK(out.empty());
  const Effects told = f.feed(f.connector.snapshot());
  REQUIRE(told.size() == 1);
  CHECK(sent(told).hello().role() == link::ROLE_PRIMARY);
  CHECK(f.feed(f.connector.happening(9)).empty());
  CHECK(up_in(f.feed(f.connector.snapshot())));
}

TEST_CASE("a Snapshot that doesn't come after the change of role ends the link") {
  Fixture f(backup_options());
  f.come_up();
  Effects out;
  f.session.role(link::ROLE_PRIMARY, 9, 101s, out);
  out.clear();
  f.session.check(111s, out);
  REQUIRE_FALSE(out.empty());
  CHECK(std::holds_alternative<LinkSession::Over>(out.back()));
}
