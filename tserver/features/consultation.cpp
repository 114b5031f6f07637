// RequestInitiateTransfer and RequestInitiateConference (MMC-393): the same until they are completed.
#include "tserver/features/consultation.h"

#include "tserver/features/calling.h"
#include "tserver/features/features.h"
#include "tserver/features/hold.h"
#include "tserver/features/make_call.h"
#include "tserver/features/user_data.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

Result<Destination, Refusal> check_consultation(Core& core, const Request& request, const OnCall& on) {
  const tlib::Message& message = request.message;
  if (on.party->state == PartyState::Queued)
    return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "ThisDN is a Routing Point");
  if (on.party->state != PartyState::Connected)
    return refusal(tlib::TERR_INV_CALL_STATE, "ThisDN doesn't talk in the call");
  if (active_call(*on.device, on.call) != nullptr)
    return refusal(tlib::TERR_CANT_INIT_TRANSFER, "ThisDN is active in another call");
  if (on.call->attempt && on.call->attempt->by == on.party->no)
    return refusal(tlib::TERR_OTHER_TEL_OPER, "another request of ThisDN is being carried out");
  if (!message.location().empty()) return refusal(tlib::TERR_UNSUP_OPER, "other locations are not served");
  if (core.state.calls.size() >= core.settings().max_calls)
    return refusal(tlib::TERR_TOO_MANY_REQ, "too many calls are active");
  auto destination = find_destination(core, core.pool_of(*on.call), message.otherdn(), tlib::TERR_INV_CALD_DN);
  if (!destination) return destination;
  if (destination->device == on.device) return refusal(tlib::TERR_INV_CALD_DN, "ThisDN can't call itself");
  if (on.call->party(destination->device) != nullptr)
    return refusal(tlib::TERR_DEST_INV_STATE, "the destination is a party of the call");
  return destination;
}

// The data a consultation call begins with, and where later ones go; 53 if they would be too many.
Check check_data(const Core& core, const Call& main, const tlib::KVList& more, ConsultUserData mode) {
  static const Call kNone;
  return user_data_refused(core, mode == ConsultUserData::Separate ? kNone : main, more);
}

void give_data(Core& core, Call& main, Call& consult, tlib::Message& message, ConsultUserData mode) {
  switch (mode) {
    case ConsultUserData::Separate:
      consult.user_data.Swap(message.mutable_userdata());
      return;
    case ConsultUserData::Inherited:
      consult.user_data = main.user_data;
      kv_update(consult.user_data, message.userdata());
      return;
    case ConsultUserData::Joint:
      // Before the call shares them, since it has told of itself nothing yet.
      add_user_data(core, main, message.userdata(), consult.parties.front().name());
      consult.user_data = main.user_data;
      consult.joint_data = true;
      main.joint.push_back(consult.id);
      return;
  }
}

std::optional<Refusal> initiate(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  const auto destination = check_consultation(core, request, *on);
  if (!destination) return destination.error();
  const ConsultUserData mode = consult_user_data(core, request.message);
  Call& main = *on->call;
  if (auto why = check_data(core, main, request.message.userdata(), mode)) return why;
  Attempt attempt;
  if (auto why = read_calling(request.message, attempt)) return why;
  attempt.target = destination->name();
  const tlib::KVList reasons = request.message.reasons();
  Call& consult = new_outgoing_call(core, main.link, *on->device, *destination, on->party);
  consult.type = tlib::CallTypeConsult;
  consult.main = main.id;
  give_data(core, main, consult, request.message, mode);
  Party& self = consult.parties.front();
  core.log(LogLevel::Interaction, consult, self.name(), "consults " + consult.dialed);
  put_on_hold(core, main, *on->party, &reasons, {}, false);
  order_join(core, main, consult, self.no);
  order_tag(core, consult);
  core.tell(consult, self, tlib::EventDialing, {.reasons = &reasons}, request.asker());
  call_target(core, consult, attempt);
  return std::nullopt;
}

}  // namespace

ConsultUserData consult_user_data(const Core& core, const tlib::Message& message) {
  const tlib::KVPair* asked = kv_find(message.extensions(), "ConsultUserData");
  const std::string text = asked == nullptr ? "" : asked->has_unicode() ? asked->unicode() : asked->str();
  if (text == "separate") return ConsultUserData::Separate;
  if (text == "inherited") return ConsultUserData::Inherited;
  if (text == "joint") return ConsultUserData::Joint;
  return core.settings().consult_user_data;
}

void register_consultation(Table& table) {
  table.serve(tlib::RequestInitiateTransfer, initiate);
  table.serve(tlib::RequestInitiateConference, initiate);
  table.makes({tlib::EventHeld, tlib::EventDialing});
}

}  // namespace tandem::tserver
