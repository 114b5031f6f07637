#include "connector/core/session_timer.h"

#include <algorithm>

namespace tandem::connector {
namespace {

std::uint32_t floor_of(const CoreSettings& settings) {
  return std::max(settings.min_se_s, kMinSe);
}

}  // namespace

Instant SessionExpiry::ends_after() const {
  const std::chrono::seconds expires(expires_s);
  if (we_refresh) return expires;
  return expires - std::min(std::chrono::seconds(32), expires / 3);
}

bool too_small(const SessionTimer& request, const CoreSettings& settings) {
  // Without "timer" in Supported an element between us inserted it: the caller couldn't act on a 422.
  return request.supported && request.expires_s != 0 && request.expires_s < floor_of(settings);
}

SessionAnswer answer_timer(const SessionTimer& request, const CoreSettings& settings) {
  SessionAnswer answer;
  if (request.expires_s == 0 && settings.session_expires_s == 0) return answer;
  std::uint32_t expires = request.expires_s ? request.expires_s : settings.session_expires_s;
  if (request.expires_s && settings.session_expires_s) expires = std::min(expires, settings.session_expires_s);
  expires = std::max({expires, request.min_se_s, floor_of(settings)});
  auto refresher = request.refresher;
  if (!request.supported) {
    refresher = SessionTimer::Refresher::Uas;
  } else if (refresher == SessionTimer::Refresher::Unspecified) {
    refresher = SessionTimer::Refresher::Uac;
  }
  answer.response.expires_s = expires;
  answer.response.refresher = refresher;
  answer.response.supported = request.supported;
  answer.expiry.expires_s = expires;
  answer.expiry.we_refresh = refresher == SessionTimer::Refresher::Uas;
  return answer;
}

SessionExpiry timer_answered(const SessionTimer& response, std::uint32_t asked_s) {
  if (response.expires_s != 0) {
    // Below the floor no element may go; a peer that does would have us refresh all the time.
    return SessionExpiry{std::max(response.expires_s, kMinSe), response.refresher != SessionTimer::Refresher::Uas};
  }
  // The party knows no session timers: we may refresh alone, and so notice when it is gone (section 7.2).
  return SessionExpiry{asked_s, true};
}

}  // namespace tandem::connector
