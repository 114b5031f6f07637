#include "tserver/clients/kept_session.h"

#include <utility>

namespace tandem::tserver {

KeptSession::KeptSession(SessionRecord record) : record_(std::move(record)) {
  for (const SessionEvent& event : record_.events) bytes_ += event.body->size();
}

bool KeptSession::add(std::int32_t reference_id, std::shared_ptr<const std::string> body, const KeptLimits& limits) {
  bytes_ += body->size();
  record_.events.push_back({++record_.head.last_number, reference_id, std::move(body)});
  return bound(limits);
}

bool KeptSession::add_numbered(SessionEvent event, const KeptLimits& limits) {
  const std::uint64_t last = record_.events.empty() ? record_.head.confirmed : record_.events.back().number;
  if (event.number != last + 1 && !(record_.events.empty() && event.number > last)) return false;
  bytes_ += event.body->size();
  record_.head.last_number = event.number;
  record_.events.push_back(std::move(event));
  bound(limits);
  return true;
}

void KeptSession::pop() {
  bytes_ -= record_.events.front().body->size();
  record_.events.pop_front();
}

bool KeptSession::bound(const KeptLimits& limits) {
  bool whole = true;
  while (record_.events.size() > limits.events || (bytes_ > limits.bytes && record_.events.size() > 1)) {
    pop();
    whole = false;
  }
  return whole;
}

bool KeptSession::confirm(std::uint64_t number) {
  if (number <= record_.head.confirmed || number > record_.head.last_number) return false;
  record_.head.confirmed = number;
  while (!record_.events.empty() && record_.events.front().number <= number) pop();
  return true;
}

bool KeptSession::take(std::uint64_t request_id) {
  if (request_id <= record_.head.last_request) return false;
  record_.head.last_request = request_id;
  return true;
}

bool KeptSession::attempt(std::uint64_t number) {
  if (number == 0) return true;
  if (number <= record_.head.attempt) return false;
  record_.head.attempt = number;
  return true;
}

bool KeptSession::can_resume(std::uint64_t last_seen) const {
  if (last_seen > record_.head.last_number) return false;
  if (last_seen == record_.head.last_number) return true;
  return !record_.events.empty() && record_.events.front().number <= last_seen + 1;
}

const SessionEvent* KeptSession::after(std::uint64_t last_seen) const {
  if (record_.events.empty() || record_.events.back().number <= last_seen) return nullptr;
  const std::uint64_t first = record_.events.front().number;
  return &record_.events[last_seen < first ? 0 : last_seen + 1 - first];
}

void KeptSession::set_head(const SessionHead& head) {
  record_.head = head;
  while (!record_.events.empty() && record_.events.front().number <= head.confirmed) pop();
}

}  // namespace tandem::tserver
