// Conference addresses of this Connector: made ahead of need, kept after a call, let go when they have grown old
// (MMC-230, MMC-231). Pure; an address is its number in ConferenceNames.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "common/base/time.h"

namespace tandem::connector {

struct ConferencePolicy {
  std::uint32_t count = 0;  // numbers there are, from 1 on
  std::size_t ready = 0;    // how many wait made
  bool keep = true;         // a used one serves later calls
  std::uint32_t uses = 0;   // calls one serves before it is made anew, 0: any number
  Instant lifetime{std::chrono::hours(8)};
};

class ConferencePool {
 public:
  struct Conference {
    std::uint32_t number = 0;
    std::uint32_t uses = 0;  // calls it has served, this one included
    Instant made{0};
  };

  // The oldest that is ready, else one made now. None: all are in use.
  std::optional<Conference> take(const ConferencePolicy& policy, Instant now);
  // In use already: of a call that was here before.
  void hold(std::uint32_t number);
  void give_back(const Conference& conference, const ConferencePolicy& policy, Instant now);
  // Makes ahead what is missing and lets go what is too old.
  void top_up(const ConferencePolicy& policy, Instant now);
  std::size_t ready() const { return ready_.size(); }

 private:
  std::optional<std::uint32_t> unused(const ConferencePolicy& policy);

  std::deque<Conference> ready_;
  std::deque<std::uint32_t> released_;  // numbers that were made once
  std::uint32_t made_ = 0;              // highest number ever made
};

}  // namespace tandem::connector
