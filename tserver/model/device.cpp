#include "tserver/model/device.h"

#include <algorithm>

#include "tserver/model/client.h"

namespace tandem::tserver {

bool Device::has_router() const {
  return std::any_of(registrations.begin(), registrations.end(), [](const Registration& r) {
    return r.mode != tlib::RegisterModeMonitor && r.client->wants(tlib::EventRouteRequest);
  });
}

const Registration* Device::registration(const Client& client) const {
  for (const Registration& r : registrations) {
    if (r.client == &client) return &r;
  }
  return nullptr;
}

tlib::TAddressType address_type(DnType type) {
  switch (type) {
    case DnType::Extension:
      return tlib::AddressTypeDN;
    case DnType::RoutingPoint:
    case DnType::ExternalRoutingPoint:
      return tlib::AddressTypeRouteDN;
    case DnType::AcdQueue:
    case DnType::VirtualQueue:
      return tlib::AddressTypeQueue;
    case DnType::VoipService:
      return tlib::AddressTypeOther;
    case DnType::TrunkGroup:
      return tlib::AddressTypeTrunk;
  }
  return tlib::AddressTypeUnknown;
}

}  // namespace tandem::tserver
