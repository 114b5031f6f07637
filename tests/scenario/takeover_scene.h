// What tests of a pool share whose Connectors come and go: its settings, a call that is up, what a Connector tells of
// it.
#pragma once

#include "world.h"

namespace tandem::tserver::test {

inline Settings two_connectors() {
  Settings settings;
  settings.links = {{"connector1", ""}, {"connector2", ""}, {"connector3", "elsewhere"}};
  settings.dns[Dn("sip:alice@t.test")] = {.dn = Dn("sip:alice@t.test")};
  settings.dns[Dn("sip:bob@t.test")] = {.dn = Dn("sip:bob@t.test")};
  settings.takeover_timeout = std::chrono::seconds(2);
  return settings;
}

inline Settings of_a_pair() {
  Settings settings = two_connectors();
  settings.hot_standby = true;
  return settings;
}

inline LinkUp up(LinkNo no, std::uint64_t incarnation, const link::Snapshot& snapshot = {}) {
  link::Hello hello;
  hello.set_incarnation(incarnation);
  hello.set_application("C" + std::to_string(no));
  return {no, hello, snapshot};
}

inline link::Conversation talk(std::uint64_t number) {
  link::Conversation conversation;
  conversation.set_conversation(number);
  conversation.set_conn_id(0x7000 + number);
  for (const auto* dn : {"sip:alice@t.test", "sip:bob@t.test"}) {
    auto& party = *conversation.add_parties();
    party.set_party(number * 10 + static_cast<std::uint64_t>(conversation.parties_size()));
    party.set_state(link::CONNECTED);
    party.set_dn(dn);
  }
  return conversation;
}

inline link::CallData data(std::uint64_t number) {
  link::CallData out;
  out.set_first(true);
  for (std::uint32_t kind = 1; kind <= 2; ++kind) {
    auto& put = *out.add_put();
    put.set_kind(kind);
    put.set_number(number);
    put.set_data("record");
  }
  return out;
}

struct Scene {
  struct Bare {};
  Scene(World& in, Bare) : world(in) {}
  explicit Scene(World& in) : world(in) {
    for (LinkNo no = 1; no < 3; ++no) world.handle(up(no, 1));
    link::Snapshot snapshot;
    *snapshot.add_conversations() = talk(1);
    world.handle(up(0, 1, snapshot));
    link::Happening told;
    *told.mutable_call_data() = data(1);
    world.handle(Happened{0, told});
  }
  std::vector<Order> orders(const Effects& effects) {
    std::vector<Order> out;
    for (const auto& effect : effects)
      if (const auto* order = std::get_if<Order>(&effect)) out.push_back(*order);
    return out;
  }
  std::vector<Order> wait(Instant by) {
    std::vector<Order> out;
    world.advance(by, [&](const Effects& effects) {
      for (auto& order : orders(effects)) out.push_back(std::move(order));
    });
    return out;
  }
  // Out of the configuration: the calls there end.
  void remove_bob(Settings settings) {
    settings.dns.erase(Dn("sip:bob@t.test"));
    world.handle(SettingsChanged{std::make_shared<const Settings>(std::move(settings))});
  }
  World& world;
};

}  // namespace tandem::tserver::test
