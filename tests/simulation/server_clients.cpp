// A simulated T-Server's clients: what it tells them, and what they ask.
#include <algorithm>

#include "server.h"

namespace tandem::simulation {

using namespace tserver;

void Server::deliver(const Deliver& deliver) {
  const std::uint64_t number = deliver.event->eventsequencenumber();
  // A new primary counts on from what the former one told.
  if (number != sequence_ + 1 && !(std::exchange(took_over_, false) && number > sequence_))
    fault("EventSequenceNumber has a gap");
  sequence_ = number;
  const auto type = deliver.event->type();
  tally_.established += type == tlib::EventEstablished;
  tally_.diverted += type == tlib::EventDiverted;
  tally_.held += type == tlib::EventHeld;
  tally_.moved += type == tlib::EventPartyChanged;
  tally_.added += type == tlib::EventPartyAdded;
  if (schedule_.traced()) {
    std::string to;
    for (const SessionId session : deliver.to)
      to += " " + std::to_string(session.value) +
            (session == deliver.requester ? "#" + std::to_string(deliver.reference_id) : "");
    trace("event " + deliver.event->ShortDebugString() + " for" + to);
  }
  if (std::find(deliver.to.begin(), deliver.to.end(), kWall) != deliver.to.end()) checker_->see(*deliver.event);
  clients_->deliver(deliver);
}

ClientEdge::Handle Server::accept(StreamPtr stream, ClientEdge::Listener listener) {
  return clients_->accept(std::move(stream), std::move(listener));
}

void Server::ask(const ClientEdge::Handle& handle, tlib::Message message) {
  if (schedule_.traced()) trace("from client " + std::to_string(handle->value) + " " + message.ShortDebugString());
  clients_->ask(handle, std::move(message));
}

}  // namespace tandem::simulation
