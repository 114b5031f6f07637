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
  for (const SessionId to : deliver.to) {
    if (to == kWall) {
      checker_->see(*deliver.event);
      continue;
    }
    const auto it = sessions_.find(to);
    if (it == sessions_.end()) continue;
    Session& session = it->second;
    session.stream->send(1, [event = deliver.event, listener = session.listener, number = ++session.events,
                             reference = to == deliver.requester ? deliver.reference_id : 0] {
      listener.event(event, reference, number);
    });
  }
}

SessionId Server::accept(StreamPtr stream, Listener listener) {
  const SessionId session{++last_session_};
  stream->on_closed(1, [this, session](const std::string& why) {
    if (sessions_.erase(session) != 0) take(ClientClosed{session, why});
  });
  sessions_[session] = {std::move(stream), std::move(listener)};
  take(ClientOpened{session, "client"});
  return session;
}

void Server::ask(SessionId session, tlib::Message message) {
  if (!sessions_.contains(session)) return;
  if (schedule_.traced()) trace("from client " + std::to_string(session.value) + " " + message.ShortDebugString());
  take(ClientRequest{session, std::move(message)});
}

}  // namespace tandem::simulation
