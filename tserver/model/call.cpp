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

const Party* Call::other(const Party& self) const {
  const Party* found = nullptr;
  for (const Party& party : parties) {
    if (&party == &self || party.state == PartyState::Queued) continue;
    if (self.state == PartyState::Queued && party.role != tlib::RoleOrigination) continue;  // a queue sees its caller
    if (found != nullptr) return nullptr;
    found = &party;
  }
  return found;
}

}  // namespace tandem::tserver
