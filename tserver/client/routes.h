// The ready-made routing application of `tlib --route RP=DEST[,DEST...]`: answers every EventRouteRequest of a routing
// point with RequestRouteCall to its destinations in turn. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "proto/tlib.pb.h"

namespace tandem::client {

class Routes {
 public:
  // "sip:support@tandem.test=sip:alice@tandem.test,sip:bob@tandem.test"; nothing, or what is wrong with it.
  std::optional<Failure> add(std::string_view text);
  bool empty() const { return routes_.empty(); }
  std::vector<std::string> points() const;

  std::optional<tlib::Message> answer(const tlib::Message& event);

 private:
  struct Route {
    std::vector<std::string> destinations;
    std::size_t next = 0;
  };
  std::map<Dn, Route> routes_;
};

}  // namespace tandem::client
