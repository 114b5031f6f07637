// The role's place in etcd: what is asked of it, one question after the other. Pure.
//
// The role is a key that its holder's lease keeps; whoever creates it is primary. The holder's epoch is the revision at
// which the key was created, counted from a base: so it rises with each primary. The base is a second key, at first the
// time in milliseconds, and written anew with each primary if time is ahead: so epochs rise, too, when the
// store was emptied, or when another arbiter decided meanwhile.
//
// The time for which the role is held is counted from before the question was sent, so it is over before the lease is.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "tserver/standby/etcd_json.h"
#include "tserver/standby/role_machine.h"

namespace tandem::tserver {

struct EtcdOptions {
  etcd::Keys keys;
  std::string application;        // ours, the key's value
  std::uint64_t ttl_seconds = 2;  // etcd may make it longer
};

class EtcdSeat {
 public:
  // A Post is answered by answered(), before the next one is asked for; a RoleInput is the arbiter's answer.
  using Effect = std::variant<etcd::Post, RoleInput>;
  using Effects = std::vector<Effect>;

  explicit EtcdSeat(EtcdOptions options) : options_(std::move(options)) {}

  void acquire(Now now, Effects& out);
  void renew(Now now, Effects& out);
  void release(Now now, Effects& out);
  void answered(const Result<etcd::Reply, Failure>& reply, Now now, Effects& out);
  // Nothing is being given back.
  bool idle() const { return step_ == Step::None || give_back_ == 0; }

 private:
  enum class Step { None, Looking, Granting, Taking, Checking, Keeping, Revoking };
  enum class Wish { None, Acquire, Renew };

  void go_on(Now now, Effects& out);
  void ask(Step step, etcd::Post post, Now now, Effects& out);
  void fulfil(RoleInput input, Effects& out);
  void looked(std::string_view body, Now now, Effects& out);
  void leased(std::string_view body, Now now, Effects& out);
  void taken(std::string_view body, Effects& out);
  void checked(std::string_view body, Now now, Effects& out);
  void kept(std::string_view body, Effects& out);
  void revoked(const Result<etcd::Reply, Failure>& reply, Now now, Effects& out);
  void failed(const std::string& why, Effects& out);
  void abandon();

  const EtcdOptions options_;
  Step step_ = Step::None;
  Wish wish_ = Wish::None;
  Instant asked_{0};
  std::uint64_t lease_ = 0;       // ours, with or without the role
  std::uint64_t created_ = 0;     // revision of our key; 0: we don't hold the role
  std::uint64_t last_taken_ = 0;  // revision at which we took it last
  std::uint64_t give_back_ = 0;   // a lease of ours that is to end
  Instant given_back_{0};         // about since then
  int tries_ = 0;                 // at that, in a row
  Instant until_{0};              // our new lease ends then
  etcd::Seen seen_;
};

}  // namespace tandem::tserver
