#include "tserver/program/sync_sessions.h"

#include <algorithm>
#include <utility>

namespace tandem::tserver {
namespace {

void write(const SessionHead& head, sync::SessionHead& to) {
  to.set_session(head.session.value);
  to.set_token(head.token);
  to.set_holder(head.holder);
  to.set_last_number(head.last_number);
  to.set_confirmed(head.confirmed);
  to.set_last_request(head.last_request);
  to.set_attempt(head.attempt);
  to.set_alone_since(head.alone_since);
}

SessionHead read(const sync::SessionHead& from) {
  return {.session = SessionId{from.session()},
          .token = from.token(),
          .holder = from.holder(),
          .last_number = from.last_number(),
          .confirmed = from.confirmed(),
          .last_request = from.last_request(),
          .attempt = from.attempt(),
          .alone_since = from.alone_since()};
}

void add_stream(SessionId session, const SessionEvent& event, sync::SessionEvent& to) {
  to.add_sessions(session.value);
  to.add_numbers(event.number);
  to.add_reference_ids(event.reference_id);
}

void write_all(const KeptSessions& kept, sync::Records& to) {
  for (const SessionRecord& record : kept.records()) {
    sync::Session& session = *to.add_sessions();
    write(record.head, *session.mutable_head());
    for (const SessionEvent& event : record.events) {
      sync::SessionEvent& one = *session.add_events();
      one.set_body(*event.body);
      add_stream(record.head.session, event, one);
    }
  }
}

// The same event for several sessions is told once.
void write_changes(KeptSessions& kept, sync::Delta& to) {
  const SessionChanges changes = kept.take_changes();
  for (const SessionHead& head : changes.heads) write(head, *to.add_heads());
  const std::string* last = nullptr;
  for (const auto& [session, event] : changes.events) {
    if (event.body.get() != last) to.add_events()->set_body(*event.body);
    last = event.body.get();
    add_stream(session, event, *to.mutable_events()->rbegin());
  }
  for (const SessionId session : changes.ended) to.add_ended(session.value);
}

// One event for each of its streams.
template <class Add>
void read_event(const sync::SessionEvent& from, Add add) {
  const auto body = std::make_shared<const std::string>(from.body());
  const int streams = std::min({from.sessions_size(), from.numbers_size(), from.reference_ids_size()});
  for (int i = 0; i < streams; ++i)
    add(SessionId{from.sessions(i)}, SessionEvent{from.numbers(i), from.reference_ids(i), body});
}

void read_changes(const sync::Delta& from, KeptSessions& kept) {
  SessionChanges changes;
  for (const sync::SessionHead& head : from.heads()) changes.heads.push_back(read(head));
  for (const sync::SessionEvent& event : from.events()) {
    read_event(event, [&](SessionId session, SessionEvent one) {
      changes.events.push_back({session, std::move(one)});
    });
  }
  for (const std::uint64_t session : from.ended()) changes.ended.push_back(SessionId{session});
  kept.apply(changes);
}

void read_all(const std::vector<sync::Session>& from, KeptSessions& kept) {
  std::vector<SessionRecord> records;
  for (const sync::Session& session : from) {
    SessionRecord& record = records.emplace_back();
    record.head = read(session.head());
    for (const sync::SessionEvent& event : session.events())
      read_event(event, [&](SessionId, SessionEvent one) { record.events.push_back(std::move(one)); });
  }
  kept.replace_all(std::move(records));
}

}  // namespace

Sync::Handlers sync_handlers(KeptSessions& kept, std::function<void(const PairReport&)> report,
                             std::function<std::uint32_t()> links, std::function<bool()> remembers,
                             std::function<void()> other_knows) {
  return {.report = std::move(report),
          .links = std::move(links),
          .remembers = std::move(remembers),
          .other_knows = std::move(other_knows),
          .all_sessions = [&kept](sync::Records& to) { write_all(kept, to); },
          .session_changes = [&kept](sync::Delta& to) { write_changes(kept, to); },
          .sessions_changed = [&kept](const sync::Delta& from) { read_changes(from, kept); },
          .sessions_anew = [&kept](std::vector<sync::Session> from) { read_all(from, kept); },
          .keep_session_changes = [&kept](bool on) { kept.keep_changes(on); }};
}

}  // namespace tandem::tserver
