// The T-Server's side of one CTI link, from the connection to its end. Pure: envelopes and time in, effects out;
// whoever drives it sends, closes, and asks check() again when told.
//
// Both sides say Hello, the Connector sends its Snapshot, and then the link is up. Anything out of order, another major
// version, or a gap in the sequence numbers ends it with a Goodbye that says why. A T-Server whose role changes says
// Hello again; one that becomes primary is sent a new Snapshot, and until that has come the link is not up.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/net/addp.h"
#include "proto/link.pb.h"

namespace tandem::tserver {

inline constexpr std::uint32_t link_major = 1;
inline constexpr std::uint32_t link_minor = 3;

struct LinkSessionOptions {
  link::Hello hello;        // what we say of ourselves; the session adds protocol version and heartbeat times
  std::uint64_t epoch = 0;  // fencing epoch of our role
  std::chrono::milliseconds addp_timeout{5000};         // silence after which the link is dead; 0: off
  std::chrono::milliseconds addp_remote_timeout{5000};  // the same, asked of the Connector
  std::chrono::milliseconds open_timeout{10000};        // until the Snapshot has come
};

class LinkSession {
 public:
  struct Send {
    link::Envelope envelope;
  };
  struct Up {
    link::Hello hello;
    link::Snapshot snapshot;
  };
  struct Happening {
    link::Happening happening;
  };
  // The last effect: close the connection once what was sent has left.
  struct Over {
    std::string why;
    bool fenced = false;
    bool dead = false;  // nothing sent would arrive any more
  };
  using Effect = std::variant<Send, Up, Happening, Over>;
  using Effects = std::vector<Effect>;

  explicit LinkSession(LinkSessionOptions options) : options_(std::move(options)) {}

  void connected(Instant now, Effects& out);
  void received(link::Envelope envelope, Instant now, Effects& out);
  void malformed(Effects& out);  // a frame that is no envelope
  // Deadlines and heartbeats. Returns when to ask again; 0: no need.
  Instant check(Instant now, Effects& out);
  // False: the link isn't up, the command is lost.
  bool command(link::Command command, Effects& out);
  // Our role is another now. Becoming primary: Up follows anew.
  void role(link::Role role, std::uint64_t epoch, Instant now, Effects& out);
  // Asks for an answer at once, to know how long one takes.
  void measure(Instant now, Effects& out);
  // The last answer to measure() took so long; 0: none came yet.
  Instant round_trip() const { return round_trip_; }
  void goodbye(link::Goodbye::Reason reason, const std::string& text, Effects& out);

  bool up() const { return state_ == State::Up; }

 private:
  enum class State { Closed, AwaitHello, AwaitSnapshot, Up };

  link::Envelope& send(Effects& out);
  void say_hello(Effects& out);
  void hello(const link::Hello& hello, Effects& out);
  void snapshot(link::Envelope& envelope, Instant now, Effects& out);
  void over(std::string why, Effects& out, bool fenced = false);

  LinkSessionOptions options_;
  State state_ = State::Closed;
  std::uint64_t sent_ = 0;      // sequence number of the last envelope sent
  std::uint64_t received_ = 0;  // and of the last one received
  Instant deadline_{0};         // of the opening
  bool again_ = false;          // the Snapshot awaited isn't the first: happenings before it count no more
  bool hello_owed_ = false;     // our role changed while a Snapshot was on its way
  std::optional<net::Addp> addp_;
  Instant asked_at_{0};  // measure()
  Instant round_trip_{0};
  link::Hello peer_;
};

}  // namespace tandem::tserver
