// The arbiter of a pair on several hosts: etcd. EtcdSeat asks, JsonPost carries the questions.
#pragma once

#include <functional>
#include <memory>

#include "tserver/standby/arbiter.h"
#include "tserver/standby/etcd_seat.h"
#include "tserver/standby/json_post.h"

namespace tandem::tserver {

class EtcdArbiter final : public Arbiter {
 public:
  using Clock = std::function<Now()>;

  EtcdArbiter(EtcdOptions options, std::unique_ptr<JsonPost> gateway, Clock clock, Answer answer);

  void acquire() override;
  void renew() override;
  void release() override;
  bool idle() const override { return seat_.idle(); }

 private:
  void carry_out(const EtcdSeat::Effects& effects);

  EtcdSeat seat_;
  std::unique_ptr<JsonPost> gateway_;
  Clock clock_;
  Answer answer_;
};

}  // namespace tandem::tserver
