// Subscriptions to the state of conferences (RFC 6665, RFC 4575): their dialogs, their expiry, NOTIFYs one after the
// other. What is told in them is the core's.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "connector/core/machine.h"
#include "connector/sip/leg.h"
#include "connector/sip/loop.h"
#include "connector/sip/settings.h"
#include "connector/sip/sofia.h"

namespace tandem::connector {

class SipSubscription;

class SipSubscriptions {
 public:
  SipSubscriptions(SipLoop& loop, SipLegHost& host);
  ~SipSubscriptions();
  SipSubscriptions(const SipSubscriptions&) = delete;
  SipSubscriptions& operator=(const SipSubscriptions&) = delete;

  // What is wrong with a SUBSCRIBE that would begin one, as far as that can be told without knowing who sent it.
  struct Refusal {
    int status = 0;  // 0: nothing
    std::string lines;
  };
  Refusal check(const sip_t* sip, const std::string& source) const;

  // One that was let in; the core is asked. `contact`, `flow`: as for calls.
  void begin(sofia::Incoming request, const sip_t* sip, std::string uri, std::string subscriber,
             const std::string& source, const sip_contact_t* contact, std::string flow);
  void answer(const AnswerSubscription& order);
  void notify(const NotifyConference& order);
  void end_all();  // each is told that it is over
  void clear();    // without a word
  std::size_t count() const { return all_.size(); }

 private:
  friend class SipSubscription;
  SipSubscription* find(SubscriptionId id);
  void end(SubscriptionId id);
  void sweep();
  void watch();

  SipLoop& loop_;
  SipLegHost& host_;
  std::unordered_map<SubscriptionId, std::unique_ptr<SipSubscription>> all_;
  std::unordered_map<std::string, std::size_t> of_source_;
  std::vector<std::unique_ptr<SipSubscription>>
      graveyard_;  // ended, perhaps still on the call stack; emptied from outside of their callbacks only
  std::uint64_t last_ = 0;
  std::unique_ptr<su_timer_t, sofia::Closer<su_timer_destroy>> timer_;
  bool watching_ = false;
};

}  // namespace tandem::connector
