// RequestRouteCall: the instruction a waiting call is given (MMC-401).
#include <algorithm>

#include "tserver/features/agent.h"
#include "tserver/features/alternate_routing.h"
#include "tserver/features/calling.h"
#include "tserver/features/checks.h"
#include "tserver/features/destination.h"
#include "tserver/features/ending.h"
#include "tserver/features/features.h"
#include "tserver/features/leaving.h"
#include "tserver/features/pass_through.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/treatment.h"
#include "tserver/features/user_data.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

constexpr std::int32_t kMaxNoAnswer = 600;  // seconds, as no-answer-timeout

// NO_ANSWER_TIMEOUT beats every configured value, except that 0 (or what is no number) is ignored (MMC-165).
std::optional<std::chrono::seconds> asked_no_answer(const tlib::Message& message) {
  const auto asked = kv_integer(message.extensions(), "NO_ANSWER_TIMEOUT");
  if (!asked || *asked <= 0) return std::nullopt;
  return std::chrono::seconds(std::min(*asked, kMaxNoAnswer));
}

bool takes_destination(tlib::TRouteType type) {
  switch (type) {
    case tlib::RouteTypeUnknown:
    case tlib::RouteTypeDefault:
    case tlib::RouteTypeDDD:
    case tlib::RouteTypeIDDD:
    case tlib::RouteTypeDirect:
    case tlib::RouteTypePriority:
      return true;
    default:
      return false;
  }
}

bool disconnects(tlib::TRouteType type) {
  return type == tlib::RouteTypeReject || type == tlib::RouteTypeCallDisconnect;
}

Result<Destination, Refusal> instructed_destination(Core& core, const Request& request, const OnCall& on) {
  std::string_view text = request.message.otherdn();
  if (text.empty() && request.message.routetype() == tlib::RouteTypeDefault) text = default_dn(core, *on.device);
  auto destination = find_destination(core, core.pool_of(*on.call), text, tlib::TERR_INV_DEST_DN);
  if (!destination) return destination;
  if (destination->device == on.device)
    return refusal(tlib::TERR_DEST_IS_ORIG_RP, "the destination is the Routing Point itself");
  if (on.call->party(destination->device) != nullptr) {
    return refusal(tlib::TERR_DEST_INV_STATE, "the destination is a party of the call");
  }
  return destination;
}

std::optional<Refusal> route_call(Core& core, Request& request) {
  const auto on = check_call(core, request);
  if (!on) return on.error();
  Call& call = *on->call;
  const tlib::TRouteType type = request.message.routetype();
  if (on->party->state != PartyState::Queued) {
    return refusal(tlib::TERR_CSTA_OPER_REQ_INCOMPAT, "ThisDN is not a Routing Point");
  }
  if (call.attempt) return refusal(tlib::TERR_OTHER_TEL_OPER, "another instruction for the call is being carried out");
  if (const auto why = too_many_outstanding(core, request)) return *why;
  if (!request.message.location().empty()) return refusal(tlib::TERR_UNSUP_OPER, "other locations are not served");
  if (!takes_destination(type) && !disconnects(type)) return refusal(tlib::TERR_UNSUP_OPER, "route type is not served");
  if (const auto why = user_data_refused(core, call, request.message.userdata())) return why;

  if (disconnects(type)) {
    call.redirections = 0;
    add_user_data(core, call, request.message.userdata(), on->device->dn.str());
    drop_treatment(core, call);
    core.tell(call, *on->party, tlib::EventRouteUsed, {.reasons = &request.message.reasons()}, request.asker());
    if (call.settled() > 1) {  // those who are up already stay together
      const std::string rp = on->device->dn.str();
      drop_routing_point(core, call);
      tell_deleted(core, call, rp, rp);
      return std::nullopt;
    }
    end_call(core, call, {.reject_status = type == tlib::RouteTypeReject ? 603u : 480u});
    return std::nullopt;
  }
  const auto destination = instructed_destination(core, request, *on);
  if (!destination) return destination.error();
  if (auto why =
          pass_through_refused(core, call, *on->device, on->party, &*destination, tlib::TERR_PROHIBITED_ROUTE_EXTERNAL))
    return why;
  Attempt attempt;
  if (auto why = read_calling(request.message, attempt)) return why;
  call.redirections = 0;  // the count restarts with an instruction (MMC-161)
  add_user_data(core, call, request.message.userdata(), on->device->dn.str());
  attempt.asker = request.asker();
  attempt.no_answer = asked_no_answer(request.message);
  attempt.no_answer_action = asked_no_answer_action(request.message.extensions());
  attempt.reasons.Swap(request.message.mutable_reasons());
  core.log(LogLevel::Interaction, call, on->device->dn.str(), "instructed to go to " + destination->name());
  route(core, call, *destination, std::move(attempt));
  return std::nullopt;
}

}  // namespace

void register_route_call(Table& table) {
  table.serve(tlib::RequestRouteCall, route_call);
  table.serves_only("RouteType",
                    {"RouteTypeUnknown", "RouteTypeDefault", "RouteTypeDDD", "RouteTypeIDDD", "RouteTypeDirect",
                     "RouteTypePriority", "RouteTypeReject", "RouteTypeCallDisconnect"});
  table.makes(
      {tlib::EventQueued, tlib::EventRouteRequest, tlib::EventRouteUsed, tlib::EventDiverted, tlib::EventAbandoned});
}

}  // namespace tandem::tserver
