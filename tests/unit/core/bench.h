// Drives the core as the rooms around it would, and writes its actions as short lines, so that a test compares all of
// them.
//
//   in1, out1    legs, by who chose the number           P1, T1   parties, made by the Connector or by the T-Server
//   m1           media endpoints, 10.0.0.1:20000 and so on, two ports each
//   [0 PCMU, 101 telephone-event 0-16]  formats of a description or agreement
//
// Log lines and timers are kept apart (`logs`, `timers`).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "connector/core/machine.h"
#include "connector/core/offer_answer.h"

namespace tandem::connector::test {

using Lines = std::vector<std::string>;

constexpr std::uint64_t kTop = 1ULL << 63;
constexpr std::uint64_t kMade = 1ULL << 39;

inline LegId in(std::uint64_t n) {
  return LegId{n};
}
inline LegId out(std::uint64_t n) {
  return LegId{kTop | n};
}
constexpr std::uint64_t made(std::uint64_t n) {
  return kMade | n;
}  // by the Connector
constexpr std::uint64_t given(std::uint64_t n) {
  return kTop | n;
}  // by the T-Server

class FakeDirectory final : public Directory {
 public:
  std::vector<Target> resolve(const std::string& to, Unreachable& why) const override;
  std::vector<link::Registration> registrations(Now now) const override;
  std::map<std::string, std::vector<Target>> known;
  std::vector<link::Registration> held;
};

class FakeMedia final : public MediaAllocator {
 public:
  std::optional<Endpoint> open(const std::string& local_ip) override;
  std::uint64_t opened = 0;
  bool full = false;
};

// A description as a phone writes it.
struct Phone {
  std::string ip = "192.0.2.1";
  int port = 4000;
  std::string formats = "0 8 101";
  std::string attributes = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
  std::string direction = "sendrecv";
  int version = 1;
  std::string sdp() const;
};

class Bench {
 public:
  explicit Bench(CoreSettings settings = {}, bool linked = true);

  Lines step(Input input);
  Lines command(link::Command command);
  // Lets time pass, firing timers in order; their actions.
  Lines wait(std::chrono::milliseconds time);

  // Inputs and commands often used.
  Lines invited(LegId leg, std::optional<std::string> sdp, std::string to = "sip:support@tandem.test");
  Lines admit(std::uint64_t conversation, std::uint64_t party, link::Admit::Mode mode);
  Lines invite(std::uint64_t conversation, std::uint64_t party, std::string to, bool originator = false,
               std::uint32_t timeout_ms = 0);
  Lines remove(std::uint64_t conversation, std::uint64_t party, std::uint32_t status = 0, std::string reason = {});
  Lines release(std::uint64_t conversation, std::string reason = {});

  Lines hold(std::uint64_t conversation, std::uint64_t party, bool on = true);
  Lines join(std::uint64_t conversation, std::uint64_t party, std::uint64_t to);
  Lines merge(std::uint64_t conversation, std::uint64_t into);
  Lines audio(std::uint64_t conversation, std::uint64_t party, link::Audio audio);

  // A caller and bob, who talk: P2 on m1 and T1 on m2 in conversation P1, legs in1 and out1.
  void talking();
  // Somebody called into a conversation, who answers: leg out`leg`, at 192.0.2.`host`, G.711.
  Lines answered(std::uint64_t conversation, std::uint64_t party, std::string to, std::uint64_t leg, int host);

  void reachable(std::string dn, std::vector<std::pair<std::string, std::uint16_t>> contacts);

  Now now{std::chrono::hours(1), std::chrono::microseconds(0)};
  // On the heap, so that a Bench can be moved under its core.
  std::unique_ptr<FakeDirectory> directory_owner = std::make_unique<FakeDirectory>();
  std::unique_ptr<FakeMedia> media_owner = std::make_unique<FakeMedia>();
  FakeDirectory& directory = *directory_owner;
  FakeMedia& media = *media_owner;
  std::unique_ptr<Machine> core;
  TimerQueue timers;
  Actions last;  // of the last step, whole
  std::vector<std::string> logs;
  std::map<std::string, std::string> described;  // last description given to a leg, by its name
  std::uint64_t next_command = 1;

 private:
  void take(const Actions& actions, Lines& lines);
};

std::string name(LegId leg);
std::string party_name(std::uint64_t party);
std::string formats(const Payloads& payloads);
std::string line(const Action& action);  // empty for timers and log lines

}  // namespace tandem::connector::test
