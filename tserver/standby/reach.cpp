#include "tserver/standby/reach.h"

namespace tandem::tserver {

bool ReachWatch::look(const Reach& reach, Instant now) {
  if (!reach.primary) {
    primary_since_.reset();
    cut_off_since_.reset();
    return false;
  }
  if (!primary_since_) primary_since_ = now;
  if (reach.links > 0 || !reach.caught_up || reach.its_links == 0) {
    cut_off_since_.reset();
    return false;
  }
  if (!cut_off_since_) cut_off_since_ = now;
  if (wait_ == Instant{0} || now - *cut_off_since_ < wait_ || now - *primary_since_ < 3 * wait_) return false;
  primary_since_ = now;  // if it is not given up after all, it rests, too
  cut_off_since_.reset();
  return true;
}

}  // namespace tandem::tserver
