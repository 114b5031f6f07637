#include "tserver/features/topology.h"

#include "tserver/features/conference_address.h"
#include "tserver/features/pass_through.h"
namespace tandem::tserver {

void topology_changed(Core& core, Call& call) {
  if (release_pass_through(core, call)) return;
  offer_conference_address(core, call);
  std::size_t members = 0;
  for (const Party& party : call.parties) members += party.state != PartyState::Queued;
  core.log(LogLevel::Trace, call, "", std::to_string(members) + " parties now");
}

}  // namespace tandem::tserver
