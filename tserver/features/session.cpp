// Client sessions: opening, the event mask, what the server is (MMC-386 to MMC-388, MMC-408).
#include <algorithm>
#include <charconv>

#include "tserver/features/agent.h"
#include "tserver/features/alternate_routing.h"
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/session.h"
#include "tserver/features/virtual_queue.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

// "tserver protocol 4.2": another major number is another protocol. None given is taken for ours.
bool speaks_our_protocol(std::string_view version) {
  if (version.empty()) return true;
  const auto digit = version.find_first_of("0123456789");
  if (digit == std::string_view::npos) return false;
  int major = 0;
  std::from_chars(version.data() + digit, version.data() + version.size(), major);
  return major == kProtocolMajor;
}

Event link_status(Core& core) {
  Event event = new_event(core.now, core.state.links_up > 0 ? tlib::EventLinkConnected : tlib::EventLinkDisconnected);
  event->set_applicationname(core.settings().application);
  event->set_serverversion(core.settings().version);
  event->set_protocolversion(std::string(kProtocolVersion));
  event->set_serverrole(server_role(core));
  event->set_serverstarttime(core.state.started_ms / 1000);
  return event;
}

std::optional<Refusal> register_client(Core& core, Request& request) {
  Client& client = request.client;
  if (client.open) return refusal(tlib::TERR_IN_SAME_STATE, "the session is open already");
  if (!speaks_our_protocol(request.message.protocolversion())) {
    return refusal(tlib::TERR_PROTO_VERS, "this server speaks " + std::string(kProtocolVersion));
  }
  client.open = true;
  client.application = request.message.applicationname();
  core.log(LogLevel::Interaction, "client " + std::to_string(client.session.value) + " " + client.application + " at " +
                                      client.peer + ": session opened");
  Event event = link_status(core);
  event->set_sessionid(client.session.value);
  if (request.message.has_sessiontoken()) {  // the clients room keeps this session
    event->set_sessiontoken(request.message.sessiontoken());
    event->set_sessionkept(request.message.sessionkept());
  }
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

std::optional<Refusal> set_input_mask(Core& core, Request& request) {
  const std::string& bytes = request.message.inputmask();
  if (bytes.empty() || bytes.size() > kMaskBits / 8)
    return refusal(tlib::TERR_INVALID_ATTR, "InputMask has 1 to 64 bytes");
  std::bitset<kMaskBits> mask;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit)
    mask[bit] = (static_cast<unsigned char>(bytes[bit / 8]) >> (bit % 8)) & 1;
  request.client.mask = mask;
  core.answer(request.asker(), new_event(core.now, tlib::EventACK));
  return std::nullopt;
}

// A backup calls itself so once it could go on with what the primary has.
const char* role_name(const State& state) {
  if (state.role == Role::Primary) return "primary";
  return state.pair.sync == PairReport::Sync::Joining ? "joining" : "backup";
}

void add_pair(tlib::KVList& extensions, const PairReport& pair) {
  if (pair.sync == PairReport::Sync::Off) return;
  kv_add(extensions, "sync", pair.sync == PairReport::Sync::CaughtUp ? "caught-up" : "joining");
  kv_add(extensions, "sync-lag-ms", static_cast<std::int32_t>(std::min<std::int64_t>(pair.lag_ms, INT32_MAX)));
  kv_add(extensions, "sync-records", static_cast<std::int32_t>(pair.records));
}

std::optional<Refusal> query_server(Core& core, Request& request) {
  Event event = new_event(core.now, tlib::EventServerInfo);
  event->set_applicationname(core.settings().application);
  event->set_serverversion(core.settings().version);
  event->set_protocolversion(std::string(kProtocolVersion));
  event->set_serverrole(server_role(core));
  event->set_serverstarttime(core.state.started_ms / 1000);
  std::string mask(kMaskBits / 8, '\0');
  for (std::size_t bit = 0; bit < kMaskBits; ++bit) {
    if (core.table.capabilities[bit]) mask[bit / 8] = static_cast<char>(mask[bit / 8] | (1 << (bit % 8)));
  }
  event->set_capabilities(mask);
  *event->mutable_serverxcapabilities() = core.table.extended;
  tlib::KVList& extensions = *event->mutable_extensions();
  kv_add(extensions, "role", role_name(core.state));
  kv_add(extensions, "redundancy", core.settings().hot_standby ? "hot-standby" : "none");
  kv_add(extensions, "epoch", std::to_string(core.state.epoch));
  add_pair(extensions, core.state.pair);
  kv_add(extensions, "links-up", static_cast<std::int32_t>(core.state.links_up));
  kv_add(extensions, "links-total", static_cast<std::int32_t>(core.settings().links.size()));
  kv_add(extensions, "calls", static_cast<std::int32_t>(core.state.calls.size()));
  kv_add(extensions, "clients", static_cast<std::int32_t>(core.state.clients.size()));
  kv_add(extensions, "dns", static_cast<std::int32_t>(core.state.devices.size()));
  kv_add(extensions, "agents", static_cast<std::int32_t>(core.state.agents.by_id.size()));
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

}  // namespace

void client_opened(Core& core, const ClientOpened& opened) {
  auto client = std::make_unique<Client>();
  client->session = opened.session;
  core.state.touched.client(opened.session);
  client->peer = opened.peer;
  client->certificate = opened.certificate;
  core.state.clients.emplace(opened.session, std::move(client));
}

void client_closed(Core& core, const ClientClosed& closed) {
  Client* client = core.state.client(closed.session);
  if (client == nullptr) return;
  core.log(LogLevel::Interaction,
           "client " + std::to_string(client->session.value) + " " + client->application + ": closed, " + closed.why);
  const std::vector<Device*> devices = client->devices;
  std::vector<std::optional<bool>> logouts;
  for (Device* device : devices) {
    logouts.push_back(device->registration(*client)->logout_on_disconnect);
    core.state.remove_registration(*client, *device);
  }
  core.state.clients.erase(closed.session);
  core.state.touched.client(closed.session);
  for (std::size_t i = 0; i < devices.size(); ++i) agent_client_gone(core, *devices[i], closed.session, logouts[i]);
  for (Device* device : devices) routers_gone(core, *device);
  virtual_queue_client_gone(core, closed.session);
  const auto of_it = [&](const auto& entry) { return entry.second.session == closed.session; };
  if (std::erase_if(core.state.reservations, of_it) > 0) core.state.touched.everything();
}

tlib::TServerRole server_role(const Core& core) {
  return core.state.role == Role::Primary ? tlib::ServerRolePrimary : tlib::ServerRoleBackup;
}

void tell_disconnected(Core& core, tlib::TServerRole role) {
  Event event = link_status(core);
  event->set_type(tlib::EventLinkDisconnected);
  event->set_serverrole(role);
  core.tell_all(std::move(event));
}

void tell_link_status(Core& core) {
  core.tell_all(link_status(core));
}

void register_session(Table& table) {
  table.serve(tlib::RequestRegisterClient, register_client);
  table.serve(tlib::RequestSetInputMask, set_input_mask);
  table.serve(tlib::RequestQueryServer, query_server);
  table.makes({tlib::EventLinkConnected, tlib::EventLinkDisconnected, tlib::EventACK, tlib::EventServerInfo});
}

}  // namespace tandem::tserver
