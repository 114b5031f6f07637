// The client's side of a session that outlives its connection: which events it has, which requests wait for an answer,
// and what a new connection says. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/tlib.pb.h"

namespace tandem::client {

class Continuity {
 public:
  // `token`: the name of the session, which nobody else can guess; a new one for each session.
  explicit Continuity(std::string token) : token_(std::move(token)) {}

  const std::string& token() const { return token_; }
  std::uint64_t last_seen() const { return last_seen_; }

  // A new session under the same name, at the server that has begun one: nothing of the former one is left.
  Continuity anew() const {
    Continuity next(token_);
    next.attempt_ = attempt_;
    return next;
  }

  // Writes into RequestRegisterClient what a new connection asks for: this session, after the last event.
  void ask(tlib::Message& open);

  // Makes the request this session's: its identity, and what is confirmed by it. It is held until it is answered.
  void add(tlib::Message& request);
  // Held, in their order: sent again on a new connection, after which they have had their effect once.
  std::vector<const tlib::Message*> unanswered();
  std::size_t waiting() const { return requests_.size(); }

  enum class Event {
    New,
    Repeated,  // seen already: to be passed over
    Missing    // one before it never came: the session can't be trusted any more
  };
  Event take(const tlib::Message& event);

  // StreamNumber to be put into what is sent now; says that it is confirmed with that.
  std::uint64_t confirm() { return confirmed_ = last_seen_; }
  std::uint64_t unconfirmed() const { return last_seen_ - confirmed_; }

 private:
  std::string token_;
  std::uint64_t attempt_ = 0;
  std::uint64_t session_ = 0;  // which one under this name, as its server numbers it
  std::uint64_t last_seen_ = 0;
  std::uint64_t confirmed_ = 0;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, tlib::Message> requests_;                   // by RequestID
  std::unordered_multimap<std::int32_t, std::uint64_t> answered_by_;  // ReferenceID -> RequestID
};

}  // namespace tandem::client
