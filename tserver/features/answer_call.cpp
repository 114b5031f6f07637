// RequestAnswerCall: a ringing phone is told to answer (LTB-25). It succeeds as EventEstablished, when the phone has
// answered.
#include "tserver/features/awaited.h"
#include "tserver/features/features.h"

namespace tandem::tserver {
namespace {

std::optional<Refusal> answer_call(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  if (on->party->state != PartyState::Alerting) return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't ring");
  if (on->party->can_answer == false)
    return refusal(tlib::TERR_UNSUP_OPER, "the phone can't be told to answer: it doesn't support the talk event");
  if (is_awaited(core, *on->call, *on->party, Awaited::Kind::Pickup))
    return refusal(tlib::TERR_OTHER_TEL_OPER, "ThisDN is being told to answer already");
  if (const auto why = too_many_outstanding(core, request)) return *why;
  core.order(*on->call, on->party->no, [](link::Command& command) { command.mutable_pickup(); });
  await(core, *on->call, *on->party, Awaited::Kind::Pickup, request.asker(), core.settings().request_timeout);
  return std::nullopt;
}

}  // namespace

void register_answer_call(Table& table) {
  table.serve(tlib::RequestAnswerCall, answer_call);
}

}  // namespace tandem::tserver
