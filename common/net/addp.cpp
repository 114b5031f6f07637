#include "common/net/addp.h"

namespace tandem::net {

Addp::Step Addp::check(Instant now) {
  const Instant timeout = options_.timeout;
  if (timeout <= Instant::zero()) return {};
  if (polled_) {
    if (now >= poll_sent_ + timeout) return {What::Dead, Instant{0}, stamp_};
    return {What::Wait, poll_sent_ + timeout, stamp_};
  }
  if (now < heard_ + timeout) return {What::Wait, heard_ + timeout, stamp_};
  polled_ = true;
  poll_sent_ = now;
  return {What::Poll, now + timeout, ++stamp_};
}

}  // namespace tandem::net
