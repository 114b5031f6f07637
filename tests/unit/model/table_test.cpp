// The table of features, and how they answer for all requests of the protocol.
#include <catch2/catch.hpp>

#include "tserver/features/features.h"
#include "tserver/features/machine.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

bool is_request(const std::string& name) {
  return name.starts_with("Request");
}

}  // namespace

TEST_CASE("Capabilities name what is served, and nothing else") {
  const Table table = all_features();
  for (int type = 0; type < tlib::MessageType_ARRAYSIZE; ++type) {
    if (!tlib::MessageType_IsValid(type) || type >= static_cast<int>(Table::kRequests)) continue;
    const std::string name = tlib::MessageType_Name(static_cast<tlib::MessageType>(type));
    INFO(name);
    const bool served = table.requests[static_cast<std::size_t>(type)] != nullptr;
    CHECK((!served || is_request(name)));
    if (is_request(name)) CHECK(table.capabilities[static_cast<std::size_t>(type)] == served);
  }
  CHECK(table.capabilities[tlib::EventRouteRequest]);
  CHECK(table.capabilities[tlib::EventHeld]);
  CHECK_FALSE(table.capabilities[tlib::EventOffHook]);
}

TEST_CASE("every message a client may send gets exactly one answer (MMC-417)") {
  Settings settings;
  settings.dns[Dn("alice")] = {.dn = Dn("alice")};
  settings.links = {{"c1", ""}};
  const auto machine =
      make_machine(std::make_shared<const Settings>(settings), Now{Instant(0), std::chrono::seconds(1790000000)});
  const SessionId session{1};
  Effects effects;
  machine->handle(LinkUp{0, {}, {}}, Now{}, effects);
  machine->handle(ClientOpened{session, "peer"}, Now{}, effects);
  tlib::Message open;
  open.set_type(tlib::RequestRegisterClient);
  machine->handle(ClientRequest{session, open}, Now{}, effects);
  for (int type = -1; type < 1100; ++type) {
    tlib::Message message;
    if (type >= 0) message.set_type(static_cast<tlib::MessageType>(type));
    message.set_referenceid(type + 10);
    message.set_thisdn("alice");
    message.set_otherdn("alice");
    effects.clear();
    machine->handle(ClientRequest{session, message}, Now{}, effects);
    int answers = 0;
    for (const Effect& effect : effects) {
      const auto* deliver = std::get_if<Deliver>(&effect);
      answers += deliver != nullptr && deliver->requester == session && deliver->reference_id == type + 10;
    }
    INFO("type " << type);
    CHECK(answers == 1);
  }
}
