#include "tserver/model/state.h"

#include <algorithm>

namespace tandem::tserver {
namespace {

template <class Map, class Key>
auto* find(Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second.get();
}

void drop_call(Device& device, const Call* call) {
  auto& calls = device.calls;
  if (const auto it = std::find(calls.begin(), calls.end(), call); it != calls.end()) calls.erase(it);
}

}  // namespace

State::State(std::shared_ptr<const Settings> initial, Now start)
    : settings(std::move(initial)),
      identity(settings->server_id, start),
      started_ms(identity.start_ms()),
      role(settings->hot_standby ? Role::Backup : Role::Primary) {
  calls.reserve(1024);
  for (const auto& [dn, dn_settings] : settings->dns) {
    auto device = std::make_unique<Device>();
    device->dn = dn;
    device->settings = dn_settings;
    device->in_service = serviceable(*device);
    devices.emplace(dn, std::move(device));
  }
  resize_links();
}

Call* State::call(ConnId id) {
  touched.call(id);
  return find(calls, id);
}
Device* State::device(const Dn& dn) {
  Device* found = find(devices, dn);
  if (found != nullptr) touched.device(*found);
  return found;
}
Client* State::client(SessionId session) {
  return find(clients, session);
}

bool State::serves(const CtiLink& link, const Device& device) const {
  if (link.draining &&
      std::none_of(device.calls.begin(), device.calls.end(), [&](const Call* on) { return on->link == link.no; }))
    return false;
  return link.up && link.pool == device.settings.pool &&
         std::find(device.refused_by.begin(), device.refused_by.end(), link.no) == device.refused_by.end();
}

bool State::serviceable(const Device& device) const {
  if (!device.settings.registered || device.virtual_queue()) return device.settings.registered;
  return std::any_of(links.begin(), links.end(), [&](const CtiLink& link) {
    return serves(link, device) || (link.coming_up && link.pool == device.settings.pool);
  });
}

void State::begin_anew(Now now) {
  State fresh(settings, now);
  fresh.started_ms = started_ms;
  fresh.role = role;
  fresh.epoch = epoch;
  fresh.pair = pair;
  fresh.event_sequence = event_sequence;
  for (auto& [session, client] : clients) {
    client->devices.clear();
    client->outstanding = 0;
    client->unanswered.clear();
  }
  for (const auto& [dn, device] : devices) {
    Device* same = fresh.device(dn);
    if (same == nullptr) continue;
    same->in_service = device->in_service;
    same->refused_by = device->refused_by;
    for (const Registration& r : device->registrations) {
      fresh.add_registration(*r.client, *same, r.mode);
      same->registrations.back() = r;
    }
  }
  fresh.clients = std::move(clients);
  for (CtiLink& link : links) {
    CtiLink& same = link.no < fresh.links.size() ? fresh.links[link.no] : fresh.links.emplace_back();
    same.no = link.no;
    same.name = link.name;
    same.pool = link.pool;
    same.up = link.up;
    same.draining = link.draining;
    same.incarnation = link.incarnation;
    same.application = link.application;
    same.last_command = link.last_command;
    same.generation = link.generation;
    same.registrations = std::move(link.registrations);
    same.call_data = std::move(link.call_data);
    same.call_data_bytes = link.call_data_bytes;
    same.lost_at = link.lost_at;
  }
  fresh.links_up = links_up;
  fresh.tally = std::move(tally);
  fresh.device_freed = true;
  *this = std::move(fresh);
}

bool State::draining() const {
  return std::any_of(links.begin(), links.end(), [](const CtiLink& link) { return link.up && link.draining; });
}

Call& State::create_call(LinkNo link, ConversationNo conversation, ConnId known, std::string uuid) {
  auto call = std::make_unique<Call>();
  call->id = known;
  while (!call->id || calls.contains(call->id)) call->id = identity.next_conn_id();
  call->uuid = uuid.empty() ? call_uuid(call->id) : std::move(uuid);
  call->call_id = identity.next_call_id();
  call->link = link;
  call->conversation = conversation;
  Call& made = *call;
  ++tally.calls;
  calls.emplace(made.id, std::move(call));
  links[link].conversations.emplace(conversation, &made);
  return made;
}

Party& State::add_party(Call& call, Party party) {
  touch(call);
  party.joined = ++last_joined;
  if (party.device != nullptr) party.device->calls.push_back(&call);
  call.parties.push_back(std::move(party));
  return call.parties.back();
}

void State::remove_party(Call& call, Party& party) {
  touch(call);
  if (party.device != nullptr) {
    call.pass_through = party.device->settings.pass_through;
    drop_call(*party.device, &call);
    device_freed = device_freed || party.device->calls.empty();
  }
  call.parties.remove_if([&](const Party& p) { return &p == &party; });
}

void State::move_party(Call& call, Party& party, Device* device) {
  touch(call);
  if (party.device != nullptr) drop_call(*party.device, &call);
  device_freed = true;
  party.device = device;
  party.joined = ++last_joined;
  if (device != nullptr) device->calls.push_back(&call);
}

void State::merge_calls(Call& into, Call& from) {
  touch(into);
  for (const Call* call : {&from, &into}) {
    for (const Party& party : call->parties) {
      if (party.device == nullptr) continue;
      for (Call* const other : party.device->calls) {
        if (other->main != from.id) continue;
        other->main = into.id;
        touched.call(other->id);
      }
    }
  }
  for (const Party& party : from.parties) {
    if (party.device == nullptr) continue;
    auto& on = party.device->calls;
    std::replace(on.begin(), on.end(), &from, &into);
  }
  // Consultations share data with `into` if the call they shared them with did.
  const bool shared = from.joint_data && from.main == into.id;
  for (const ConnId id : from.joint) {
    Call* consult = this->call(id);
    if (consult == nullptr) continue;
    consult->main = into.id;
    consult->joint_data = shared;
    if (shared) into.joint.push_back(id);
  }
  for (auto& [key, waiting] : awaited) {
    if (waiting.call != from.id) continue;
    waiting.call = into.id;
    touched.awaited(key);
  }
  into.contested = into.contested || from.contested;
  into.parties.splice(into.parties.end(), from.parties);
  CtiLink& link = links[into.link];
  from.merged.push_back(from.conversation);
  for (const ConversationNo no : from.merged) link.merged[no] = &into;
  into.merged.insert(into.merged.end(), from.merged.begin(), from.merged.end());
  from.merged.clear();
  remove_call(from);
}

void State::move_call(Call& call, LinkNo to) {
  CtiLink& from = links[call.link];
  for (const ConversationNo no : call.merged) {
    from.merged.erase(no);
    links[to].merged[no] = &call;
  }
  from.conversations.erase(call.conversation);
  links[to].conversations.emplace(call.conversation, &call);
  call.link = to;
}

std::vector<Call*> State::memberships(Call& call, const Party& party) const {
  std::vector<Call*> found{&call};
  if (party.device == nullptr || !party.no) return found;
  for (Call* other : party.device->calls) {
    const Party* there = other != &call && other->link == call.link ? other->party(party.device) : nullptr;
    if (there != nullptr && there->no == party.no) found.push_back(other);
  }
  return found;
}

void State::touch(const Call& call) {
  if (!touched.on) return;
  touched.call(call.id);
  for (const Party& party : call.parties) {
    if (party.device != nullptr) touched.device(*party.device);
  }
}

void State::remove_call(Call& call) {
  touch(call);
  if (Call* main = call.joint_data ? this->call(call.main) : nullptr) std::erase(main->joint, call.id);
  for (const ConnId id : call.joint) {  // they have lists of their own from now on
    if (Call* consult = this->call(id); consult != nullptr && consult->main == call.id) consult->joint_data = false;
  }
  for (const Party& party : call.parties) {
    if (party.device != nullptr) drop_call(*party.device, &call);
  }
  device_freed = true;
  if (!identity.made(call.id)) {
    ended_adopted.insert(call.id);
    touched.ended(call.id);
  }
  for (const ConversationNo no : call.merged) links[call.link].merged.erase(no);
  links[call.link].conversations.erase(call.conversation);
  calls.erase(call.id);
}

Agent& State::add_agent(Device& device, const std::string& id) {
  touched.device(device);
  device.agent = std::make_unique<Agent>();
  device.agent->id = id;
  device.agent->session = ++agents.last_session;
  agents.by_id.emplace(id, &device);
  agents.by_session.emplace(device.agent->session, &device);
  return *device.agent;
}

void State::remove_agent(Device& device) {
  touched.device(device);
  agents.by_id.erase(device.agent->id);
  agents.by_session.erase(device.agent->session);
  device.agent.reset();
}

Registration& State::add_registration(Client& client, Device& device, tlib::TRegisterMode mode) {
  touched.device(device);
  client.devices.push_back(&device);
  return device.registrations.emplace_back(Registration{&client, mode, {}});
}

void State::remove_registration(Client& client, Device& device) {
  touched.device(device);
  std::erase_if(device.registrations, [&](const Registration& r) { return r.client == &client; });
  std::erase(client.devices, &device);
  if (device.direct_override_by == client.session) {
    device.direct_override.reset();
    device.direct_override_by = {};
  }
}

void State::resize_links() {
  // Links that left the configuration keep their place until they are down and without calls; numbers never shift.
  for (LinkNo no = 0; no < settings->links.size(); ++no) {
    if (no >= links.size()) links.emplace_back().no = no;
    links[no].name = settings->links[no].name;
    links[no].pool = settings->links[no].pool;
  }
}

}  // namespace tandem::tserver
