#include "tserver/standby/etcd_seat.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tandem::tserver {
namespace {

// To give a lease back, in a row; then at each question, until it has ended by itself in any case: a new leader of etcd
// lets every lease live on for its whole time and an election timeout, and the role with it.
constexpr int kTries = 3;
constexpr Instant kGiveBackFor = std::chrono::seconds(30);
constexpr std::uint32_t kServerError = 500;  // and above: nobody leads, for instance

Instant seconds(std::uint64_t count) {
  constexpr std::uint64_t kLongest = 86400;
  return std::chrono::seconds(std::min(count, kLongest));
}

}  // namespace

void EtcdSeat::acquire(Now now, Effects& out) {
  wish_ = Wish::Acquire;
  go_on(now, out);
}

void EtcdSeat::renew(Now now, Effects& out) {
  wish_ = Wish::Renew;
  go_on(now, out);
}

void EtcdSeat::release(Now now, Effects& out) {
  abandon();
  go_on(now, out);
}

// The lease, and the role with it, is ours no more, whatever etcd says yet.
void EtcdSeat::abandon() {
  created_ = 0;
  if (lease_ == 0) return;
  give_back_ = std::exchange(lease_, 0);
  given_back_ = asked_;
  tries_ = 0;
}

void EtcdSeat::go_on(Now now, Effects& out) {
  if (step_ != Step::None) return;
  if (give_back_ != 0) return ask(Step::Revoking, etcd::revoke(give_back_), now, out);
  if (wish_ == Wish::Acquire) return ask(Step::Looking, etcd::look(options_.keys), now, out);
  if (wish_ == Wish::None) return;
  if (created_ == 0) return fulfil(RoleLost{"the role was given back"}, out);
  ask(Step::Checking, etcd::look(options_.keys), now, out);
}

void EtcdSeat::ask(Step step, etcd::Post post, Now now, Effects& out) {
  step_ = step;
  asked_ = now.steady;
  out.emplace_back(std::move(post));
}

void EtcdSeat::fulfil(RoleInput input, Effects& out) {
  step_ = Step::None;
  wish_ = Wish::None;
  out.emplace_back(std::move(input));
}

void EtcdSeat::answered(const Result<etcd::Reply, Failure>& reply, Now now, Effects& out) {
  const Step step = std::exchange(step_, Step::None);
  if (step == Step::Revoking) return revoked(reply, now, out);
  if (!reply || reply->status != 200) {
    failed(reply ? etcd::read_error(reply->status, reply->body) : reply.error().text, out);
  } else {
    switch (step) {
      case Step::Looking:
        looked(reply->body, now, out);
        break;
      case Step::Granting:
        leased(reply->body, now, out);
        break;
      case Step::Taking:
        taken(reply->body, out);
        break;
      case Step::Checking:
        checked(reply->body, now, out);
        break;
      case Step::Keeping:
        kept(reply->body, out);
        break;
      case Step::None:
      case Step::Revoking:
        break;
    }
  }
  go_on(now, out);
}

// Whether a question that wasn't answered was carried out isn't known; while the role isn't ours, our lease isn't
// needed.
void EtcdSeat::failed(const std::string& why, Effects& out) {
  if (created_ == 0) abandon();
  fulfil(ArbiterSilent{why}, out);
}

void EtcdSeat::revoked(const Result<etcd::Reply, Failure>& reply, Now now, Effects& out) {
  // Done, or there is no such lease any more.
  const bool done = reply && reply->status < kServerError;
  if (done || asked_ - given_back_ > kGiveBackFor) give_back_ = 0;
  if (!done && wish_ != Wish::None)
    return failed(reply ? etcd::read_error(reply->status, reply->body) : reply.error().text, out);
  if (done || ++tries_ < kTries) go_on(now, out);
}

void EtcdSeat::looked(std::string_view body, Now now, Effects& out) {
  const auto seen = etcd::read_look(options_.keys, body);
  if (!seen) return failed(seen.error().text, out);
  if (!seen->holder.empty()) return fulfil(RoleHeld{seen->holder}, out);
  seen_ = *seen;
  ask(Step::Granting, etcd::grant(options_.ttl_seconds), now, out);
}

void EtcdSeat::leased(std::string_view body, Now now, Effects& out) {
  const auto lease = etcd::read_grant(body);
  if (!lease) return failed(lease.error().text, out);
  lease_ = lease->id;
  until_ = asked_ + seconds(lease->ttl_seconds);
  const auto wall = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now.wall).count());
  if (wall > seen_.base + seen_.revision) seen_.base = wall;
  ask(Step::Taking, etcd::take(options_.keys, {options_.application, lease_, seen_.base, seen_.base_changed}), now,
      out);
}

void EtcdSeat::taken(std::string_view body, Effects& out) {
  const auto taken = etcd::read_take(body);
  if (!taken) return failed(taken.error().text, out);
  if (!taken->done || lease_ == 0) {  // or it was given back meanwhile
    abandon();
    return fulfil(RoleHeld{"another T-Server that takes it just now"}, out);
  }
  // The base is written by whoever takes the role, at the same revision.
  const bool again = last_taken_ != 0 && seen_.base_changed == last_taken_;
  created_ = last_taken_ = taken->revision;
  fulfil(RoleGranted{seen_.base + created_, until_, again}, out);
}

void EtcdSeat::checked(std::string_view body, Now now, Effects& out) {
  const auto seen = etcd::read_look(options_.keys, body);
  if (!seen) return failed(seen.error().text, out);
  if (created_ == 0) return;  // given back meanwhile: told in a moment
  if (seen->created != created_) {
    abandon();
    return fulfil(RoleLost{seen->holder.empty() ? "etcd has no holder of the role any more"
                                                : seen->holder + " has taken the role"},
                  out);
  }
  ask(Step::Keeping, etcd::keep(lease_), now, out);
}

void EtcdSeat::kept(std::string_view body, Effects& out) {
  const auto lease = etcd::read_keep(body);
  if (!lease) return failed(lease.error().text, out);
  if (created_ == 0) return;
  if (lease->ttl_seconds == 0) {
    lease_ = 0;
    created_ = 0;
    return fulfil(RoleLost{"the lease has ended"}, out);
  }
  fulfil(RoleRenewed{asked_ + seconds(lease->ttl_seconds)}, out);
}

}  // namespace tandem::tserver
