// Phones whose connection is gone register anew over another one, here or at another Connector of the pool, and are
// followed there. A DN may have several phones on connections, and who comes back first may be another one.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

// That phone's contact; or the latest, since a phone may have another name when it registers anew, unless that one said
// that it knows nothing of the dialog. Null: none, or no phone of ours.
Target* contact_of(const Leg& leg, std::vector<Target>& targets) {
  if (targets.empty() || targets.front().dn.empty()) return nullptr;
  const auto own = std::find_if(targets.begin(), targets.end(),
                                [&](const Target& target) { return !leg.phone.empty() && target.phone == leg.phone; });
  if (own != targets.end()) return &*own;
  const auto latest = std::find_if(targets.begin(), targets.end(),
                                   [&](const Target& target) { return !leg.is_stranger(target.phone); });
  return latest == targets.end() ? nullptr : &*latest;
}

}  // namespace

// The connection its phone has registered over since, here or at another Connector. None yet: nothing.
std::optional<Core::NewWay> Core::new_way(const Leg& leg, const std::string& dn) const {
  Unreachable why;
  auto targets = directory_.resolve(dn, why);
  auto* const target = contact_of(leg, targets);
  if (!target) return std::nullopt;
  const bool certain = leg.phone.empty() || target->phone == leg.phone;
  if (target->route.empty()) {
    if (target->next_hop.empty() || target->next_hop == leg.flow) return std::nullopt;
    return NewWay{TurnLeg{leg.id, target->next_hop}, std::move(target->phone), certain};
  }
  // Of a phone that was on no connection the dialog knows the way.
  if (leg.flow.empty() || target->connector.empty() || target->connector == leg.former) return std::nullopt;
  return NewWay{TurnLeg{leg.id, {}, std::move(target->route)}, std::move(target->phone), certain};
}

// Before a CANCEL: only a connection of ours will do, a request that passes by another one isn't known by its branch.
void Core::follow(const Leg& leg) {
  const auto* party = find_party(leg.party);
  if (!party || leg.flow.empty()) return;
  if (auto way = new_way(leg, party->dn); way && way->turn.route.empty()) act(std::move(way->turn));
}

// True: whoever said that it knows nothing of the dialog was asked for want of the right phone, which may come yet.
bool Core::was_stranger(const Party& party) {
  auto& leg = *find_leg(party.dialog);
  if (leg.asked.empty()) return false;
  if (leg.is_stranger(leg.asked)) return true;
  leg.strangers.push_back(leg.asked);
  log(LogLevel::Standard, party, "another phone is registered, the right one is waited for", leg.asked);
  return true;
}

}  // namespace tandem::connector
