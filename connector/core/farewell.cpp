// Calls that are over before their phones were reached again: one on a connection that died with a Connector gets its
// BYE over the next one.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr Instant kLook = std::chrono::milliseconds(250);

}  // namespace

// The connection its phone has registered over since, here or at another Connector: the latest contact's, an older one may
// be another phone's. None yet: nothing.
std::optional<TurnLeg> Core::new_way(const Leg& leg, const std::string& dn) const {
  Unreachable why;
  auto targets = directory_.resolve(dn, why);
  if (targets.empty() || targets.front().dn.empty()) return std::nullopt;
  auto& target = targets.front();
  if (target.route.empty()) {
    if (target.next_hop.empty() || target.next_hop == leg.flow) return std::nullopt;
    return TurnLeg{leg.id, target.next_hop};
  }
  // Of a phone that was on no connection the dialog knows the way.
  if (leg.flow.empty() || target.connector.empty() || target.connector == leg.former) return std::nullopt;
  return TurnLeg{leg.id, {}, std::move(target.route)};
}

// False: BYE can go as ever.
bool Core::owes_bye(const Party& party) {
  const auto* leg = find_leg(party.dialog);
  return party.recovering && leg && !leg->flow.empty() && !stopping_;
}

void Core::say_bye_later(const Party& party, std::string reason) {
  auto& leg = *find_leg(party.dialog);
  leg.state = LegState::Leaving;
  leg.party = PartyNo{};
  farewells_[leg.id] = Farewell{party.dn, std::move(reason), now_.steady + settings_.recovery};
  say_bye(leg);
}

void Core::say_bye(Leg& leg) {
  const auto owed = farewells_.find(leg.id);
  if (owed == farewells_.end()) return;
  auto way = new_way(leg, owed->second.dn);
  if (!way && now_.steady + kLook < owed->second.until && !stopping_)
    return arm(Wait::Farewell, leg.id.value, leg.guard, kLook);
  if (way) act(std::move(*way));
  act(SendBye{leg.id, std::move(owed->second.reason)});
  forget(leg.id);
}

void Core::say_all_byes() {
  std::vector<LegId> all;
  for (const auto& [leg, owed] : farewells_) all.push_back(leg);
  std::sort(all.begin(), all.end(), [](LegId a, LegId b) { return a.value < b.value; });  // same inputs, same outputs
  for (const auto id : all) say_bye(*find_leg(id));
}

}  // namespace tandem::connector
