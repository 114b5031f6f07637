#include "connector/core/conference_pool.h"

namespace tandem::connector {

// A number that none has: each once before any comes again.
std::optional<std::uint32_t> ConferencePool::unused(const ConferencePolicy& policy) {
  if (made_ < policy.count) return ++made_;
  if (released_.empty()) return std::nullopt;
  const auto number = released_.front();
  released_.pop_front();
  return number;
}

void ConferencePool::top_up(const ConferencePolicy& policy, Instant now) {
  while (!ready_.empty() && now - ready_.front().made >= policy.lifetime) {
    released_.push_back(ready_.front().number);
    ready_.pop_front();
  }
  while (ready_.size() < policy.ready) {
    const auto number = unused(policy);
    if (!number) return;
    ready_.push_back(Conference{*number, 0, now});
  }
}

std::optional<ConferencePool::Conference> ConferencePool::take(const ConferencePolicy& policy, Instant now) {
  top_up(policy, now);
  Conference taken{0, 0, now};
  if (!ready_.empty()) {
    taken = ready_.front();
    ready_.pop_front();
  } else if (const auto number = unused(policy)) {
    taken.number = *number;
  } else {
    return std::nullopt;
  }
  ++taken.uses;
  top_up(policy, now);
  return taken;
}

void ConferencePool::hold(std::uint32_t number) {
  while (made_ < number) {
    if (++made_ != number) released_.push_back(made_);
  }
  std::erase(released_, number);
  std::erase_if(ready_, [&](const Conference& one) { return one.number == number; });
}

void ConferencePool::give_back(const Conference& conference, const ConferencePolicy& policy, Instant now) {
  const bool worn = policy.uses != 0 && conference.uses >= policy.uses;
  if (!policy.keep || worn || now - conference.made >= policy.lifetime) {
    released_.push_back(conference.number);
  } else {
    ready_.push_back(conference);
  }
}

}  // namespace tandem::connector
