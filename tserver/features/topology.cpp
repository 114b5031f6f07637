#include "tserver/features/topology.h"

namespace tandem::tserver {

void topology_changed(Core& core, Call& call) {
  std::size_t members = 0;
  for (const Party& party : call.parties) members += party.state != PartyState::Queued;
  core.log(LogLevel::Trace, call, "", std::to_string(members) + " parties now");
}

}  // namespace tandem::tserver
