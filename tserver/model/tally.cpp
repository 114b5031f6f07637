#include "tserver/model/tally.h"

#include "tserver/model/device.h"

namespace tandem::tserver {

void Tally::told(const Party& party, tlib::MessageType type, Now now) {
  if (type != tlib::EventQueued && type != tlib::EventDiverted && type != tlib::EventAbandoned) return;
  if (party.device == nullptr || !party.device->routes()) return;
  QueueTally& queue = queues[party.device->dn];
  if (type == tlib::EventQueued) {
    ++queue.entered;
    return;
  }
  ++(type == tlib::EventDiverted ? queue.diverted : queue.abandoned);
  queue.wait.observe(std::chrono::duration<double>(now.steady - party.queued_at).count());
}

}  // namespace tandem::tserver
