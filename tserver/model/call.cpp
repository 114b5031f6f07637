#include "tserver/model/call.h"

#include <algorithm>

#include "tserver/model/device.h"

namespace tandem::tserver {
namespace {

template <class Test>
Party* find(std::list<Party>& parties, Test test) {
  const auto it = std::find_if(parties.begin(), parties.end(), test);
  return it == parties.end() ? nullptr : &*it;
}

}  // namespace

const std::string& Party::name() const {
  return device != nullptr ? device->dn.str() : address;
}

Party* Call::party(PartyNo no) {
  if (!no) return nullptr;
  return find(parties, [&](const Party& p) { return p.no == no; });
}

Party* Call::party(const Device* device) {
  if (device == nullptr) return nullptr;
  return find(parties, [&](const Party& p) { return p.device == device; });
}

Party* Call::originator() {
  return find(parties, [](const Party& p) { return p.role == tlib::RoleOrigination; });
}

Party* Call::routing_point() {
  return find(parties, [](const Party& p) { return p.state == PartyState::Queued; });
}

Party* Call::dialing() {
  return find(parties, [](const Party& p) { return p.state == PartyState::Dialing; });
}

// Does `self` count `party` among the others?
static bool sees(const Party& self, const Party& party) {
  if (&party == &self || party.state == PartyState::Queued) return false;
  if (self.state == PartyState::Queued && party.state == PartyState::Alerting) return false;  // a queue sees its caller
  return !party.in_place_of && (!self.in_place_of || party.no != self.in_place_of);
}

std::size_t Call::others(const Party& self) const {
  return static_cast<std::size_t>(
      std::count_if(parties.begin(), parties.end(), [&](const Party& party) { return sees(self, party); }));
}

const Party* Call::other(const Party& self) const {
  const Party* found = nullptr;
  for (const Party& party : parties) {
    if (!sees(self, party)) continue;
    if (found != nullptr) return nullptr;
    found = &party;
  }
  if (found != nullptr || self.state == PartyState::Dialing || self.state == PartyState::Queued) return found;
  return routing_point();
}

std::size_t Call::settled() const {
  return static_cast<std::size_t>(
      std::count_if(parties.begin(), parties.end(), [&](const Party& p) { return p.no && !invites(p); }));
}

bool Call::conference() const {
  return std::any_of(parties.begin(), parties.end(),
                     [](const Party& p) { return p.role == tlib::RoleConferenceMember; });
}

}  // namespace tandem::tserver
