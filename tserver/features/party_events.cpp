#include "tserver/features/party_events.h"

namespace tandem::tserver {

void tell_established(Core& core, Call& call, const Party& party, Details details, Asker asker) {
  core.tell(call, party, tlib::EventEstablished, details, asker);
}

void tell_released(Core& core, Call& call, const Party& party, Details details, Asker asker) {
  core.tell(call, party, tlib::EventReleased, details, asker);
}

}  // namespace tandem::tserver
