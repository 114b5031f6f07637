#include "tserver/client/continuity.h"

#include <algorithm>

namespace tandem::client {

void Continuity::ask(tlib::Message& open) {
  open.set_sessiontoken(token_);
  open.set_sessionattempt(++attempt_);
  if (session_ != 0) open.set_sessionid(session_);
  if (last_seen_ > 0) open.set_streamnumber(confirm());
}

void Continuity::add(tlib::Message& request) {
  request.set_requestid(++last_request_);
  if (last_seen_ > 0) request.set_streamnumber(confirm());
  if (!request.has_referenceid()) return;  // nothing will tell that it is answered
  answered_by_.emplace(request.referenceid(), last_request_);
  requests_.emplace(last_request_, request);
}

std::vector<const tlib::Message*> Continuity::unanswered() {
  std::vector<const tlib::Message*> all;
  all.reserve(requests_.size());
  for (auto& [id, request] : requests_) {
    if (last_seen_ > 0) request.set_streamnumber(confirm());
    all.push_back(&request);
  }
  return all;
}

Continuity::Event Continuity::take(const tlib::Message& event) {
  if (event.has_streamnumber()) {
    if (event.streamnumber() <= last_seen_) return Event::Repeated;
    if (event.streamnumber() != last_seen_ + 1) return Event::Missing;
    last_seen_ = event.streamnumber();
  }
  if (session_ == 0 && event.has_sessiontoken()) session_ = event.sessionid();
  if (event.has_referenceid()) {
    const auto [first, end] = answered_by_.equal_range(event.referenceid());
    // Of several with one ReferenceID the earliest is answered first.
    const auto request = std::min_element(first, end, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (request != end) {
      requests_.erase(request->second);
      answered_by_.erase(request);
    }
  }
  return Event::New;
}

}  // namespace tandem::client
