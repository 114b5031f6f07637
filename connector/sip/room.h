// The sip room: opens the ports, lets requests in, keeps the table of legs, carries out the core's actions. Lives in
// the SipLoop's thread: everything here is called there, and the sink and the Admission are called there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "connector/core/admission.h"
#include "connector/core/machine.h"
#include "connector/sip/loop.h"
#include "connector/sip/names.h"
#include "connector/sip/settings.h"

namespace tandem::connector {

struct SipRoomImpl;

struct SipCounts {
  std::size_t legs = 0;
  std::size_t unanswered = 0;      // INVITEs not answered yet
  std::size_t unacknowledged = 0;  // INVITEs answered and not acknowledged yet
  std::uint64_t refused = 0;       // INVITEs that a limit turned away
  std::size_t subscriptions = 0;
  // As the library counts them since the start.
  std::uint64_t messages_in = 0, messages_out = 0, bad_messages = 0;
  std::uint64_t retransmissions = 0;  // of ours
  std::uint64_t timeouts = 0;
  std::size_t server_transactions = 0, client_transactions = 0;  // now
};

class SipRoom {
 public:
  using Sink = std::function<void(Input)>;

  // `sink` is called at the end of whatever the room does, so the core may act at once.
  SipRoom(SipLoop& loop, SipSettings settings, Admission& admission, Logger& log, Sink sink,
          SipResolver resolver = SipResolver::system());
  ~SipRoom();
  SipRoom(const SipRoom&) = delete;
  SipRoom& operator=(const SipRoom&) = delete;

  // Opens every port; a Failure names the one that could not be, and none stays open.
  Result<void, Failure> open();
  // Before open(), to restore legs: a request for one of them must not come before it is there.
  Result<void, Failure> prepare();
  bool is_open() const;
  // The ports as opened, with the number the system gave where 0 was asked.
  std::vector<SipListen> ports() const;

  // Actions. A leg that is unknown, or not in a state for it, is passed over.
  void perform(const SendInvite& action);
  void perform(const Answer& action);
  void perform(const SendCancel& action);
  void perform(const TakeCancel& action);
  void perform(const SendBye& action);
  void perform(const SendReinvite& action);
  void perform(const AnswerReinvite& action);
  void perform(const AnswerRefer& action);
  void perform(const NotifyRefer& action);
  void perform(const SendTalk& action);
  void perform(const AnswerSubscription& action);
  void perform(const NotifyConference& action);
  void perform(const ForgetLeg& action);
  void perform(const RestoreLeg& action);
  void perform(const TurnLeg& action);
  void perform(const DropLeg& action);

  // The dialog of a leg, to be kept; none: it has none that could be continued.
  std::optional<ha::Dialog> dialog(LegId leg) const;

  // From now on INVITEs that would begin a call are refused with 503.
  void refuse_new(bool refuse);
  // Limits, names and, for connections to come, everything of TLS; ports stay as they are.
  void configure(SipSettings settings);
  SipCounts counts() const;

 private:
  std::unique_ptr<SipRoomImpl> impl_;
};

}  // namespace tandem::connector
