#include "tserver/clients/kept_sessions.h"

#include <algorithm>
#include <utility>

namespace tandem::tserver {
namespace {

constexpr std::size_t kShortestToken = 16;
constexpr std::size_t kLongestToken = 64;
constexpr std::chrono::milliseconds kLeftAtLeast{5000};  // after a takeover: clients have to find out who is primary

}  // namespace

KeptSessions::Attached KeptSessions::attach(const Wish& wish) {
  if (options_.keep.count() == 0) return Refused{"no session is kept here"};
  if (wish.token.size() < kShortestToken || wish.token.size() > kLongestToken)
    return Refused{"SessionToken has 16 to 64 bytes"};
  const auto named = by_token_.find(wish.token);
  if (named == by_token_.end()) return Opened{open(wish), std::nullopt};
  const SessionId id = named->second;
  KeptSession& session = sessions_.at(id);
  if (session.head().holder != wish.holder) return Refused{"the session is another client's"};
  if (!session.attempt(wish.attempt)) return Overtaken{};
  // A T-Server that was cut off may know one of that name from before the client's present one.
  const bool another = wish.session && wish.session != id;
  const auto waiting = waiting_.find(id);
  const bool untold = waiting != waiting_.end() && waiting->second.told && wish.last_seen > *waiting->second.told;
  if (another || untold || !session.can_resume(wish.last_seen)) {
    erase(id);
    return Opened{open(wish), id};
  }
  session.confirm(wish.last_seen);
  session.set_alone_since(0);
  waiting_.erase(id);
  changed(id);
  return Resumed{id};
}

SessionId KeptSessions::open(const Wish& wish) {
  const SessionId id{++last_id_};
  SessionRecord record;
  record.head.session = id;
  record.head.token = wish.token;
  record.head.holder = wish.holder;
  record.head.attempt = wish.attempt;
  sessions_.emplace(id, KeptSession(std::move(record)));
  by_token_.emplace(wish.token, id);
  changed(id);
  return id;
}

bool KeptSessions::detach(SessionId session, Now now) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return false;
  if (options_.keep.count() == 0 || waiting_.size() >= options_.unconnected) {
    erase(session);
    return false;
  }
  waiting_.emplace(session, Waiting{now.steady + options_.keep});
  found->second.set_alone_since(now.wall.count());
  changed(session);
  return true;
}

void KeptSessions::end(SessionId session) {
  if (sessions_.contains(session)) erase(session);
}

void KeptSessions::erase(SessionId session) {
  const auto found = sessions_.find(session);
  by_token_.erase(found->second.head().token);
  sessions_.erase(found);
  waiting_.erase(session);
  if (!tracking_) return;
  changed_.erase(session);
  std::erase_if(changes_.events, [&](const SessionChanges::Added& added) { return added.session == session; });
  changes_.ended.push_back(session);
}

std::vector<KeptSessions::Overdue> KeptSessions::overdue(Instant now) {
  std::vector<Overdue> over;
  for (const auto& [session, waiting] : waiting_) {
    if (!waiting.whole) {
      over.push_back({session, "it missed more events than are held"});
    } else if (waiting.until <= now) {
      over.push_back({session, "not resumed within " + std::to_string(options_.keep.count()) + " ms"});
    }
  }
  std::ranges::sort(over, {}, &Overdue::session);
  for (const Overdue& one : over) erase(one.session);
  return over;
}

std::optional<Instant> KeptSessions::next() const {
  std::optional<Instant> first;
  for (const auto& [session, waiting] : waiting_) {
    const Instant at = waiting.whole ? waiting.until : Instant{0};
    if (!first || at < *first) first = at;
  }
  return first;
}

const KeptSession* KeptSessions::find(SessionId session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : &found->second;
}

void KeptSessions::add(SessionId session, std::int32_t reference_id, std::shared_ptr<const std::string> body) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  const bool whole = found->second.add(reference_id, std::move(body), options_.limits);
  if (const auto waiting = waiting_.find(session); waiting != waiting_.end() && !whole) waiting->second.whole = false;
  if (!tracking_) return;
  changed_.insert(session);
  changes_.events.push_back({session, found->second.record().events.back()});
}

void KeptSessions::confirm(SessionId session, std::uint64_t number) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end() && found->second.confirm(number)) changed(session);
}

bool KeptSessions::take(SessionId session, std::uint64_t request_id) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return true;
  if (!found->second.take(request_id)) return false;
  changed(session);
  return true;
}

void KeptSessions::keep_changes(bool on) {
  tracking_ = on;
  changed_.clear();
  changes_ = {};
}

SessionChanges KeptSessions::take_changes() {
  for (const SessionId session : changed_) changes_.heads.push_back(sessions_.at(session).head());
  std::ranges::sort(changes_.heads, {}, &SessionHead::session);
  changed_.clear();
  return std::exchange(changes_, {});
}

std::vector<SessionRecord> KeptSessions::records() const {
  std::vector<SessionRecord> all;
  all.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) all.push_back(session.record());
  std::ranges::sort(all, {}, [](const SessionRecord& record) { return record.head.session; });
  return all;
}

void KeptSessions::replace_all(std::vector<SessionRecord> records) {
  sessions_.clear();
  by_token_.clear();
  waiting_.clear();
  keep_changes(tracking_);
  for (SessionRecord& record : records) {
    const SessionId id = record.head.session;
    last_id_ = std::max(last_id_, id.value);
    by_token_.emplace(record.head.token, id);
    sessions_.emplace(id, KeptSession(std::move(record)));
  }
}

void KeptSessions::apply(const SessionChanges& changes) {
  for (const SessionId session : changes.ended) end(session);
  for (const SessionHead& head : changes.heads) {
    if (sessions_.contains(head.session)) continue;
    last_id_ = std::max(last_id_, head.session.value);
    SessionRecord record;
    record.head = head;
    by_token_.emplace(head.token, head.session);
    sessions_.emplace(head.session, KeptSession(std::move(record)));
  }
  for (const SessionChanges::Added& added : changes.events) {
    if (const auto found = sessions_.find(added.session); found != sessions_.end())
      found->second.add_numbered(added.event, options_.limits);
  }
  for (const SessionHead& head : changes.heads) sessions_.at(head.session).set_head(head);
}

// Else a client that is gone for good would be kept for as long as the role passes often enough.
void KeptSessions::take_over(Now now) {
  waiting_.clear();
  const std::chrono::microseconds all = options_.keep, least = std::min(options_.keep, kLeftAtLeast);
  for (auto& [id, session] : sessions_) {
    if (session.head().alone_since == 0) session.set_alone_since(now.wall.count());
    const std::chrono::microseconds since{session.head().alone_since};
    const auto left = std::clamp(all - (now.wall - since), least, all);
    waiting_.emplace(id, Waiting{.until = now.steady + left, .told = session.head().last_number});
    changed(id);
  }
}

}  // namespace tandem::tserver
