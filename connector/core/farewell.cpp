// Calls that are over before their phones were reached again: one on a connection that died with a Connector gets its
// BYE over the next one.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr Instant kLook = std::chrono::milliseconds(250);

}  // namespace

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
  const auto left = owed->second.until - now_.steady;
  auto way = new_way(leg, owed->second.dn);
  // Another phone's has time: its answer to a BYE isn't looked at.
  if ((!way || (!way->certain && left > settings_.recovery / 2)) && left > kLook && !stopping_)
    return arm(Wait::Farewell, leg.id.value, leg.guard, kLook);
  if (way) act(std::move(way->turn));
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
