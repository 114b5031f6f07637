#include "tserver/model/placement.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

State world(int dns, int links) {
  Settings settings;
  for (int i = 0; i < dns; ++i) {
    const Dn dn("sip:user" + std::to_string(i) + "@t.test");
    settings.dns[dn] = {.dn = dn};
  }
  for (int i = 0; i < links; ++i) settings.links.push_back({"connector" + std::to_string(i), ""});
  State state(std::make_shared<const Settings>(settings), Now{});
  for (CtiLink& link : state.links) link.up = true;
  return state;
}

std::map<std::string, LinkNo> places(const State& state, Instant now = Instant{0}) {
  std::map<std::string, LinkNo> all;
  for (const auto& [dn, device] : state.devices) {
    if (const auto link = place(state, *device, now)) all[dn.str()] = *link;
  }
  return all;
}

}  // namespace

TEST_CASE("DNs spread evenly over the Connectors of a pool") {
  const State state = world(3000, 3);
  std::map<LinkNo, int> count;
  for (const auto& [dn, link] : places(state)) ++count[link];
  for (LinkNo link = 0; link < 3; ++link) CHECK((count[link] > 850 && count[link] < 1150));
}

TEST_CASE("losing a Connector moves its DNs only, and its return brings back just these") {
  State state = world(1000, 4);
  const auto before = places(state);
  state.links[2].up = false;
  const auto without = places(state);
  for (const auto& [dn, link] : before) {
    if (link != 2) CHECK(without.at(dn) == link);
    CHECK(without.at(dn) != 2);
  }
  state.links[2].up = true;
  CHECK(places(state) == before);
}

TEST_CASE("a link whose pool no folder names is connected and carries nothing (MMC-305)") {
  State state = world(100, 2);
  state.links[0].pool = "Nobody's";
  CHECK(state.links[0].up);
  for (const auto& [dn, link] : places(state)) CHECK(link == LinkNo{1});
  state.links[1].up = false;
  CHECK(places(state).empty());
  for (const auto& [dn, device] : state.devices) CHECK_FALSE(state.serviceable(*device));
}

TEST_CASE("the DNs of a Connector that was lost come back to it one by one (MMC-111)") {
  State state = world(1000, 2);
  auto settings = std::make_shared<Settings>(*state.settings);
  settings->dn_return_time = 10s;
  state.settings = settings;
  const auto on_it = [&](Instant now) {
    int count = 0;
    for (const auto& [dn, link] : places(state, now)) count += link == 1;
    return count;
  };
  const auto before = places(state);
  const int all = on_it(0s);
  state.links[1].returned = 100s;
  CHECK(on_it(100s) < 5);
  int last = 0;
  for (Instant now = 101s; now < 110s; now += 1s) {  // about a tenth each second, and none goes away again
    const int there = on_it(now);
    CHECK(there - last > all / 20);
    CHECK(there - last < all / 5);
    last = there;
  }
  CHECK(places(state, 110s) == before);
  // Where no other Connector serves them they are back at once.
  state.links[0].up = false;
  CHECK(on_it(100s) == 1000);
  // Nor is there a wait if none is wished.
  state.links[0].up = true;
  settings->dn_return_time = 0s;
  CHECK(places(state, 100s) == before);
}

TEST_CASE("a DN stays in its pool (MMC-298), and off a Connector that refused it") {
  State state = world(100, 2);
  state.links[1].pool = "West";
  for (auto& [dn, device] : state.devices) CHECK(place(state, *device, 0s) == LinkNo{0});
  Device& one = *state.devices.begin()->second;
  one.settings.pool = "West";
  CHECK(place(state, one, 0s) == LinkNo{1});
  one.settings.pool = "East";
  CHECK_FALSE(place(state, one, 0s));
  one.settings.pool = "";
  one.refused_by.push_back(0);
  CHECK_FALSE(place(state, one, 0s));
}
