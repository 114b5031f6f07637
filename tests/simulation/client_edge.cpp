#include "client_edge.h"

#include <utility>

#include "common/base/overloaded.h"

namespace tandem::simulation {

using namespace tserver;

ClientEdge::ClientEdge(Process& owner, Done& done, std::uint64_t last_session, bool primary, Take take)
    : owner_(owner),
      done_(done),
      take_(std::move(take)),
      kept_(KeptOptions{}),
      last_session_(last_session),
      primary_(primary) {
  kept_.number_from(owner.now().wall);
}

ClientEdge::Handle ClientEdge::accept(StreamPtr stream, Listener listener) {
  const auto handle = std::make_shared<SessionId>(++last_session_);
  stream->on_closed(1, [this, handle](const std::string& why) { closed(*handle, why); });
  sessions_[*handle] = {std::move(stream), std::move(listener), handle};
  take_(ClientOpened{*handle, "client"});
  return handle;
}

void ClientEdge::ask(const Handle& handle, tlib::Message message) {
  const auto found = sessions_.find(*handle);
  if (found == sessions_.end() || found->second.id != handle) return;
  if (found->second.waits) {
    found->second.unread.push_back(std::move(message));
  } else {
    received(found->second, std::move(message));
  }
}

void ClientEdge::received(Session& session, tlib::Message message) {
  const SessionId id = *session.id;
  if (message.type() == tlib::ConfirmEvents) return kept_.confirm(id, message.streamnumber());
  if (message.type() == tlib::RequestRegisterClient) {
    if (message.has_sessiontoken() && !is_kept(id)) {
      if (admits_kept_) return attach(session, std::move(message));
      waiting_.push_back(id);
      session.waits = true;
      session.unread.push_back(std::move(message));
      return;
    }
  } else if (is_kept(id)) {
    kept_.confirm(id, message.streamnumber());
  }
  take_(ClientRequest{id, std::move(message)});
}

bool ClientEdge::begins(const ClientRequest& request) {
  if (!is_kept(request.session) || !request.message.has_requestid()) return true;
  if (!kept_.take(request.session, request.message.requestid())) return false;
  if (kept_.find(request.session) != nullptr && !done_.add(request.session, request.message.requestid()))
    owner_.fault("a request is carried out a second time: " + request.message.ShortDebugString());
  return true;
}

void ClientEdge::admit_kept(bool now) {
  if (std::exchange(admits_kept_, now) || !now) return;
  owner_.later(Instant{0}, [this] { attach_waiting(); });
}

void ClientEdge::attach_waiting() {
  for (const SessionId id : std::exchange(waiting_, {})) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    const Handle handle = found->second.id;
    found->second.waits = false;
    for (tlib::Message& message : std::exchange(found->second.unread, {})) ask(handle, std::move(message));
  }
}

void ClientEdge::attach(Session& session, tlib::Message message) {
  KeptSessions::Attached attached = KeptSessions::Refused{"this T-Server is the backup"};
  if (primary_)
    attached = kept_.attach(
        {message.sessiontoken(), {}, message.streamnumber(), message.sessionattempt(), SessionId{message.sessionid()}});
  std::visit(Overloaded{[&](const KeptSessions::Resumed& resumed) {
                          let_go(resumed.session);
                          const SessionId before = rename(session, resumed.session);
                          Session& now = session;
                          now.events = message.streamnumber();
                          auto answer = std::make_shared<tlib::Message>();
                          answer->set_type(tlib::EventSessionResumed);
                          answer->set_referenceid(message.referenceid());
                          answer->set_sessionid(resumed.session.value);
                          answer->set_sessiontoken(message.sessiontoken());
                          send(now, answer, message.referenceid(), 0);
                          send_new(now, *kept_.find(resumed.session));
                          take_(ClientClosed{before, "it is another client now"});
                        },
                        [&](const KeptSessions::Opened& opened) {
                          if (opened.instead) let_go(*opened.instead);
                          const SessionId before = rename(session, opened.session);
                          session.events = 0;
                          if (opened.instead)
                            take_(ClientClosed{*opened.instead, "what it missed is not there any more"});
                          take_(ClientClosed{before, "it is another client now"});
                          take_(ClientOpened{opened.session, "client"});
                          message.set_sessionkept(30000);
                          take_(ClientRequest{opened.session, std::move(message)});
                          if (kept_.find(opened.session) == nullptr)
                            take_(ClientClosed{opened.session, "the role passed when it was opened"});
                        },
                        [&](const KeptSessions::Overtaken&) {
                          const SessionId id = *session.id;
                          session.stream->close(1);
                          closed(id, "a later connection has the session");
                        },
                        [&](const KeptSessions::Refused&) {
                          message.clear_sessiontoken();
                          take_(ClientRequest{*session.id, std::move(message)});
                        }},
             attached);
  watch_kept();
}

SessionId ClientEdge::rename(Session& session, SessionId to) {
  const SessionId from = *session.id;
  auto node = sessions_.extract(from);
  node.key() = to;
  *node.mapped().id = to;
  sessions_.insert(std::move(node));
  return from;
}

// Perhaps it is in use.
void ClientEdge::let_go(SessionId session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  found->second.stream->close(1);
  auto gone = std::make_shared<std::map<SessionId, Session>::node_type>(sessions_.extract(found));
  owner_.later(Instant{0}, [gone] {});
}

void ClientEdge::closed(SessionId session, const std::string& why) {
  if (sessions_.erase(session) == 0) return;
  if (is_kept(session) && kept_.detach(session, owner_.now())) return watch_kept();
  kept_.end(session);
  take_(ClientClosed{session, why});
}

void ClientEdge::close(SessionId session, const std::string& why) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) found->second.stream->close(1);
  owner_.later(Instant{0}, [this, session, why] {
    sessions_.erase(session);
    kept_.end(session);
    take_(ClientClosed{session, why});
  });
}

void ClientEdge::watch_kept() {
  const auto next = kept_.next();
  if (!next) return;
  owner_.later(std::max(*next - owner_.now().steady, Instant{0}), [this, next] {
    if (kept_.next() != next) return;
    for (const KeptSessions::Overdue& over : kept_.overdue(owner_.now().steady))
      take_(ClientClosed{over.session, over.why});
    watch_kept();
  });
}

std::vector<SessionId> ClientEdge::set_primary(bool primary) {
  primary_ = primary;
  std::vector<SessionId> gone;
  if (primary) {
    kept_.take_over(owner_.now());
  } else {
    for (const SessionRecord& record : kept_.records()) {
      gone.push_back(record.head.session);
      let_go(record.head.session);
    }
    kept_.replace_all({});
  }
  watch_kept();
  return gone;
}

void ClientEdge::record(const Effects& effects) {
  if (kept_.empty()) return;
  for (const Effect& effect : effects) {
    const auto* event = std::get_if<Deliver>(&effect);
    if (event == nullptr) continue;
    std::shared_ptr<const std::string> body;
    for (const SessionId to : event->to) {
      if (!is_kept(to)) continue;
      if (body == nullptr) body = std::make_shared<const std::string>(event->event->SerializeAsString());
      kept_.add(to, to == event->requester ? event->reference_id : 0, body);
    }
  }
}

void ClientEdge::deliver(const Deliver& event) {
  for (const SessionId to : event.to) {
    const auto found = sessions_.find(to);
    if (found == sessions_.end()) continue;
    Session& session = found->second;
    if (!is_kept(to)) {
      send(session, event.event, to == event.requester ? event.reference_id : 0, ++session.events);
    } else if (const KeptSession* kept = kept_.find(to)) {
      send_new(session, *kept);
    }
  }
}

void ClientEdge::send(Session& session, std::shared_ptr<const tlib::Message> event, std::int32_t reference,
                      std::uint64_t number) {
  session.stream->send(1, [event = std::move(event), listener = session.listener, reference, number] {
    listener.event(event, reference, number);
  });
}

void ClientEdge::send_new(Session& session, const KeptSession& kept) {
  while (const SessionEvent* event = kept.after(session.events)) {
    auto message = std::make_shared<tlib::Message>();
    message->ParseFromString(*event->body);
    session.events = event->number;
    send(session, message, event->reference_id, event->number);
  }
}

}  // namespace tandem::simulation
