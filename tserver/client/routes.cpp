#include "tserver/client/routes.h"

#include <utility>

namespace tandem::client {

std::optional<Failure> Routes::add(std::string_view text) {
  const auto equals = text.find('=');
  Route route;
  bool whole = equals != std::string_view::npos && equals > 0;
  for (std::size_t at = equals; whole && at != std::string_view::npos;) {
    const auto comma = text.find(',', at + 1);
    route.destinations.emplace_back(text.substr(at + 1, comma == std::string_view::npos ? comma : comma - at - 1));
    whole = !route.destinations.back().empty();
    at = comma;
  }
  if (!whole) return Failure{"expected RP=DEST[,DEST...], not \"" + std::string(text) + "\""};
  const Dn point(text.substr(0, equals));
  if (!routes_.emplace(point, std::move(route)).second) return Failure{point.str() + " is routed twice"};
  return std::nullopt;
}

std::vector<std::string> Routes::points() const {
  std::vector<std::string> points;
  points.reserve(routes_.size());
  for (const auto& [point, route] : routes_) points.push_back(point.str());
  return points;
}

std::optional<tlib::Message> Routes::answer(const tlib::Message& event) {
  if (event.type() != tlib::EventRouteRequest) return std::nullopt;
  const auto found = routes_.find(Dn(event.thisdn()));
  if (found == routes_.end()) return std::nullopt;
  Route& route = found->second;
  tlib::Message request;
  request.set_type(tlib::RequestRouteCall);
  request.set_thisdn(event.thisdn());
  request.set_connid(event.connid());
  request.set_otherdn(route.destinations[route.next]);
  request.set_routetype(tlib::RouteTypeUnknown);  // plain: to OtherDN
  route.next = (route.next + 1) % route.destinations.size();
  return request;
}

}  // namespace tandem::client
