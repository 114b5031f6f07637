// Sessions that outlive their connections: the pure part.
#include "tserver/clients/kept_sessions.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

using Kept = KeptSessions;
const std::string kToken = "0123456789abcdef";

std::shared_ptr<const std::string> body(const std::string& text) {
  return std::make_shared<const std::string>(text);
}

Now at(Instant steady) {
  return {steady, std::chrono::hours(500000) + std::chrono::duration_cast<std::chrono::microseconds>(steady)};
}

Kept::Wish wish(std::uint64_t last_seen = 0, std::uint64_t attempt = 0, std::string token = kToken,
                std::string holder = {}) {
  return {std::move(token), std::move(holder), last_seen, attempt};
}

SessionId opened(Kept& kept, const Kept::Wish& how = wish()) {
  const auto attached = kept.attach(how);
  REQUIRE(std::holds_alternative<Kept::Opened>(attached));
  return std::get<Kept::Opened>(attached).session;
}

bool resumes(Kept& kept, const Kept::Wish& how) {
  return std::holds_alternative<Kept::Resumed>(kept.attach(how));
}

std::string missed(const Kept& kept, SessionId session, std::uint64_t last_seen) {
  std::string all;
  while (const SessionEvent* event = kept.find(session)->after(last_seen)) {
    all += std::to_string(event->number) + *event->body + " ";
    last_seen = event->number;
  }
  return all;
}

}  // namespace

TEST_CASE("a session that lost its connection goes on after the last event the client has") {
  Kept kept({.keep = 30s});
  const SessionId session = opened(kept);
  CHECK(is_kept(session));
  kept.add(session, 1, body("a"));
  kept.add(session, 0, body("b"));
  kept.add(session, 0, body("c"));
  CHECK(kept.detach(session, at(10s)));
  CHECK(kept.next() == Instant(40s));
  kept.add(session, 0, body("d"));
  CHECK(kept.overdue(39s).empty());
  const auto attached = kept.attach(wish(1));
  REQUIRE(std::holds_alternative<Kept::Resumed>(attached));
  CHECK(std::get<Kept::Resumed>(attached).session == session);
  CHECK(missed(kept, session, 1) == "2b 3c 4d ");
  CHECK_FALSE(kept.next().has_value());
  CHECK(kept.overdue(100s).empty());
  // An answer that was lost is among them: its ReferenceID is held, too.
  CHECK(kept.find(session)->after(1)->reference_id == 0);
}

TEST_CASE("what is confirmed is given up, and only what is there can be confirmed") {
  Kept kept({});
  const SessionId session = opened(kept);
  for (const char* text : {"a", "b", "c"}) kept.add(session, 0, body(text));
  kept.confirm(session, 2);
  CHECK(kept.find(session)->record().events.size() == 1);
  kept.confirm(session, 1);
  kept.confirm(session, 4);
  CHECK(kept.find(session)->head().confirmed == 2);
  CHECK(kept.find(session)->bytes() == 1);
  kept.detach(session, at(0s));
  CHECK(resumes(kept, wish(2)));
  CHECK(missed(kept, session, 2) == "3c ");
}

TEST_CASE("a client that lacks what isn't there, or has what never was, begins anew") {
  Kept kept({});
  const SessionId session = opened(kept);
  for (const char* text : {"a", "b", "c"}) kept.add(session, 0, body(text));
  kept.confirm(session, 2);
  kept.detach(session, at(0s));
  const std::uint64_t last_seen = GENERATE(1U, 4U);
  const auto attached = kept.attach(wish(last_seen));
  REQUIRE(std::holds_alternative<Kept::Opened>(attached));
  CHECK(std::get<Kept::Opened>(attached).instead == session);
  CHECK(std::get<Kept::Opened>(attached).session != session);
  CHECK(kept.find(session) == nullptr);
  CHECK(kept.size() == 1);
}

TEST_CASE("each request is taken once, over however many connections") {
  Kept kept({});
  const SessionId session = opened(kept);
  CHECK(kept.take(session, 1));
  CHECK(kept.take(session, 2));
  CHECK_FALSE(kept.take(session, 2));
  kept.detach(session, at(0s));
  REQUIRE(resumes(kept, wish(0)));
  CHECK_FALSE(kept.take(session, 1));
  CHECK_FALSE(kept.take(session, 2));
  CHECK(kept.take(session, 3));
}

TEST_CASE("a connection that is overtaken by a later one gets nothing, in whatever order they arrive") {
  Kept kept({});
  opened(kept, wish(0, 1));
  CHECK(resumes(kept, wish(0, 3)));
  CHECK(std::holds_alternative<Kept::Overtaken>(kept.attach(wish(0, 2))));
  CHECK(std::holds_alternative<Kept::Overtaken>(kept.attach(wish(0, 3))));
  CHECK(resumes(kept, wish(0, 4)));
  CHECK(resumes(kept, wish(0, 0)));  // doesn't say
}

TEST_CASE("a session is the client's who opened it, under a name that is long enough") {
  Kept kept({});
  opened(kept, wish(0, 0, kToken, "desk"));
  CHECK(std::holds_alternative<Kept::Refused>(kept.attach(wish(0, 0, kToken, "other"))));
  CHECK(std::holds_alternative<Kept::Refused>(kept.attach(wish(0, 0, "short"))));
  CHECK(std::holds_alternative<Kept::Refused>(kept.attach(wish(0, 0, std::string(65, 'x')))));
  CHECK(resumes(kept, wish(0, 0, kToken, "desk")));
}

TEST_CASE("nobody waits longer than the option says, and only so many wait") {
  Kept kept({.keep = 5s, .unconnected = 1});
  const SessionId one = opened(kept);
  const SessionId two = opened(kept, wish(0, 0, kToken + "2"));
  CHECK(kept.detach(one, at(1s)));
  CHECK_FALSE(kept.detach(two, at(1s)));  // it has ended
  CHECK(kept.find(two) == nullptr);
  const auto over = kept.overdue(6s);
  REQUIRE(over.size() == 1);
  CHECK(over[0].session == one);
  CHECK(over[0].why == "not resumed within 5000 ms");
  CHECK(kept.size() == 0);
  Kept none({.keep = 0s});
  CHECK(std::holds_alternative<Kept::Refused>(none.attach(wish())));
}

TEST_CASE("what is held is bounded: who misses more has no session any more, who only confirms late has it") {
  Kept kept({.keep = 30s, .limits = {.events = 2, .bytes = 100}});
  const SessionId session = opened(kept);
  for (const char* text : {"a", "b", "c"}) kept.add(session, 0, body(text));
  CHECK(missed(kept, session, 0) == "2b 3c ");
  kept.detach(session, at(0s));
  CHECK(kept.overdue(0s).empty());
  kept.add(session, 0, body("d"));
  CHECK(kept.next() == Instant{0});
  const auto over = kept.overdue(0s);
  REQUIRE(over.size() == 1);
  CHECK(over[0].why == "it missed more events than are held");

  const SessionId large = opened(kept, wish());
  kept.add(large, 0, body(std::string(90, 'x')));
  kept.add(large, 0, body(std::string(20, 'y')));
  CHECK(kept.find(large)->record().events.size() == 1);
  kept.add(large, 0, body(std::string(500, 'z')));  // one alone is always held
  CHECK(kept.find(large)->bytes() == 500);
}

TEST_CASE("a client that has more than was told can't go on where another T-Server took over") {
  Kept primary({.keep = 5s}), backup({.keep = 5s});
  const SessionId session = opened(primary, wish(0, 1));
  primary.add(session, 0, body("a"));
  backup.replace_all(primary.records());
  primary.add(session, 0, body("b"));
  backup.take_over(at(100s));
  backup.add(session, 0, body("ours, and the second as well"));
  SECTION("it has the former primary's second event") {
    const auto how = backup.attach(wish(2, 2));
    const auto* another = std::get_if<Kept::Opened>(&how);
    REQUIRE(another != nullptr);
    CHECK(another->instead == session);
  }
  SECTION("it has what was told; from then on our events count") {
    REQUIRE(resumes(backup, wish(1, 2)));
    backup.detach(session, at(101s));
    CHECK(resumes(backup, wish(2, 3)));
  }
}

TEST_CASE("a client that is gone for good isn't kept longer since the role passes from one T-Server to the other") {
  Kept first({.keep = 30s}), second({.keep = 30s});
  const SessionId session = opened(first);
  first.detach(session, at(100s));
  second.replace_all(first.records());
  second.take_over(at(110s));
  CHECK(second.next() == Instant(130s));
  SECTION("but for some seconds, to find the new primary") {
    first.replace_all(second.records());
    first.take_over(at(128s));
    CHECK(first.next() == Instant(133s));
  }
  SECTION("one that was there until the takeover has all its time from then on, wherever") {
    REQUIRE(resumes(second, wish()));
    first.replace_all(second.records());
    first.take_over(at(120s));
    CHECK(first.next() == Instant(150s));
    second.replace_all(first.records());
    second.take_over(at(140s));
    CHECK(second.next() == Instant(150s));
  }
  SECTION("clocks that are apart give it no more, and not less than that") {
    first.replace_all(second.records());
    const bool ahead = GENERATE(true, false);
    first.take_over({120s, at(ahead ? 1000s : 0s).wall});
    CHECK(first.next() == Instant(ahead ? 125s : 150s));
  }
}

TEST_CASE("another T-Server goes on with the sessions from their changes alone") {
  Kept primary({.keep = 5s}), backup({.keep = 5s});
  primary.keep_changes(true);
  const auto tell = [&] { backup.apply(primary.take_changes()); };
  const SessionId session = opened(primary, wish(0, 1));
  primary.add(session, 7, body("a"));
  tell();
  primary.take(session, 1);
  primary.add(session, 0, body("b"));
  primary.add(session, 0, body("c"));
  primary.confirm(session, 2);
  const SessionId other = opened(primary, wish(0, 0, kToken + "2"));
  const SessionId gone = opened(primary, wish(0, 0, kToken + "3"));
  tell();
  primary.end(gone);
  tell();
  CHECK(primary.take_changes().empty());

  const auto left = primary.records(), right = backup.records();
  REQUIRE(left.size() == 2);
  REQUIRE(right.size() == 2);
  for (std::size_t i = 0; i < left.size(); ++i) {
    CHECK(left[i].head == right[i].head);
    REQUIRE(left[i].events.size() == right[i].events.size());
    for (std::size_t e = 0; e < left[i].events.size(); ++e) {
      CHECK(left[i].events[e].number == right[i].events[e].number);
      CHECK(left[i].events[e].reference_id == right[i].events[e].reference_id);
      CHECK(*left[i].events[e].body == *right[i].events[e].body);
    }
  }
  backup.take_over(at(100s));
  CHECK(resumes(backup, wish(2, 2)));
  CHECK(missed(backup, session, 2) == "3c ");
  CHECK_FALSE(backup.take(session, 1));
  const auto over = backup.overdue(105s);
  REQUIRE(over.size() == 1);
  CHECK(over[0].session == other);
  // It gives no number again that was given before.
  CHECK(opened(backup, wish(0, 0, kToken + "4")).value > gone.value);

  Kept joined({});
  joined.replace_all(primary.records());
  CHECK(joined.size() == 2);
  joined.take_over(at(0s));
  CHECK(resumes(joined, wish(2, 2)));
}
