// A Connector stays away, another one of its pool takes its calls over (MMC-110; LTB-10 lifted), and it returns.
#include <catch2/catch.hpp>

#include "takeover_scene.h"

namespace tandem::tserver::test {

TEST_CASE("The calls of a Connector that stays away go to another of its pool") {
  World world(two_connectors());
  Scene scene(world);
  REQUIRE(world.state().calls.size() == 1);
  world.handle(LinkDown{0, "killed"});
  CHECK(scene.wait(std::chrono::milliseconds(1900)).empty());
  const auto ordered = scene.wait(std::chrono::milliseconds(200));
  REQUIRE(ordered.size() == 1);
  CHECK(ordered[0].link == 1);
  CHECK(ordered[0].command.restore().records_size() == 2);

  link::Happening over;
  over.set_command(ordered[0].command.id());
  *over.mutable_taken_over()->add_conversations() = talk(1);
  CHECK(scene.orders(world.handle(Happened{1, over})).empty());
  CHECK(world.state().calls.begin()->second->link == 1);

  // It returns with what it kept, and is told to let it be. If it has called the phones, the other one calls them
  // again.
  link::Snapshot snapshot;
  *snapshot.add_conversations() = talk(1);
  const bool waits = GENERATE(true, false);
  snapshot.set_stale(waits);
  const auto told = scene.orders(world.handle(up(0, 2, snapshot)));
  REQUIRE(told.size() == (waits ? 2u : 3u));
  CHECK(told.front().link == 0);
  CHECK(told.front().command.has_disown());
  CHECK(told.front().command.conversation() == 1);
  if (!waits) {
    CHECK(told[1].link == 1);
    CHECK(told[1].command.has_resume());
    CHECK(told[1].command.conversation() == 1);
  }
  CHECK(told.back().link == 0);
  CHECK(told.back().command.has_resume());
  CHECK(told.back().command.conversation() == 0);
  CHECK(world.state().calls.size() == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("A call that ended meanwhile is taken over to tell its phones") {
  Settings settings = two_connectors();
  World world(settings);
  for (LinkNo no = 1; no < 3; ++no) world.handle(up(no, 1));
  link::Snapshot snapshot;
  auto& rings = *snapshot.add_conversations() = talk(1);
  rings.mutable_parties(1)->set_state(link::ALERTING);
  rings.mutable_parties(1)->set_outgoing(true);
  world.handle(up(0, 1, snapshot));
  link::Happening told;
  *told.mutable_call_data() = data(1);
  world.handle(Happened{0, told});
  Scene scene(world, Scene::Bare{});
  world.handle(LinkDown{0, "killed"});
  scene.remove_bob(settings);
  CHECK(world.state().calls.empty());
  const auto ordered = scene.wait(std::chrono::milliseconds(2100));
  REQUIRE(ordered.size() == 1);
  link::Happening over;
  over.set_command(ordered[0].command.id());
  *over.mutable_taken_over()->add_conversations() = talk(1);
  const auto after = scene.orders(world.handle(Happened{1, over}));
  REQUIRE(after.size() == 1);
  CHECK(after[0].command.has_release());
  CHECK(after[0].command.conversation() == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("Back in time, a Connector goes on with its calls") {
  World world(two_connectors());
  Scene scene(world);
  world.handle(LinkDown{0, "killed"});
  scene.wait(std::chrono::milliseconds(500));
  link::Snapshot snapshot;
  *snapshot.add_conversations() = talk(1);
  const auto told = scene.orders(world.handle(up(0, 2, snapshot)));
  REQUIRE(told.size() == 1);
  CHECK(told[0].command.has_resume());
  CHECK(world.state().calls.size() == 1);
  CHECK(scene.wait(std::chrono::seconds(5)).empty());
  CHECK(world.faults().empty());
}

TEST_CASE("Calls that a Connector lost with its former run are given back to it") {
  World world(two_connectors());
  Scene scene(world);
  link::Happening told;
  auto& put = *told.mutable_call_data();
  for (const auto& [kind, number] : {std::pair{1u, 1u}, {2u, 11u}, {2u, 12u}, {2u, 99u}}) {
    auto& one = *put.add_put();
    one.set_kind(kind);
    one.set_number(number);
    one.set_data("record " + std::to_string(number));
  }
  put.set_first(true);
  world.handle(Happened{0, told});
  world.handle(LinkDown{0, "killed"});
  const ConnId call = world.state().calls.begin()->first;
  link::Snapshot snapshot;
  SECTION("it has nothing") {}
  SECTION("it has one of two") {
    *snapshot.add_conversations() = talk(1);
  }
  if (snapshot.conversations_size() > 0) snapshot.mutable_conversations(0)->mutable_parties()->RemoveLast();
  SECTION("one has not answered there") {
    *snapshot.add_conversations() = talk(1);
    snapshot.mutable_conversations(0)->mutable_parties(1)->set_state(link::ALERTING);
  }
  SECTION("what it has may be old") {
    *snapshot.add_conversations() = talk(1);
    snapshot.set_stale(true);
  }
  const auto ordered = scene.orders(world.handle(up(0, 2, snapshot)));
  REQUIRE(ordered.size() == 1u + (snapshot.conversations_size() > 0 ? 1 : 0));
  CHECK(ordered[0].command.restore().own());
  CHECK(ordered[0].command.restore().records_size() == 3);
  CHECK(world.state().calls.contains(call));

  link::Happening over;
  over.set_command(ordered[0].command.id());
  SECTION("it takes them") {
    *over.mutable_taken_over()->add_conversations() = talk(1);
    CHECK(scene.orders(world.handle(Happened{0, over})).empty());
    CHECK(world.state().calls.contains(call));
    CHECK(scene.wait(std::chrono::seconds(30)).empty());
  }
  SECTION("it can't") {
    over.mutable_taken_over();
    world.handle(Happened{0, over});
    CHECK(world.state().calls.empty());
  }
  SECTION("it says nothing") {
    const auto told_at_last = scene.wait(std::chrono::seconds(30));
    REQUIRE(told_at_last.size() == 1);
    CHECK(told_at_last[0].command.has_release());
    CHECK(world.state().calls.empty());
  }
  SECTION("it is killed once more, having told what it has") {
    link::Happening nothing;
    nothing.mutable_call_data()->set_first(true);
    world.handle(Happened{0, nothing});
    world.handle(LinkDown{0, "killed"});
    const auto again = scene.orders(world.handle(up(0, 3)));
    REQUIRE(again.size() == 1);
    CHECK(again[0].command.restore().records_size() == 3);
    CHECK(world.state().calls.contains(call));
    over.set_command(again[0].command.id());
    *over.mutable_taken_over()->add_conversations() = talk(1);
    world.handle(Happened{0, over});
    CHECK(world.state().calls.contains(call));
  }
  SECTION("it takes them, and dies before it has told what it has") {
    link::Happening nothing;
    nothing.mutable_call_data()->set_first(true);
    world.handle(Happened{0, nothing});
    const bool told_since = GENERATE(true, false);
    put.set_first(false);
    if (told_since) world.handle(Happened{0, told});
    *over.mutable_taken_over()->add_conversations() = talk(1);
    world.handle(Happened{0, over});
    CHECK(world.state().links[0].call_data.size() == (told_since ? 4 : 0));  // nobody would tell that the rest ended
    world.handle(LinkDown{0, "killed"});
    const auto handed_over = scene.wait(std::chrono::milliseconds(2100));
    REQUIRE(handed_over.size() == 1);
    CHECK(handed_over[0].link == 1);
    CHECK(handed_over[0].command.restore().records_size() == (told_since ? 4 : 3));
  }
  CHECK(world.faults().empty());
}

TEST_CASE("A call that ended while its Connector was away, and that it lost, is given back to tell its phones") {
  Settings settings = two_connectors();
  World world(settings);
  Scene scene(world, Scene::Bare{});
  link::Snapshot snapshot;
  auto& rings = *snapshot.add_conversations() = talk(1);
  rings.mutable_parties(1)->set_state(link::ALERTING);
  rings.mutable_parties(1)->set_outgoing(true);
  world.handle(up(0, 1, snapshot));
  link::Happening told;
  *told.mutable_call_data() = data(1);
  world.handle(Happened{0, told});
  world.handle(LinkDown{0, "killed"});
  scene.remove_bob(settings);
  REQUIRE(world.state().calls.empty());
  const auto ordered = scene.orders(world.handle(up(0, 2)));
  REQUIRE(ordered.size() == 2);
  CHECK(ordered[0].command.restore().records_size() == 2);
  CHECK(ordered[1].command.has_release());
  CHECK(ordered[1].command.conversation() == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("Calls on their way from one Connector to another when the primary dies") {
  World world(of_a_pair());
  world.handle(RoleChanged{true, 7, "first", nullptr});
  Scene scene(world);
  world.begin_backup();
  world.handle(LinkDown{0, "killed"});
  REQUIRE(scene.wait(std::chrono::milliseconds(2100)).size() == 1);
  world.take_over();
  REQUIRE(world.state().calls.size() == 1);
  const auto link_of_call = [&] { return world.state().calls.begin()->second->link; };
  link::Snapshot with;
  *with.add_conversations() = talk(1);

  SECTION("the other has them: they are its own, and the one that returns lets them be") {
    CHECK(scene.orders(world.handle(up(1, 1, with))).size() == 1);  // Resume
    CHECK(link_of_call() == 1);
    const auto told = scene.orders(world.handle(up(0, 2, with)));
    REQUIRE(told.size() == 3);
    CHECK(told[0].command.has_disown());
    CHECK(told[1].link == 1);
    CHECK(told[1].command.has_resume());
    CHECK(told[1].command.conversation() == 1);
    CHECK(told[2].link == 0);
    CHECK(told[2].command.has_resume());
    CHECK(link_of_call() == 1);
  }
  SECTION("the one that was away is back first: it waits for what the other says") {
    CHECK(scene.orders(world.handle(up(0, 2, with))).empty());
    SECTION("it has them") {
      const auto told = scene.orders(world.handle(up(1, 1, with)));
      REQUIRE(told.size() == 4);
      CHECK(told[0].link == 0);
      CHECK(told[0].command.has_disown());
      CHECK(told[1].link == 1);
      CHECK(told[1].command.has_resume());
      CHECK(told[1].command.conversation() == 1);
      CHECK(told[2].link == 0);
      CHECK(told[2].command.has_resume());
      CHECK(link_of_call() == 1);
    }
    SECTION("it never heard of them") {
      const auto told = scene.orders(world.handle(up(1, 1)));
      REQUIRE(told.size() == 1);
      CHECK(told[0].link == 0);
      CHECK(told[0].command.has_resume());
      CHECK(link_of_call() == 0);
    }
    SECTION("it doesn't come") {
      // It may have called the phones before it died.
      const auto told = scene.wait(std::chrono::seconds(30));
      REQUIRE(told.size() == 2);
      CHECK(told[0].link == 0);
      CHECK(told[0].command.has_resume());
      CHECK(told[0].command.conversation() == 1);
      CHECK(told[1].link == 0);
      CHECK(told[1].command.has_resume());
      CHECK(told[1].command.conversation() == 0);
    }
  }
  SECTION("the other never heard of them: it is told again") {
    CHECK(scene.orders(world.handle(up(1, 1))).empty());
    const auto told = scene.wait(std::chrono::milliseconds(2100));
    REQUIRE(told.size() == 1);
    CHECK(told[0].link == 1);
    CHECK(told[0].command.restore().records_size() == 2);
  }
  CHECK(world.state().calls.size() == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("Calls that were taken over when the primary died are known to live elsewhere") {
  World world(of_a_pair());
  world.handle(RoleChanged{true, 7, "first", nullptr});
  Scene scene(world);
  world.begin_backup();
  world.handle(LinkDown{0, "killed"});
  const auto ordered = scene.wait(std::chrono::milliseconds(2100));
  REQUIRE(ordered.size() == 1);
  link::Happening over;
  over.set_command(ordered[0].command.id());
  *over.mutable_taken_over()->add_conversations() = talk(1);
  world.handle(Happened{1, over});
  world.take_over();
  link::Snapshot with;
  *with.add_conversations() = talk(1);
  // Whoever comes first.
  const auto told = scene.orders(world.handle(up(0, 2, with)));
  REQUIRE(told.size() == 2);
  CHECK(told[0].command.has_disown());
  const auto then = scene.orders(world.handle(up(1, 1, with)));
  REQUIRE(then.size() == 2);
  CHECK(then[0].command.has_resume());
  CHECK(then[0].command.conversation() == 1);
  CHECK(then[1].command.has_resume());
  CHECK(world.state().calls.size() == 1);
  CHECK(world.state().calls.begin()->second->link == 1);
  CHECK(scene.wait(std::chrono::seconds(10)).empty());
  CHECK(world.faults().empty());
}

TEST_CASE("A new primary that knows nothing has a dead Connector's calls taken over") {
  World world(of_a_pair());
  for (LinkNo no = 0; no < 3; ++no) world.handle(up(no, 1));
  link::Happening told;
  *told.mutable_call_data() = data(1);
  world.handle(Happened{0, told});
  Scene scene(world, Scene::Bare{});
  world.handle(LinkDown{0, "killed"});

  SECTION("and takes them up") {
    world.handle(RoleChanged{true, 7, "the other is gone, too", nullptr});
    for (LinkNo no = 1; no < 3; ++no) world.handle(up(no, 1));
    const auto ordered = scene.wait(std::chrono::milliseconds(2100));
    REQUIRE(ordered.size() == 1);
    CHECK(ordered[0].link == 1);
    link::Happening over;
    over.set_command(ordered[0].command.id());
    *over.mutable_taken_over()->add_conversations() = talk(1);
    CHECK(scene.orders(world.handle(Happened{1, over})).empty());
    REQUIRE(world.state().calls.size() == 1);
    CHECK(world.state().calls.begin()->second->link == 1);
  }
  SECTION("unless the former primary had seen to it") {
    link::Happening over;
    over.set_command(5);
    *over.mutable_taken_over()->add_conversations() = talk(1);
    world.handle(Happened{1, over});
    world.handle(RoleChanged{true, 7, "the other is gone, too", nullptr});
    CHECK(scene.wait(std::chrono::seconds(10)).empty());
  }
  SECTION("unless it is dead for too long") {
    scene.wait(std::chrono::seconds(61));
    world.handle(RoleChanged{true, 7, "the other is gone, too", nullptr});
    for (LinkNo no = 1; no < 3; ++no) world.handle(up(no, 1));
    CHECK(scene.wait(std::chrono::seconds(10)).empty());
  }
  CHECK(world.faults().empty());
}

TEST_CASE("What was not taken over ends") {
  World world(two_connectors());
  Scene scene(world);
  world.handle(LinkDown{0, "killed"});
  SECTION("the other takes none") {
    const auto ordered = scene.wait(std::chrono::milliseconds(2100));
    REQUIRE(ordered.size() == 1);
    link::Happening over;
    over.set_command(ordered[0].command.id());
    over.mutable_taken_over();
    world.handle(Happened{1, over});
  }
  SECTION("the other is lost, too, and none comes back") {
    scene.wait(std::chrono::milliseconds(2100));
    world.handle(LinkDown{1, "killed"});
    CHECK(world.state().calls.size() == 1);
    scene.wait(std::chrono::seconds(60));
  }
  SECTION("the other never answers") {
    scene.wait(std::chrono::seconds(30));
  }
  CHECK(world.state().calls.empty());
  CHECK(world.faults().empty());
}

}  // namespace tandem::tserver::test
