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

std::map<std::string, LinkNo> places(const State& state) {
  std::map<std::string, LinkNo> all;
  for (const auto& [dn, device] : state.devices) {
    if (const auto link = place(state, *device)) all[dn.str()] = *link;
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

TEST_CASE("a DN stays in its pool (MMC-298), and off a Connector that refused it") {
  State state = world(100, 2);
  state.links[1].pool = "West";
  for (auto& [dn, device] : state.devices) CHECK(place(state, *device) == LinkNo{0});
  Device& one = *state.devices.begin()->second;
  one.settings.pool = "West";
  CHECK(place(state, one) == LinkNo{1});
  one.settings.pool = "East";
  CHECK_FALSE(place(state, one));
  one.settings.pool = "";
  one.refused_by.push_back(0);
  CHECK_FALSE(place(state, one));
}
