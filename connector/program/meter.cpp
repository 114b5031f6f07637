#include "connector/program/meter.h"

#include <algorithm>

#include "common/base/overloaded.h"

namespace tandem::connector {

void Meter::took(const Input& input) {
  std::visit(
      Overloaded{[&](const Invited&) {
                   ++calls_;
                   request("INVITE", "in");
                 },
                 [&](const Cancelled&) { request("CANCEL", "in"); },
                 [&](const CancelStrayed&) { request("CANCEL", "in"); },
                 [&](const ByeReceived&) { request("BYE", "in"); },
                 [&](const Reinvited& in) { request(in.update ? "UPDATE" : "re-INVITE", "in"); },
                 [&](const ReferAsked&) { request("REFER", "in"); }, [&](const InfoDigit&) { request("INFO", "in"); },
                 [&](const ConferenceSubscribed&) { request("SUBSCRIBE", "in"); },
                 [&](const InviteAccepted&) { answer("INVITE", "in", 200); },
                 [&](const InviteRejected& in) { answer("INVITE", "in", in.status); },
                 [&](const ReinviteAccepted&) { answer("re-INVITE", "in", 200); },
                 [&](const ReinviteRejected& in) { answer("re-INVITE", "in", in.status); },
                 [&](const LinkOpened& in) { links_[in.link] = in.primary; },
                 [&](const LinkRole& in) { links_[in.link] = in.primary; },
                 [&](const LinkClosed& in) { links_.erase(in.link); }, [](const auto&) {}},
      input);
}

void Meter::made(const Action& action) {
  std::visit(
      Overloaded{[&](const SendInvite&) { request("INVITE", "out"); },
                 [&](const SendCancel&) { request("CANCEL", "out"); }, [&](const SendBye&) { request("BYE", "out"); },
                 [&](const SendReinvite&) { request("re-INVITE", "out"); },
                 [&](const NotifyRefer&) { request("NOTIFY", "out"); },
                 [&](const NotifyConference&) { request("NOTIFY", "out"); },
                 [&](const Answer& out) { answer("INVITE", "out", out.status); },
                 [&](const AnswerReinvite& out) { answer("re-INVITE", "out", out.status); },
                 [&](const AnswerRefer& out) { answer("REFER", "out", out.status); }, [](const auto&) {}},
      action);
}

void Meter::closed(const MediaClosed& stream) {
  const auto got = static_cast<double>(stream.counters.packets_in), lost = static_cast<double>(stream.counters.lost);
  if (got == 0) return;  // nothing was heard of it
  jitter_.observe(stream.jitter_ms / 1000);
  loss_.observe(lost / (got + lost));
}

void Meter::answered(const std::string& method, int status) {
  ++requests_[{method, "in"}];
  if (status >= 200) ++answers_[{method, "out", status}];
}

std::size_t Meter::primaries() const {
  return static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& link) { return link.second; }));
}

}  // namespace tandem::connector
