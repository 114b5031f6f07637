#include "tserver/records/device_record.h"

#include <algorithm>

namespace tandem::tserver {
namespace {

// A member that is added belongs into the record, or is derived from it: then correct the number.
static_assert(sizeof(Registration) == 16 && sizeof(Device) == 384 && sizeof(Client) == 272);

std::string bytes_of(const std::bitset<kMaskBits>& mask) {
  std::string bytes(kMaskBits / 8, '\0');
  for (std::size_t bit = 0; bit < kMaskBits; ++bit) {
    if (mask[bit]) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] | (1 << (bit % 8)));
  }
  return bytes;
}

bool live(const Registration& registration) {
  return is_kept(registration.client->session);
}

bool overridden(const Device& device) {
  return device.direct_override && is_kept(device.direct_override_by);
}

}  // namespace

bool has_record(const Device& device) {
  return device.dnd || overridden(device) || device.next_guard ||
         std::any_of(device.registrations.begin(), device.registrations.end(), live);
}

void write_device(const Device& device, sync::Device& to) {
  to.set_dn(device.dn.str());
  to.set_dnd(device.dnd);
  if (overridden(device)) {
    to.set_direct_override(*device.direct_override);
    to.set_direct_override_by(device.direct_override_by.value);
  }
  if (device.next_guard) to.set_next_guard_s(static_cast<std::uint32_t>(device.next_guard->count()));
  for (const Registration& registration : device.registrations) {
    if (!live(registration)) continue;
    sync::Registration& one = *to.add_registrations();
    one.set_session(registration.client->session.value);
    one.set_mode(static_cast<std::uint32_t>(registration.mode));
    if (registration.logout_on_disconnect) one.set_logout_on_disconnect(*registration.logout_on_disconnect);
  }
}

void read_device(State& state, const sync::Device& from) {
  Device* device = state.device(Dn(from.dn()));
  if (device == nullptr) return;
  device->dnd = from.dnd();
  if (from.has_direct_override()) {
    device->direct_override = from.direct_override();
    device->direct_override_by = SessionId{from.direct_override_by()};
  }
  if (from.has_next_guard_s()) device->next_guard = std::chrono::seconds(from.next_guard_s());
  for (const sync::Registration& registration : from.registrations()) {
    Client* client = state.client(SessionId{registration.session()});
    if (client == nullptr || device->registration(*client) != nullptr) continue;
    Registration& made =
        state.add_registration(*client, *device, static_cast<tlib::TRegisterMode>(registration.mode()));
    if (registration.has_logout_on_disconnect()) made.logout_on_disconnect = registration.logout_on_disconnect();
  }
}

void write_client(const Client& client, sync::Client& to) {
  to.set_session(client.session.value);
  to.set_peer(client.peer);
  to.set_certificate(client.certificate);
  to.set_application(client.application);
  to.set_open(client.open);
  if (!client.mask.all()) to.set_mask(bytes_of(client.mask));
  to.set_monitors_locations(client.monitors_locations);
  for (const std::int32_t subscription : client.subscriptions) to.add_subscriptions(subscription);
  to.set_last_subscription(client.last_subscription);
}

void read_client(State& state, const sync::Client& from) {
  const SessionId session{from.session()};
  if (!is_kept(session)) return;
  auto client = std::make_unique<Client>();
  client->session = session;
  client->peer = from.peer();
  client->certificate = from.certificate();
  client->application = from.application();
  client->open = from.open();
  const std::string& mask = from.mask();
  for (std::size_t bit = 0; bit < kMaskBits && !mask.empty(); ++bit)
    client->mask[bit] = bit / 8 < mask.size() && ((static_cast<unsigned char>(mask[bit / 8]) >> (bit % 8)) & 1) != 0;
  client->monitors_locations = from.monitors_locations();
  client->subscriptions.assign(from.subscriptions().begin(), from.subscriptions().end());
  client->last_subscription = from.last_subscription();
  state.clients.emplace(session, std::move(client));
}

}  // namespace tandem::tserver
