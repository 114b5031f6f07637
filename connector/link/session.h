// One T-Server's connection, as the Connector sees it: a pure state machine over envelopes. Protocol:
// docs/cti-link-protocol.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/net/addp.h"
#include "connector/core/machine.h"
#include "proto/link.pb.h"

namespace tandem::connector {

inline constexpr std::uint32_t kLinkMajor = 1;
inline constexpr std::uint32_t kLinkMinor = 3;

// What our Hello says, and how long we wait.
struct LinkIdentity {
  std::string application, pool, version;
  std::uint64_t incarnation = 0;
  std::chrono::milliseconds addp_timeout{10000};  // silence after which the link is dead; polled at half of it; 0: off
  std::chrono::milliseconds addp_remote_timeout{10000};  // told in Hello
  std::chrono::milliseconds hello_timeout{5000};
};

// The fencing epoch: the highest that a primary has shown. One for all links of a Connector.
struct LinkFence {
  std::uint64_t epoch = 0;
};

class LinkSession {
 public:
  // What follows from an input, in this order.
  struct Effects {
    std::vector<link::Envelope> send;
    std::vector<Input> inputs;         // for the core
    std::optional<std::string> close;  // after `send`; why
    bool fence_raised = false;         // other sessions must be asked fenced()
  };

  LinkSession(LinkNo link, const LinkIdentity& identity, LinkFence& fence, Instant now);

  void start(Effects& out);  // our Hello
  void received(link::Envelope& envelope, Instant now, Effects& out);
  void check(Instant now, Effects& out);  // deadlines; call again at due()
  std::optional<Instant> due() const { return due_; }
  void fenced(Effects& out);  // closes if we are a primary whose epoch has been passed
  void goodbye(link::Goodbye::Reason reason, const std::string& text, Effects& out);
  void lost(Effects& out);  // the connection ended

  // Happenings before the Snapshot are in it already: they are not for this link.
  bool takes_happenings() const { return state_ == State::Open; }
  // Records of calls are in no Snapshot: all are told after the first one, and each that changes from then on.
  bool takes(const link::Happening& happening) const {
    return takes_happenings() || (opened_ && state_ == State::SnapshotDue && happening.has_call_data());
  }
  void snapshot(link::Snapshot&& snapshot, Effects& out);
  std::uint64_t next_sequence() { return ++sent_; }
  std::uint64_t epoch() const { return fence_.epoch; }

  LinkNo number() const { return link_; }
  const std::string& application() const { return application_; }
  bool primary() const { return primary_; }
  bool ended() const { return state_ == State::Ended; }

 private:
  enum class State { HelloDue, SnapshotDue, Open, Ended };
  void hello(const link::Hello& hello, std::uint64_t epoch, Instant now, Effects& out);
  void command(link::Envelope& envelope, Effects& out);
  link::Envelope& envelope(Effects& out);

  LinkNo link_;
  const LinkIdentity& identity_;
  LinkFence& fence_;
  State state_ = State::HelloDue;
  net::Addp addp_;
  Instant hello_due_;
  std::optional<Instant> due_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t epoch_ = 0;
  bool primary_ = false;
  bool told_core_ = false;
  bool opened_ = false;  // the first Snapshot went out
  std::string application_;
};

}  // namespace tandem::connector
