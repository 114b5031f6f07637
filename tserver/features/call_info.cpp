// RequestSetCallInfo: attributes of a call that an application knows better (MMC-412), and who may enter a
// conference (OCS-52).
#include "tserver/features/checks.h"
#include "tserver/features/conference_address.h"
#include "tserver/features/features.h"
#include "tserver/features/lobby.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxText = 255;

std::optional<Refusal> set_call_info(Core& core, Request& request) {
  const auto on = check_call(core, request, true);
  if (!on) return on.error();
  const tlib::Message& message = request.message;
  Call& call = *on->call;
  const bool lobby = asks_for_lobby(message);
  const bool conference = asks_for_conference(message) || lobby;
  if (!message.has_ani() && !message.has_dnis() && !message.has_customerid() && !conference)
    return refusal(tlib::TERR_INVALID_ATTR, "none of ANI, DNIS and CustomerID is given");
  if (message.ani().size() > kMaxText || message.dnis().size() > kMaxText || message.customerid().size() > kMaxText)
    return refusal(tlib::TERR_INVALID_ATTR, "an attribute is longer than 255 bytes");
  if (asks_for_conference(message)) {
    if (auto why = change_conference(core, call, message)) return why;
  }
  if (lobby) {
    if (auto why = change_lobby(core, call, message)) return why;
  }
  if (message.has_ani()) call.ani = message.ani();
  if (message.has_dnis()) call.dialed = message.dnis();
  if (message.has_customerid()) call.customer_id = message.customerid();
  const std::string& by = on->device->dn.str();
  const tlib::KVList shown = conference ? conference_policy(call) : tlib::KVList();
  const Details changed{.third_party = &by, .extensions = &shown};
  for (const Party& party : call.parties) {
    core.tell(call, party, tlib::EventCallInfoChanged, changed, &party == on->party ? request.asker() : Asker{});
  }
  if (on->party == nullptr) {
    core.answer(request.asker(), new_call_event(core.now, tlib::EventCallInfoChanged, call, changed));
  }
  return std::nullopt;
}

}  // namespace

void register_call_info(Table& table) {
  table.serve(tlib::RequestSetCallInfo, set_call_info);
  table.makes({tlib::EventCallInfoChanged});
}

}  // namespace tandem::tserver
