// Two Connectors may have the same calls: one that was to take them over is gone, or the one that had them is back
// meanwhile.
#include <catch2/catch.hpp>

#include "takeover_scene.h"

namespace tandem::tserver::test {

TEST_CASE("Who was to take calls over is lost, too: they go to whoever comes, and their phones are called again") {
  World world(two_connectors());
  Scene scene(world);
  world.handle(LinkDown{0, "killed"});
  REQUIRE(scene.wait(std::chrono::milliseconds(2100)).size() == 1);
  CHECK(scene.orders(world.handle(LinkDown{1, "killed"})).empty());
  link::Snapshot with;
  *with.add_conversations() = talk(1);
  const auto again = [](const Order& order, LinkNo link) {
    return order.link == link && order.command.has_resume() && order.command.conversation() == 1;
  };
  const auto link_of_call = [&] { return world.state().calls.begin()->second->link; };
  SECTION("the first one") {
    const auto told = scene.orders(world.handle(up(0, 2, with)));
    REQUIRE(told.size() == 2);
    CHECK(again(told[0], 0));
    CHECK(told[1].command.has_resume());
    CHECK(link_of_call() == 0);
    SECTION("and then the other with what it had taken: it lets it be") {
      const auto late = scene.orders(world.handle(up(1, 2, with)));
      REQUIRE(late.size() == 3);
      CHECK(late[0].link == 1);
      CHECK(late[0].command.has_disown());
      CHECK(again(late[1], 0));
      CHECK(late[2].link == 1);
      CHECK(late[2].command.has_resume());
    }
  }
  SECTION("the other, which has them") {
    const auto told = scene.orders(world.handle(up(1, 2, with)));
    REQUIRE(told.size() == 2);
    CHECK(again(told[0], 1));
    CHECK(told[1].command.has_resume());
    CHECK(link_of_call() == 1);
  }
  SECTION("the other, which never heard of them: it is told again") {
    CHECK(scene.orders(world.handle(up(1, 2))).empty());
    const auto ordered = scene.wait(std::chrono::milliseconds(1100));
    REQUIRE(ordered.size() == 1);
    CHECK(ordered[0].command.restore().records_size() == 2);
    link::Happening over;
    over.set_command(ordered[0].command.id());
    *over.mutable_taken_over()->add_conversations() = talk(1);
    const auto told = scene.orders(world.handle(Happened{1, over}));
    REQUIRE(told.size() == 1);
    CHECK(again(told[0], 1));
    CHECK(link_of_call() == 1);
  }
  CHECK(world.state().calls.size() == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("A call that was told of as it was told to be another Connector's is the other's alone") {
  World world(two_connectors());
  Scene scene(world);
  link::Snapshot waiting;
  auto& conversation = *waiting.add_conversations();
  conversation.set_conversation(1);
  conversation.add_parties()->set_party(11);
  const auto told = scene.orders(world.handle(up(1, 2, waiting)));
  REQUIRE(told.size() == 3);
  CHECK(told[0].link == 1);
  CHECK(told[0].command.has_disown());
  CHECK(told[1].link == 0);
  CHECK(told[1].command.has_resume());
  CHECK(told[2].link == 1);
  CHECK(told[2].command.has_resume());
  link::Happening offered;
  offered.set_conversation(1);
  offered.set_party(11);
  offered.mutable_offered()->set_from("sip:+1555@t.test");
  offered.mutable_offered()->set_to("sip:alice@t.test");
  CHECK(world.handle(Happened{1, offered}).empty());
  CHECK(world.state().calls.size() == 1);
  CHECK(world.state().calls.begin()->second->link == 0);
}

TEST_CASE("A T-Server that knows nothing finds a call on a disk and then on another Connector: there it lives") {
  World world(two_connectors());
  Scene scene(world, Scene::Bare{});
  link::Snapshot kept;
  *kept.add_conversations() = talk(1);
  kept.set_stale(true);
  world.handle(up(0, 1, kept));
  REQUIRE(world.state().calls.size() == 1);
  link::Snapshot lives;
  *lives.add_conversations() = talk(1);
  SECTION("it takes the place of the other one") {
    const auto told = scene.orders(world.handle(up(1, 1, lives)));
    REQUIRE(told.size() == 3);
    CHECK(told[0].link == 0);
    CHECK(told[0].command.has_disown());
    CHECK(told[1].link == 1);
    CHECK(told[1].command.has_resume());
    CHECK(told[1].command.conversation() == 1);
    CHECK(told[2].command.has_resume());
    CHECK(world.state().calls.begin()->second->link == 1);
  }
  SECTION("a while later it is the other's that lives") {
    scene.wait(std::chrono::minutes(10));
    const auto told = scene.orders(world.handle(up(1, 1, lives)));
    REQUIRE_FALSE(told.empty());
    CHECK(told[0].link == 1);
    CHECK(told[0].command.has_disown());
    CHECK(world.state().calls.begin()->second->link == 0);
  }
  CHECK(world.state().calls.size() == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("A CANCEL that came to a Connector without the call is passed on to the one that has it") {
  World world(two_connectors());
  Scene scene(world);
  link::Happening offered;
  offered.set_conversation(2);
  offered.set_party(21);
  offered.mutable_offered()->set_from("sip:+1555@t.test");
  offered.mutable_offered()->set_to("sip:alice@t.test");
  offered.mutable_offered()->set_call_id("of-the-caller");
  world.handle(Happened{0, offered});
  link::Happening stray;
  stray.mutable_stray_cancel()->set_call_id("of-another");
  stray.mutable_stray_cancel()->set_branch("z9hG4bK1");
  CHECK(scene.orders(world.handle(Happened{1, stray})).empty());
  stray.mutable_stray_cancel()->set_call_id("of-the-caller");
  const auto told = scene.orders(world.handle(Happened{1, stray}));
  REQUIRE(told.size() == 1);
  CHECK(told[0].link == 0);
  CHECK(told[0].command.conversation() == 2);
  CHECK(told[0].command.party() == 21);
  CHECK(told[0].command.stray_cancel().branch() == "z9hG4bK1");
  CHECK(world.faults().empty());
}

TEST_CASE("Who took calls over and dies before it told of them is given them back") {
  World world(two_connectors());
  Scene scene(world);
  world.handle(LinkDown{0, "killed"});
  const auto ordered = scene.wait(std::chrono::milliseconds(2100));
  REQUIRE(ordered.size() == 1);
  link::Happening over;
  over.set_command(ordered[0].command.id());
  *over.mutable_taken_over()->add_conversations() = talk(1);
  world.handle(Happened{1, over});
  world.handle(LinkDown{1, "killed"});
  const auto told = scene.orders(world.handle(up(1, 2)));
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].link == 1);
  CHECK(told[0].command.restore().own());
  CHECK(told[0].command.restore().records_size() == 1);  // of the conversation; its parties have other numbers here
  link::Happening again;
  again.set_command(told[0].command.id());
  *again.mutable_taken_over()->add_conversations() = talk(1);
  world.handle(Happened{1, again});
  REQUIRE(world.state().calls.size() == 1);
  CHECK(world.state().calls.begin()->second->link == 1);
  CHECK(world.faults().empty());
}

TEST_CASE("A Connector is back while its calls are on their way to another: they stay its own") {
  World world(two_connectors());
  Scene scene(world);
  world.handle(LinkDown{0, "killed"});
  const auto ordered = scene.wait(std::chrono::milliseconds(2100));
  REQUIRE(ordered.size() == 1);
  link::Snapshot with;
  *with.add_conversations() = talk(1);
  const auto told = scene.orders(world.handle(up(0, 2, with)));
  REQUIRE(told.size() == 2);
  CHECK(told[0].link == 0);
  CHECK(told[0].command.has_resume());
  CHECK(told[0].command.conversation() == 1);  // the other one may have called its phones by now
  CHECK(told[1].command.has_resume());
  link::Happening over;
  over.set_command(ordered[0].command.id());
  *over.mutable_taken_over()->add_conversations() = talk(1);
  SECTION("the other one lets them be") {
    const auto late = scene.orders(world.handle(Happened{1, over}));
    REQUIRE(late.size() == 2);
    CHECK(late[0].link == 1);
    CHECK(late[0].command.has_disown());
    CHECK(late[1].link == 0);
    CHECK(late[1].command.has_resume());
    CHECK(late[1].command.conversation() == 1);
  }
  SECTION("the other one dies before it has answered") {
    CHECK(scene.orders(world.handle(LinkDown{1, "killed"})).empty());
  }
  SECTION("what has ended by then is ended there") {
    link::Happening left;
    left.set_conversation(1);
    left.set_party(11);
    left.mutable_left()->set_cause(link::Left::BYE);
    world.handle(Happened{0, left});
    REQUIRE(world.state().calls.empty());
    const auto late = scene.orders(world.handle(Happened{1, over}));
    REQUIRE(late.size() == 1);
    CHECK(late[0].link == 1);
    CHECK(late[0].command.has_release());
  }
  if (!world.state().calls.empty()) CHECK(world.state().calls.begin()->second->link == 0);
  CHECK(world.faults().empty());
}

}  // namespace tandem::tserver::test
