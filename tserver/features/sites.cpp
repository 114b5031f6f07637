// What clients ask about sites: this one is all there is. Locations (MMC-409), and subscriptions to what happens
// between sites (MMC-416), of which nothing happens yet.
#include <algorithm>

#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxSubscriptions = 100;  // of one client
constexpr std::int32_t kStart = 1, kStop = 2, kModify = 3;

bool names_a_location(tlib::TLocationInfoType type) {
  return type == tlib::LocationInfoLocationData || type == tlib::LocationInfoMonitorLocation ||
         type == tlib::LocationInfoCancelMonitorLocation;
}

bool can_be_asked(tlib::TLocationInfoType type) {
  return type >= tlib::LocationInfoAllLocations && type <= tlib::LocationInfoCancelMonitorAllLocations;
}

std::optional<Refusal> query_location(Core& core, Request& request) {
  const tlib::Message& message = request.message;
  const tlib::TLocationInfoType type = message.locationinfotype();
  const std::string& here = core.settings().location;
  if (!can_be_asked(type)) return refusal(tlib::TERR_UNSUP_OPER, "the kind of query is not served");
  if (names_a_location(type) && message.location().empty())
    return refusal(tlib::TERR_INVALID_ATTR, "Location is missing");
  if (names_a_location(type) && message.location() != here)
    return refusal(tlib::TERR_BAD_LOCATION_QUERY, "Location is not known");
  const bool monitors = type == tlib::LocationInfoMonitorLocation || type == tlib::LocationInfoMonitorAllLocations;
  const bool cancels =
      type == tlib::LocationInfoCancelMonitorLocation || type == tlib::LocationInfoCancelMonitorAllLocations;
  Client& client = request.client;
  if (cancels && !client.monitors_locations)
    return refusal(tlib::TERR_INVALID_STATE, "locations are not monitored by this client");
  if (monitors || cancels) client.monitors_locations = monitors;
  Event event = new_event(core.now, tlib::EventLocationInfo);
  event->set_locationinfotype(type);
  event->set_location(here);
  kv_add(*event->mutable_extensions(), here, core.state.links_up > 0 ? "up" : "down");
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

// SetOperation: 1 start, 2 stop, 3 modify; the subscription is known by the number given at its start.
std::optional<Refusal> monitor_transactions(Core& core, Request& request) {
  auto& subscriptions = request.client.subscriptions;
  const std::int32_t operation = request.message.setoperation();
  std::int32_t id = kv_integer(request.message.extensions(), "SubscriptionID").value_or(0);
  const auto known = std::find(subscriptions.begin(), subscriptions.end(), id);
  if (operation == kStart) {
    if (subscriptions.size() >= kMaxSubscriptions)
      return refusal(tlib::TERR_TOO_MANY_REQ, "too many subscriptions of this client");
    id = ++request.client.last_subscription;
    subscriptions.push_back(id);
  } else if (operation != kStop && operation != kModify) {
    return refusal(tlib::TERR_INVALID_ATTR, "SetOperation is 1 (start), 2 (stop) or 3 (modify)");
  } else if (known == subscriptions.end()) {
    return refusal(tlib::TERR_BAD_PARAM, "SubscriptionID is not that of a subscription");
  } else if (operation == kStop) {
    subscriptions.erase(known);
  }
  Event event = new_event(core.now, tlib::EventACK);
  kv_add(*event->mutable_extensions(), "SubscriptionID", id);
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

}  // namespace

void register_sites(Table& table) {
  table.serve(tlib::RequestQueryLocation, query_location);
  table.serve(tlib::RequestTransactionMonitoring, monitor_transactions);
  table.serves_only("LocationInfoType", {"LocationInfoAllLocations", "LocationInfoLocationData",
                                         "LocationInfoMonitorLocation", "LocationInfoCancelMonitorLocation",
                                         "LocationInfoMonitorAllLocations", "LocationInfoCancelMonitorAllLocations"});
  table.makes({tlib::EventLocationInfo});
}

}  // namespace tandem::tserver
