#include "tserver/standby/etcd_arbiter.h"

#include <utility>

namespace tandem::tserver {

EtcdArbiter::EtcdArbiter(EtcdOptions options, std::unique_ptr<JsonPost> gateway, Clock clock, Answer answer)
    : seat_(std::move(options)), gateway_(std::move(gateway)), clock_(std::move(clock)), answer_(std::move(answer)) {}

void EtcdArbiter::acquire() {
  EtcdSeat::Effects effects;
  seat_.acquire(clock_(), effects);
  carry_out(effects);
}

void EtcdArbiter::renew() {
  EtcdSeat::Effects effects;
  seat_.renew(clock_(), effects);
  carry_out(effects);
}

void EtcdArbiter::release() {
  EtcdSeat::Effects effects;
  seat_.release(clock_(), effects);
  carry_out(effects);
}

void EtcdArbiter::carry_out(const EtcdSeat::Effects& effects) {
  for (const auto& effect : effects) {
    if (const auto* input = std::get_if<RoleInput>(&effect)) {
      answer_(*input);
    } else if (const auto* post = std::get_if<etcd::Post>(&effect)) {
      gateway_->post(post->path, post->body, [this](Result<HttpReply, Failure> reply) {
        EtcdSeat::Effects next;
        Result<etcd::Reply, Failure> told = Failure{};
        if (reply) {
          told = etcd::Reply{reply->status, std::move(reply->body)};
        } else {
          told = reply.error();
        }
        seat_.answered(told, clock_(), next);
        carry_out(next);
      });
    }
  }
}

}  // namespace tandem::tserver
