#include "connector/frontend/limits.h"

#include <algorithm>

#include "connector/frontend/address.h"

namespace tandem::connector {

bool TokenBucket::take(Instant now) {
  if (rate_ <= 0) return true;
  if (used_ && now > last_) {
    tokens_ = std::min(burst_, tokens_ + rate_ * std::chrono::duration<double>(now - last_).count());
  }
  if (!used_ || now > last_) last_ = now;
  used_ = true;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void SourceLimits::configure(SourceRules rules) {
  rules_ = rules;
  sources_.clear();
  order_.clear();
}

SourceLimits::Known SourceLimits::fresh(std::string key) const {
  const double failures = rules_.failures;
  return {std::move(key), TokenBucket(rules_.calls_per_second, std::max(rules_.calls_burst, 1.0)),
          TokenBucket(failures / 60.0, failures), Instant{0}};
}

SourceLimits::Known& SourceLimits::known(std::string_view ip) {
  std::string key = source_key(ip);
  if (const auto it = sources_.find(key); it != sources_.end()) {
    order_.splice(order_.begin(), order_, it->second);
    return *it->second;
  }
  if (sources_.size() >= std::max<std::size_t>(rules_.tracked, 1)) {
    sources_.erase(order_.back().key);
    order_.pop_back();
  }
  order_.push_front(fresh(std::move(key)));
  sources_.emplace(order_.front().key, order_.begin());
  return order_.front();
}

bool SourceLimits::banned(std::string_view ip, Instant now) const {
  if (sources_.empty()) return false;
  const auto it = sources_.find(source_key(ip));
  return it != sources_.end() && it->second->banned_until > now;
}

bool SourceLimits::call(std::string_view ip, Instant now) {
  if (rules_.calls_per_second <= 0) return true;
  return known(ip).calls.take(now);
}

bool SourceLimits::failed(std::string_view ip, Instant now) {
  if (rules_.failures == 0) return false;
  Known& source = known(ip);
  if (source.banned_until > now || source.failures.take(now)) return false;
  source.banned_until = now + rules_.ban;
  return true;
}

void SourceLimits::proved(std::string_view ip) {
  if (sources_.empty()) return;
  if (const auto it = sources_.find(source_key(ip)); it != sources_.end()) {
    const double failures = rules_.failures;
    it->second->failures = TokenBucket(failures / 60.0, failures);
  }
}

}  // namespace tandem::connector
