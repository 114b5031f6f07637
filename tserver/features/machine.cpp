#include "tserver/features/machine.h"

#include <utility>

#include "common/base/overloaded.h"
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/machine_state.h"
#include "tserver/features/postponed.h"
#include "tserver/features/recovery.h"
#include "tserver/features/role.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/service.h"
#include "tserver/features/session.h"
#include "tserver/features/takeover.h"
#include "tserver/model/invariants.h"

namespace tandem::tserver {
namespace {

// Which DN and call an EventError is about is said back to the asker, as it was asked.
void refuse(Core& core, const Request& request, const Refusal& refusal) {
  const std::uint64_t conn_id = request.message.connid();
  core.refuse(request.asker(), refusal, request.message.thisdn(), core.state.call(ConnId{conn_id}), conn_id);
}

// A backup keeps sessions, registrations and links, and answers what these are about. The rest is the primary's.
bool of_backup(tlib::MessageType type) {
  switch (type) {
    case tlib::RequestRegisterClient:
    case tlib::RequestSetInputMask:
    case tlib::RequestQueryServer:
    case tlib::RequestRegisterAddress:
    case tlib::RequestUnregisterAddress:
    case tlib::RequestQueryAddress:
      return true;
    default:
      return false;
  }
}

bool of_backup(link::Happening::WhatCase what) {
  return what == link::Happening::kRegistration || what == link::Happening::kDnStatus;
}

void serve(Core& core, ClientRequest& input) {
  Client* client = core.state.client(input.session);
  if (client == nullptr) return;
  Request request{*client, input.message};
  core.state.touched.client(input.session);
  const auto type = static_cast<std::size_t>(input.message.type());
  const OnRequest handler = type < Table::kRequests ? core.table.requests[type] : nullptr;
  if (!client->open && input.message.type() != tlib::RequestRegisterClient) {
    return refuse(core, request,
                  refusal(tlib::TERR_NOT_REGISTERED, "the session is not open: RequestRegisterClient comes first"));
  }
  if (input.message.type() == tlib::RequestSwitchover) {
    if (const auto why = switch_over(core, request)) refuse(core, request, *why);
    return;
  }
  if (!input.message.has_type() || handler == nullptr)
    return refuse(core, request, refusal(tlib::TERR_UNSUP_OPER, "the request is not supported"));
  if (core.state.role == Role::Backup && !of_backup(input.message.type())) {
    return refuse(core, request,
                  refusal(tlib::TERR_OPER_NOT_SUPPORTED_NOW, "this T-Server is the backup: ask the primary"));
  }
  if (const auto why = handler(core, request)) {
    if (postpone(core, request, *why)) return;
    refuse(core, request, *why);
    if (why->code == tlib::TERR_PROTO_VERS) core.close(client->session, why->text);
  }
}

void happened(Core& core, const Happened& input) {
  if (input.link < core.state.links.size() && input.happening.has_call_data())
    return keep_call_data(core, core.state.links[input.link], input.happening.call_data());
  if (input.link >= core.state.links.size() || !core.state.links[input.link].up) return;
  if (core.state.role == Role::Backup && input.happening.has_taken_over())
    note_taken_over(core, core.state.links[input.link], input.happening);
  const auto what = static_cast<std::size_t>(input.happening.what_case());
  if (core.state.role == Role::Backup && !of_backup(input.happening.what_case())) return;
  if (core.state.links[input.link].let_go.contains(ConversationNo{input.happening.conversation()})) return;
  if (what >= Table::kHappenings || core.table.happenings[what] == nullptr) return;
  if (core.state.touched.on) {
    if (const Call* call = find_call(core.state.links[input.link], input.happening)) core.state.touch(*call);
  }
  core.table.happenings[what](core, core.state.links[input.link], input.happening);
}

void fired(Core& core, const TimerFired& input) {
  core.state.deadlines.erase(input.key);
  core.touch(input.key);
  if (input.key.kind < Table::kTimers && core.table.timers[input.key.kind] != nullptr)
    core.table.timers[input.key.kind](core, input.key);
}

}  // namespace

void FeatureMachine::handle(Input input, Now now, Effects& out) {
  Core core(state_, table_, now, out);
  std::visit(
      Overloaded{[&](const ClientOpened& in) { client_opened(core, in); }, [&](ClientRequest& in) { serve(core, in); },
                 [&](const ClientClosed& in) { client_closed(core, in); }, [&](const LinkUp& in) { link_up(core, in); },
                 [&](const LinkDown& in) { link_down(core, in.link, in.why); },
                 [&](const Happened& in) { happened(core, in); }, [&](const TimerFired& in) { fired(core, in); },
                 [&](const SettingsChanged& in) { settings_changed(core, in.settings); },
                 [&](const RoleChanged& in) { role_changed(core, in); },
                 [&](const SwitchoverFailed& in) { switchover_failed(core, in); },
                 [&](const PairReport& in) { core.state.pair = in; }},
      input);
  if (std::exchange(state_.device_freed, false) && state_.draining()) review_draining(core);
}

std::unique_ptr<Machine> make_machine(std::shared_ptr<const Settings> settings, Now start) {
  return std::make_unique<FeatureMachine>(std::move(settings), start);
}

}  // namespace tandem::tserver
