#include "common/net/addp.h"

namespace tandem::net {

Addp::Step Addp::check(Instant now) {
  const Instant timeout = options_.timeout;
  if (timeout <= Instant::zero()) return {};
  const Instant dead = heard_ + timeout;
  if (now >= dead && polled_) return {What::Dead, Instant{0}, stamp_};
  const Instant poll = heard_ + timeout / 2;
  if (now < poll) return {What::Wait, poll, 0};
  if (polled_) return {What::Wait, dead, 0};
  // Asked late (the process was stopped, say): the other side gets its half of the time all the same.
  if (now > poll) heard_ = now - timeout / 2;
  polled_ = true;
  return {What::Poll, heard_ + timeout, ++stamp_};
}

}  // namespace tandem::net
