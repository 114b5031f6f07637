// The rooms put together: carries values from each room to the core and the core's actions, in order, to the rooms.
// Holds no behaviour of its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/http/operator_port.h"
#include "common/log/hide.h"
#include "common/log/log.h"
#include "connector/core/machine.h"
#include "connector/frontend/front_end.h"
#include "connector/link/room.h"
#include "connector/media/media_room.h"
#include "connector/program/meter.h"
#include "connector/program/settings.h"
#include "connector/sip/loop.h"
#include "connector/sip/room.h"
#include "connector/store/keeper.h"
#include "connector/store/store.h"

namespace tandem::connector {

struct EngineSettings {
  SipSettings sip;
  LinkSettings link;
  MediaSettings media;
  FrontEndSettings front_end;
  CoreSettings core;
  HiddenHeaders hidden_headers{true, {}};  // of link messages in the log; in force from the start
  std::optional<http::ServerOptions> http;
  KeepSettings keep;
};

class Engine final : private http::Operated {
 public:
  Engine(EngineSettings settings, Logger& log);
  ~Engine() override;  // stops at once
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Opens every port; a Failure names the one that could not be.
  Result<void, Failure> start();
  // What can change while running: DNs, trunks, limits, timers.
  void configure(EngineSettings settings);
  // Takes no new calls, ends those that are up, says goodbye to the T-Servers. Returns when that is done or at
  // `deadline`.
  void stop(std::chrono::milliseconds deadline);

  // An operator's order by HTTP to end, at once or when idle; from the SIP thread.
  void on_order(std::function<void(bool force)> order) { order_ = std::move(order); }
  // More for the metrics, from whoever has it; asked in the SIP thread. Before start().
  void on_metrics(std::function<void(metrics::Exposition&)> more) { more_metrics_ = std::move(more); }
  // From now on no new calls and registrations are taken (503), and the T-Servers are told (MMC-274).
  void drain();
  // Calls and parties that are left.
  std::size_t left();

 private:
  // Tells the core's side of what the registrar changed.
  class Door final : public Admission {
   public:
    explicit Door(Engine& engine) : engine_(engine) {}
    Reply registered(const RegisterAsked& asked, Now now) override;
    std::variant<Caller, Reply> invited(const RequestFacts& facts, Now now) override;
    std::string called(const RequestFacts& facts) const override;
    std::optional<Reply> referred(const Caller& by, const std::string& to) override;
    bool believed(const Origin& origin) const override;
    std::optional<Forwarding> forward(const RouteAsked& asked) const override;
    bool welcome(const Origin& origin, Now now) override;
    void connection_closed(const Origin& origin) override;

   private:
    Engine& engine_;
  };

  // All in the SipLoop's thread.
  void take(Input input);
  void carry_out(Actions& actions);
  void registrations_changed();
  void front_end_said();
  void timer(const TimerKey& key);
  Result<void, Failure> open_operator_port();
  void note_certificates();

  // http::Operated
  void add_metrics(metrics::Exposition& out) override;
  http::Standing standing() override;
  std::string end(bool force) override;
  Result<void, Failure> open_sip();
  bool add_dialogs(KeptChange& change);
  CallsKept kept_calls();
  void restore_phones(const std::vector<ha::Record>& records);
  void keep();
  void tell(const KeptBytes& bytes, bool first);

  void act(SendInvite& a) { sip_->perform(a); }
  void act(Answer& a) { sip_->perform(a); }
  void act(SendCancel& a) { sip_->perform(a); }
  void act(TakeCancel& a) { sip_->perform(a); }
  void act(SendBye& a) { sip_->perform(a); }
  void act(SendReinvite& a) { sip_->perform(a); }
  void act(AnswerReinvite& a) { sip_->perform(a); }
  void act(ForgetLeg& a) { sip_->perform(a); }
  void act(RestoreLeg& a) { sip_->perform(a); }
  void act(DropLeg& a) { sip_->perform(a); }
  void act(TurnLeg& a) { sip_->perform(a); }
  void act(MediaConnect& a) { media_->handle(std::move(a)); }
  void act(AnswerRefer& a) { sip_->perform(a); }
  void act(NotifyRefer& a) { sip_->perform(a); }
  void act(SendTalk& a) { sip_->perform(a); }
  void act(AnswerSubscription& a) { sip_->perform(a); }
  void act(NotifyConference& a) { sip_->perform(a); }
  void act(MediaScene& a) { media_->handle(std::move(a)); }
  void act(MediaPlay& a) { media_->handle(std::move(a)); }
  void act(MediaRecord& a) { media_->handle(std::move(a)); }
  void act(MediaDigits& a) { media_->handle(std::move(a)); }
  void act(MediaClose& a) { media_->handle(std::move(a)); }
  void act(Report& a);
  void act(SendSnapshot& a) {
    a.snapshot.set_draining(draining_);
    link_->perform(std::move(a));
  }
  void act(LearnLocation& a);
  void act(SetCoreTimer& a) { loop_.set_timer(a.key, a.at); }
  void act(CancelCoreTimer& a) { loop_.cancel_timer(a.key); }
  void act(CoreLog& a) { log_.write(a.level, a.text); }

  EngineSettings settings_;
  Logger& log_;
  std::uint64_t incarnation_;
  SipLoop loop_;
  FrontEnd front_end_;
  Door door_;
  std::unique_ptr<MediaRoom> media_;
  std::unique_ptr<Machine> core_;
  std::unique_ptr<SipRoom> sip_;
  std::unique_ptr<LinkRoom> link_;
  Meter meter_;
  std::function<void(bool)> order_;
  std::function<void(metrics::Exposition&)> more_metrics_;
  std::vector<std::pair<std::string, std::chrono::seconds>> certificates_;  // in force: file and end
  Keeper keeper_;
  Keeper phones_kept_;
  std::unique_ptr<Store> store_;
  std::chrono::microseconds in_reach_until_{0};  // wall clock: of a primary T-Server, the process before this one
  std::vector<KeptChange> changes_;
  bool keep_due_ = false;
  bool told_once_ = false;
  Actions actions_;
  std::deque<Input> inputs_;
  bool pumping_ = false;
  bool running_ = false;
  bool draining_ = false;
  std::unique_ptr<http::OperatorPort> operator_port_;
};

}  // namespace tandem::connector
