#include "tserver/model/agent.h"

namespace tandem::tserver {
namespace {

template <class Map, class Key>
Device* find_in(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second;
}

}  // namespace

Device* AgentTable::find(const std::string& id) const {
  return find_in(by_id, id);
}
Device* AgentTable::find(std::uint64_t session) const {
  return find_in(by_session, session);
}

std::int32_t agent_status(const Agent* agent) {
  if (agent == nullptr) return 0;
  if (agent->state.ready) return 2;
  switch (agent->state.mode) {
    case tlib::AgentWorkModeAfterCallWork:
      return 4;
    case tlib::AgentWorkModeWalkAway:
      return 5;
    default:
      return 3;
  }
}

}  // namespace tandem::tserver
