#include "tserver/features/core.h"

#include <algorithm>

#include "tserver/model/kept.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {

void Core::deliver(Event event, std::vector<SessionId> to, Asker asker) {
  if (state.role == Role::Backup && !asker) return;  // it answers; the primary tells
  event->set_eventsequencenumber(++state.event_sequence);
  out_.emplace_back(Deliver{std::move(event), std::move(to), asker.session, asker.reference_id});
}

void Core::tell(const Call& call, const Party& party, tlib::MessageType type, const Details& details, Asker asker) {
  state.tally.told(party, type, now);
  state.touch(call);
  if (state.client(asker.session) == nullptr) asker = {};  // gone meanwhile
  std::vector<SessionId> to;
  if (party.device != nullptr && !party.unannounced) {
    to.reserve(party.device->registrations.size());
    for (const Registration& r : party.device->registrations) {
      if (r.client->session != asker.session && r.client->wants(type)) to.push_back(r.client->session);
    }
  }
  if (asker) to.push_back(asker.session);
  if (!to.empty()) deliver(new_party_event(now, type, call, party, details), std::move(to), asker);
}

void Core::tell_newcomers(const Call& call, const Party& party, tlib::MessageType type) {
  if (party.device == nullptr) return;
  std::vector<SessionId> to;
  for (const Registration& r : party.device->registrations) {
    if (!is_kept(r.client->session) && r.client->wants(type)) to.push_back(r.client->session);
  }
  if (!to.empty()) deliver(new_party_event(now, type, call, party, {}), std::move(to), {});
}

void Core::tell(const Device& device, Event event, Asker asker) {
  state.touched.device(device);
  if (state.client(asker.session) == nullptr) asker = {};
  std::vector<SessionId> to;
  for (const Registration& r : device.registrations) {
    if (r.client->session != asker.session && r.client->wants(event->type())) to.push_back(r.client->session);
  }
  if (asker) to.push_back(asker.session);
  if (!to.empty()) deliver(std::move(event), std::move(to), asker);
}

void Core::tell_all(Event event) {
  std::vector<SessionId> to;
  for (const auto& [session, client] : state.clients) {
    if (client->open && client->wants(event->type())) to.push_back(session);
  }
  std::sort(to.begin(), to.end());
  if (!to.empty()) deliver(std::move(event), std::move(to), {});
}

void Core::answer(Asker asker, Event event) {
  if (state.client(asker.session) == nullptr) return;
  deliver(std::move(event), {asker.session}, asker);
}

void Core::refuse(Asker asker, const Refusal& refusal, std::string_view this_dn, const Call* call,
                  std::uint64_t conn_id) {
  if (state.client(asker.session) == nullptr) return;
  Event event = new_event(now, tlib::EventError);
  event->set_errorcode(refusal.code);
  event->set_errormessage(refusal.text);
  if (!this_dn.empty()) event->set_thisdn(this_dn.data(), this_dn.size());
  if (call != nullptr) {
    event->set_connid(call->id.value);
    kv_add(*event->mutable_extensions(), "Conversation-ID", call->conversation_id);
  } else if (conn_id != 0) {
    event->set_connid(conn_id);
  }
  answer(asker, std::move(event));
}

void Core::hold(Asker asker) {
  Client* client = state.client(asker.session);
  if (client == nullptr) return;
  ++client->outstanding;
  client->unanswered.push_back(asker.reference_id);
}

void Core::settle(Asker asker) {
  Client* client = state.client(asker.session);
  if (client == nullptr) return;
  --client->outstanding;
  auto& all = client->unanswered;
  if (const auto it = std::find(all.begin(), all.end(), asker.reference_id); it != all.end()) all.erase(it);
}

void Core::admit(const Call& call, const Party& party, link::Admit::Mode mode) {
  order(call, party.no, [&](link::Command& command) { command.mutable_admit()->set_mode(mode); });
}

void Core::reject(const Call& call, const Party& party, std::uint32_t status) {
  order(call, party.no, [&](link::Command& command) { command.mutable_reject()->set_status(status); });
}

void Core::remove(const Call& call, PartyNo party, std::uint32_t status) {
  order(call, party, [&](link::Command& command) { command.mutable_remove()->set_status(status); });
}

TimerKey Core::set_timer(TimerKind kind, std::uint64_t subject, std::uint32_t generation, Instant delay) {
  const TimerKey key{static_cast<std::uint32_t>(kind), generation, subject};
  if (settings().hot_standby) state.deadlines[key] = now.steady + delay;
  touch(key);
  out_.emplace_back(SetTimer{key, now.steady + delay});
  return key;
}

void Core::restore_timer(const TimerKey& key, Instant at) {
  if (settings().hot_standby) state.deadlines[key] = at;
  out_.emplace_back(SetTimer{key, at});
}

void Core::touch(const TimerKey& key) {
  if (!state.touched.on) return;
  switch (static_cast<TimerKind>(key.kind)) {
    case TimerKind::Router:
    case TimerKind::NoAnswer:
    case TimerKind::Joining:
    case TimerKind::Lobby:
    case TimerKind::Postponed:
    case TimerKind::Treatment:
      return state.touched.call(ConnId{key.subject});
    case TimerKind::LinkLoss:
    case TimerKind::Takeover:
      return state.touched.links();
    case TimerKind::AgentWork:
    case TimerKind::AgentIdle:
      if (const Device* device = state.agents.find(key.subject)) state.touched.device(*device);
      return;
    case TimerKind::Awaited:
      return state.touched.awaited(key.subject);
  }
}

void Core::cancel_timer(std::optional<TimerKey>& key) {
  if (!key) return;
  out_.emplace_back(CancelTimer{*key});
  state.deadlines.erase(*key);
  touch(*key);
  key.reset();
}

void Core::log(LogLevel level, const Call& call, std::string_view dn, std::string_view text) {
  state.touch(call);
  const Party* caller = call.originator();
  std::string line;
  line.reserve(96 + dn.size() + text.size());
  line.append("call ").append(to_string(call.id));
  if (caller != nullptr && !caller->call_id.empty()) line.append(" Call-ID ").append(caller->call_id);
  if (!dn.empty()) line.append(" ").append(dn);
  line.append(": ").append(text);
  log(level, std::move(line));
}

}  // namespace tandem::tserver
