// Counts what passes between the rooms, for the metrics. One thread's, the core's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/metrics/histogram.h"
#include "connector/core/machine.h"
#include "connector/media/media_room.h"

namespace tandem::connector {

class Meter {
 public:
  void took(const Input& input);           // before the core does
  void made(const Action& action);         // before it is carried out
  void closed(const MediaClosed& stream);  // a party's media has ended
  // Requests that never get to the core: answered by the front end, or refused by it.
  void answered(const std::string& method, int status);

  // By method and direction: "in" from phones and trunks, "out" to them. Requests of dialogs count where they mean
  // something to the core.
  const std::map<std::pair<std::string, std::string>, std::uint64_t>& requests() const { return requests_; }
  // Final responses by method, direction and status.
  struct Answered {
    std::string method, direction;
    int status;
    auto operator<=>(const Answered&) const = default;
  };
  const std::map<Answered, std::uint64_t>& answers() const { return answers_; }
  std::uint64_t calls() const { return calls_; }  // offered or originated
  // Of streams that ended: interarrival jitter in seconds (RFC 3550 6.4.1), and the share of packets missing.
  const metrics::Histogram& jitter() const { return jitter_; }
  const metrics::Histogram& loss() const { return loss_; }
  std::size_t links() const { return links_.size(); }
  std::size_t primaries() const;

 private:
  void request(const char* method, const char* direction) { ++requests_[{method, direction}]; }
  void answer(const char* method, const char* direction, int status) {
    if (status >= 200) ++answers_[{method, direction, status}];
  }

  std::map<std::pair<std::string, std::string>, std::uint64_t> requests_;
  std::map<Answered, std::uint64_t> answers_;
  std::map<LinkNo, bool> links_;  // open ones; primary?
  std::uint64_t calls_ = 0;
  metrics::Histogram jitter_{{0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1}};
  metrics::Histogram loss_{{0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1}};
};

}  // namespace tandem::connector
