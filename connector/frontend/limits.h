// How much one source address may ask of us: token buckets and temporary bans. Pure: time is told. Memory is bounded;
// when it is full the source unheard of for the longest time is forgotten.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/time.h"

namespace tandem::connector {

// Fills with `rate` tokens a second up to `burst`; starts full. Rate 0: never empty.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}
  bool take(Instant now);

 private:
  double rate_, burst_, tokens_;
  Instant last_{0};
  bool used_ = false;
};

struct SourceRules {
  double calls_per_second = 0;  // 0: no limit
  double calls_burst = 0;
  std::uint32_t failures = 0;  // failed authentications in a minute until the ban; 0: no ban
  std::chrono::seconds ban{60};
  std::size_t tracked = 20000;
};

class SourceLimits {
 public:
  explicit SourceLimits(SourceRules rules) : rules_(rules) {}
  void configure(SourceRules rules);

  bool banned(std::string_view ip, Instant now) const;
  // One more call of this source: false if it is over its rate.
  bool call(std::string_view ip, Instant now);
  // One more wrong password. True if this one began a ban.
  bool failed(std::string_view ip, Instant now);
  // It proved itself: its failures are forgotten.
  void proved(std::string_view ip);
  std::size_t size() const { return sources_.size(); }

 private:
  struct Known {
    std::string key;
    TokenBucket calls;
    TokenBucket failures;
    Instant banned_until{0};
  };
  using Order = std::list<Known>;
  Known& known(std::string_view ip);
  Known fresh(std::string key) const;

  SourceRules rules_;
  Order order_;  // latest first
  std::unordered_map<std::string_view, Order::iterator> sources_;
};

}  // namespace tandem::connector
