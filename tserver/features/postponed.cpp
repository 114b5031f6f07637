#include "tserver/features/postponed.h"

#include <algorithm>

#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/model/call.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kPostponedMax = 8;  // of one call

bool postponable(const tlib::Message& message) {
  return message.type() == tlib::RequestRouteCall || message.type() == tlib::RequestApplyTreatment;
}

// With one Connector its DNs are out of service, too.
bool for_the_connector(const Refusal& why) {
  return why.code == tlib::TERR_NO_SWITCH || why.code == tlib::TERR_OUT_OF_SERVICE;
}

void refuse(Core& core, const Postponed& postponed, const Refusal& why, const Call* call) {
  core.refuse(postponed.asker, why, postponed.message.thisdn(), call, postponed.message.connid());
}

// Its Connector is up, and the call isn't on its way to another one.
bool can_be_served(const Core& core, const Call& call) {
  const CtiLink& link = core.state.links[call.link];
  return link.up && !link.taken_by;
}

void serve(Core& core, Postponed postponed) {
  core.cancel_timer(postponed.timer);
  core.settle(postponed.asker);
  Client* client = core.state.client(postponed.asker.session);
  const OnRequest handler = core.table.requests[static_cast<std::size_t>(postponed.message.type())];
  if (client == nullptr || handler == nullptr) return;
  core.state.touched.client(client->session);
  const std::string dn = postponed.message.thisdn();
  const ConnId id{postponed.message.connid()};
  Request request{*client, postponed.message};
  if (const auto why = handler(core, request)) core.refuse(postponed.asker, *why, dn, core.state.call(id), id.value);
}

void on_postponed(Core& core, const TimerKey& key) {
  Call* call = core.state.call(ConnId{key.subject});
  if (call == nullptr) return;
  const auto it = std::find_if(call->postponed.begin(), call->postponed.end(),
                               [&](const Postponed& postponed) { return postponed.timer == key; });
  if (it == call->postponed.end()) return;
  const Postponed postponed = std::move(*it);
  call->postponed.erase(it);
  core.settle(postponed.asker);
  refuse(core, postponed, {tlib::TERR_NO_SWITCH, "the call's Connector did not come back in time"}, call);
}

}  // namespace

bool postpone(Core& core, const Request& request, const Refusal& why) {
  const auto wait = core.settings().route_request_wait;
  if (!postponable(request.message) || !for_the_connector(why) || wait.count() <= 0) return false;
  Call* call = core.state.call(ConnId{request.message.connid()});
  if (call == nullptr || can_be_served(core, *call) || too_many_outstanding(core, request)) return false;
  std::erase_if(call->postponed, [&](Postponed& postponed) {
    if (core.state.clients.contains(postponed.asker.session)) return false;
    core.cancel_timer(postponed.timer);  // nobody wants it any more
    return true;
  });
  // One instruction at a time, as ever: what follows it would come too late.
  const bool routed = std::any_of(call->postponed.begin(), call->postponed.end(), [](const Postponed& postponed) {
    return postponed.message.type() == tlib::RequestRouteCall;
  });
  if (routed || call->postponed.size() >= kPostponedMax) return false;
  Postponed& postponed = call->postponed.emplace_back();
  postponed.asker = request.asker();
  postponed.message = std::move(request.message);
  postponed.timer = core.set_timer(TimerKind::Postponed, call->id.value, ++call->generation, wait);
  core.hold(postponed.asker);
  core.log(LogLevel::Interaction, *call, postponed.message.thisdn(),
           tlib::MessageType_Name(postponed.message.type()) + " waits for the call's Connector");
  return true;
}

void serve_postponed(Core& core) {
  std::vector<ConnId> ids;
  for (const auto& [id, call] : core.state.calls) {
    if (!call->postponed.empty() && can_be_served(core, *call)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  for (const ConnId id : ids) {
    Call* call = core.state.call(id);
    if (call == nullptr) continue;
    for (Postponed& postponed : std::exchange(call->postponed, {})) serve(core, std::move(postponed));
  }
}

void refuse_postponed(Core& core, Call& call) {
  for (Postponed& postponed : std::exchange(call.postponed, {})) {
    core.cancel_timer(postponed.timer);
    core.settle(postponed.asker);
    refuse(core, postponed, {tlib::TERR_NO_CALL, "the call ended before its Connector was back"}, &call);
  }
}

void register_postponed(Table& table) {
  table.on(TimerKind::Postponed, on_postponed);
}

}  // namespace tandem::tserver
