// The sip room on a workbench: runs in its own thread, a front end that lets in whom the test says, inputs in a queue.
#pragma once

#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "connector/sip/loop.h"
#include "connector/sip/room.h"
#include "peer.h"

namespace tandem::connector::test {

class FrontDesk final : public Admission {
 public:
  Reply registered(const RegisterAsked& asked, Now) override {
    last_register = asked;
    return register_reply;
  }
  std::variant<Caller, Reply> invited(const RequestFacts& facts, Now) override {
    last_invite = facts;
    if (refusal) return *refusal;
    return Caller{"sip:alice@tandem.test", authenticates, ""};
  }
  std::optional<Reply> referred(const Caller& by, const std::string& to) override {
    last_referred = {by, to};
    return refer_refusal;
  }
  bool believed(const Origin&) const override { return believes; }
  std::optional<Forwarding> forward(const RouteAsked& asked) const override {
    last_route = asked;
    return forwarding;
  }
  void connection_closed(const Origin& origin) override { closed = origin; }
  std::optional<Forwarding> forwarding;
  mutable RouteAsked last_route;
  Origin closed;
  std::optional<Reply> refusal;
  std::optional<Reply> refer_refusal;
  bool believes = false;
  bool authenticates = true;
  std::pair<Caller, std::string> last_referred;
  Reply register_reply{200, {}, {}};
  RegisterAsked last_register;  // read it after an answer came
  RequestFacts last_invite;
};

inline constexpr char kAllowed[] = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, REFER, INFO, SUBSCRIBE, REGISTER";

inline SipSettings quick_settings() {
  SipSettings out;
  out.listen = {{"127.0.0.1", 0, SipTransport::Udp}};
  out.t1 = 50ms;
  out.t2 = 200ms;
  out.t4 = 200ms;
  out.t1x64 = 1500ms;
  return out;
}

class Bench {
 public:
  explicit Bench(SipSettings settings = quick_settings(), SipResolver resolver = SipResolver::system()) {
    loop.start();
    loop.call([&] {
      room = std::make_unique<SipRoom>(
          loop, std::move(settings), desk, log,
          [this](Input input) {
            const std::lock_guard guard(mutex);
            inputs.push_back(std::move(input));
            arrived.notify_all();
          },
          std::move(resolver));
      opened = room->open();
      if (opened) ports = room->ports();
    });
  }
  ~Bench() {
    loop.call([&] { room.reset(); });
    loop.stop();
  }

  std::uint16_t port(std::size_t which = 0) const { return ports.at(which).port; }

  template <class Action>
  void perform(Action action) {
    loop.call([&] { room->perform(action); });
  }

  // The next input of this kind; others before it stay.
  template <class Kind>
  std::optional<Kind> next(std::chrono::milliseconds time = 5s) {
    std::unique_lock lock(mutex);
    std::optional<Kind> found;
    arrived.wait_for(lock, time, [&] {
      for (auto it = inputs.begin(); it != inputs.end(); ++it) {
        if (auto* kind = std::get_if<Kind>(&*it)) {
          found = std::move(*kind);
          inputs.erase(it);
          return true;
        }
      }
      return false;
    });
    return found;
  }
  bool nothing_else() {
    const std::lock_guard guard(mutex);
    return inputs.empty();
  }
  SipCounts counts() {
    SipCounts out;
    loop.call([&] { out = room->counts(); });
    return out;
  }
  // Waits until the room holds no leg any more.
  bool empty(std::chrono::milliseconds time = 5s) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (counts().legs > 0) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  NullLogger log;
  FrontDesk desk;
  SipLoop loop;
  std::unique_ptr<SipRoom> room;
  Result<void, Failure> opened{};
  std::vector<SipListen> ports;
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Input> inputs;
};

inline SendInvite invite_to(const Peer& peer, LegId leg = LegId{1ull << 63 | 1}) {
  SendInvite out{};
  out.leg = leg;
  out.target.request_uri = "sip:bob@" + peer.address();
  out.from_uri = "sip:alice@tandem.test";
  out.from_display = "Alice \"A\"";
  out.to_uri = "sip:bob@tandem.test";
  out.conversation_id = "0000000000000001-Tandem";
  out.headers = {{"X-Test", "one"}};
  out.sdp = kOffer;
  out.session_expires_s = 1800;
  out.min_se_s = 90;
  out.max_forwards = 69;
  out.call_id = "out-" + std::to_string(leg.value & 0xff) + "@tandem";
  return out;
}

inline Answer answer_with(LegId leg, int status, std::string sdp = "") {
  Answer out{};
  out.leg = leg;
  out.status = status;
  out.sdp = std::move(sdp);
  return out;
}

}  // namespace tandem::connector::test
