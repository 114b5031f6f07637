// Where phones are: each Connector tells the bindings it holds, every other Connector of its pool is told them, so that
// any of them reaches any phone.
#include "tserver/features/locations.h"

#include "tserver/features/features.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxAors = 200000;  // per Connector

void pass_on(Core& core, const CtiLink& from, CtiLink& to, const link::Registration& registration) {
  if (&from == &to || !to.up || to.pool != from.pool) return;
  core.order(to, {}, {},
             [&](link::Command& command) { *command.mutable_location()->mutable_registration() = registration; });
}

void pass_on(Core& core, const CtiLink& from, const link::Registration& registration) {
  for (CtiLink& to : core.state.links) pass_on(core, from, to, registration);
}

void on_registration(Core& core, CtiLink& link, const link::Happening& happening) {
  const link::Registration& registration = happening.registration();
  if (registration.aor().empty()) return;
  if (registration.contacts_size() == 0) {
    link.registrations.erase(registration.aor());
  } else if (link.registrations.size() < kMaxAors || link.registrations.contains(registration.aor())) {
    link.registrations[registration.aor()] = registration;
  }
  pass_on(core, link, registration);
}

}  // namespace

void exchange_locations(Core& core, CtiLink& link, const link::Snapshot& snapshot) {
  auto before = std::move(link.registrations);
  link.registrations.clear();
  for (const link::Registration& registration : snapshot.registrations()) {
    before.erase(registration.aor());
    if (registration.contacts_size() == 0 || link.registrations.size() >= kMaxAors) continue;
    link.registrations[registration.aor()] = registration;
    pass_on(core, link, registration);
  }
  for (auto& [aor, registration] : before) {  // gone while the Connector was away
    registration.clear_contacts();
    pass_on(core, link, registration);
  }
  for (const CtiLink& other : core.state.links) {
    for (const auto& [aor, registration] : other.registrations) pass_on(core, other, link, registration);
  }
}

void register_locations(Table& table) {
  table.on(link::Happening::kRegistration, on_registration);
}

}  // namespace tandem::tserver
