#include "tserver/features/role.h"

#include <algorithm>
#include <utility>

#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/session.h"
#include "tserver/features/takeover.h"
#include "tserver/features/virtual_queue.h"
#include "tserver/model/kept.h"
#include "tserver/model/kv.h"
#include "tserver/records/install.h"

namespace tandem::tserver {
namespace {

// The calls of a Connector have until then to be heard of again.
void await_connectors(Core& core) {
  for (CtiLink& link : core.state.links) {
    if (link.conversations.empty()) {
      if (!link.up && !link.coming_up) forget_call_data(link);
      continue;
    }
    if (!link.loss_timer) {
      link.loss_timer =
          core.set_timer(TimerKind::LinkLoss, link.no, ++link.generation, core.settings().link_loss_timeout);
    }
    if (link.coming_up) link.lost_at = core.now.steady;
    if (!link.takeover_timer) await_takeover(core, link);
  }
}

// All that the former primary told us.
void take_up(Core& core, const Replica& known) {
  State& state = core.state;
  Installed installed = install(state, known, core.now);
  std::sort(installed.timers.begin(), installed.timers.end(),
            [](const auto& a, const auto& b) { return std::pair(a.at, a.key) < std::pair(b.at, b.key); });
  for (const auto& [key, at] : installed.timers) core.restore_timer(key, at);
  virtual_queue_client_gone(core, {});  // what those filled whose sessions are not kept
  await_connectors(core);
  core.log(LogLevel::Standard, "taken over: " + std::to_string(state.calls.size()) + " calls, " +
                                   std::to_string(state.agents.by_id.size()) + " agents, " +
                                   std::to_string(state.clients.size()) + " clients");
  for (const std::string& what : installed.left_out) core.log(LogLevel::Standard, "not taken over: " + what);
}

void become_primary(Core& core, const RoleChanged& input) {
  State& state = core.state;
  state.role = Role::Primary;
  state.epoch = input.epoch;
  // Names begin at this moment, above all that the primary before gave, whenever we were started.
  state.identity = Identity(core.settings().server_id, core.now);
  core.log(LogLevel::Standard, "role: primary, epoch " + std::to_string(input.epoch) + "; " + input.why);
  for (CtiLink& link : state.links) {
    if (std::exchange(link.up, false)) link.coming_up = true;
  }
  state.links_up = 0;
  if (input.known != nullptr) {
    take_up(core, *input.known);
  } else {
    for (CtiLink& link : state.links) {
      if (!link.coming_up && !link.call_data.empty()) await_unknown(core, link);
    }
  }
  tell_disconnected(core, tlib::ServerRolePrimary);
}

void answer_switchover(Core& core) {
  for (const Asker asker : std::exchange(core.state.switchover, {})) {
    core.settle(asker);
    core.answer(asker, new_event(core.now, tlib::EventACK));
  }
}

// Whoever waits for an answer gets one here, unless the primary-to-be knows of the request.
void answer_all(Core& core) {
  std::vector<SessionId> sessions;
  for (const auto& [session, client] : core.state.clients) sessions.push_back(session);
  std::sort(sessions.begin(), sessions.end());
  const Refusal why = refusal(tlib::TERR_OPER_NOT_SUPPORTED_NOW, "the role passes to the other T-Server");
  for (const SessionId session : sessions) {
    if (is_kept(session) && core.state.pair.sync == PairReport::Sync::CaughtUp)
      continue;  // it does, and the client is its
    for (const std::int32_t reference : core.state.client(session)->unanswered)
      core.refuse({session, reference}, why, {}, nullptr);
  }
}

void become_backup(Core& core, const RoleChanged& input) {
  State& state = core.state;
  core.log(LogLevel::Standard,
           "role: backup, " + input.why + "; " + std::to_string(state.calls.size()) + " calls are left to the primary");
  answer_switchover(core);
  answer_all(core);
  tell_disconnected(core, tlib::ServerRoleBackup);
  state.role = Role::Backup;
  for (CtiLink& link : state.links) {
    // Its first snapshot as primary may still be on its way; the link is there all the same.
    if (!std::exchange(link.coming_up, false)) continue;
    link.up = true;
    ++state.links_up;
  }
  core.cancel_all_timers();
  state.begin_anew(core.now);
}

// Anybody with the authority's certificate, or only the named ones; nobody without a certificate.
bool may_switch_over(const Core& core, const Client& client) {
  const auto& allowed = core.settings().administrators;
  return !client.certificate.empty() &&
         (allowed.empty() || std::find(allowed.begin(), allowed.end(), client.certificate) != allowed.end());
}

}  // namespace

std::optional<Refusal> switch_over(Core& core, Request& request) {
  const Client& client = request.client;
  if (!core.settings().hot_standby) return refusal(tlib::TERR_UNSUP_OPER, "this T-Server has no backup");
  if (!may_switch_over(core, client)) {
    core.log(LogLevel::Standard, "switchover refused: client " + client.application + " at " + client.peer);
    return refusal(tlib::TERR_ACCESS_RESTRICTED, "not with this certificate: see option ha/administrators");
  }
  if (core.state.role == Role::Backup) return refusal(tlib::TERR_IN_SAME_STATE, "this T-Server is the backup");
  const PairReport::Sync sync = core.state.pair.sync;
  const bool force = kv_flag(request.message.extensions(), "force").value_or(false);
  if (sync != PairReport::Sync::CaughtUp && !force) {
    return refusal(tlib::TERR_OPER_NOT_SUPPORTED_NOW,
                   sync == PairReport::Sync::Joining ? "the backup is still joining" : "the backup is not connected");
  }
  const bool under_way = !core.state.switchover.empty();
  if (is_kept(client.session)) {  // which is the other T-Server's when the role is given up
    core.answer(request.asker(), new_event(core.now, tlib::EventACK));
  } else {
    core.hold(request.asker());
    core.state.switchover.push_back(request.asker());
  }
  if (!under_way) core.give_up_role("switchover asked for by " + client.application + " at " + client.peer, force);
  return std::nullopt;
}

void switchover_failed(Core& core, const SwitchoverFailed& input) {
  core.log(LogLevel::Standard, "role: primary still, " + input.why);
  for (const Asker asker : std::exchange(core.state.switchover, {})) {
    core.settle(asker);
    core.refuse(asker, refusal(tlib::TERR_OPER_NOT_SUPPORTED_NOW, input.why), {}, nullptr);
  }
}

void role_changed(Core& core, const RoleChanged& input) {
  if (input.primary == (core.state.role == Role::Primary)) return;
  if (input.primary) {
    become_primary(core, input);
  } else {
    become_backup(core, input);
  }
}

}  // namespace tandem::tserver
