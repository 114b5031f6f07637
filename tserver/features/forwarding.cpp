#include "tserver/features/forwarding.h"

#include <algorithm>

#include "tserver/features/attempt.h"
#include "tserver/features/leaving.h"
#include "tserver/features/party_events.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxHops = 5;  // destinations tried in one attempt, the first included
constexpr int kMaxAlternatives = 8;  // contacts taken from one answer

void remember_contacts(Attempt& attempt, const link::Failed& failed) {
  if (failed.status() < 300 || failed.status() > 399) return;
  std::vector<std::string> contacts;
  for (int i = 0; i < std::min(failed.contacts_size(), kMaxAlternatives); ++i) {
    contacts.emplace_back(bare_address(failed.contacts(i)));
  }
  attempt.alternatives.insert(attempt.alternatives.begin(), contacts.begin(), contacts.end());
}

std::optional<Destination> next_destination(Core& core, const Call& call, Attempt& attempt) {
  while (!attempt.alternatives.empty() && attempt.tried.size() < kMaxHops) {
    const std::string contact = std::move(attempt.alternatives.front());
    attempt.alternatives.erase(attempt.alternatives.begin());
    auto found = find_destination(core, core.pool_of(call), contact, tlib::TERR_INV_DEST_DN);
    if (!found) continue;
    const std::string& name = found->name();
    if (std::find(attempt.tried.begin(), attempt.tried.end(), name) != attempt.tried.end()) continue;
    if (const_cast<Call&>(call).party(found->device) != nullptr) continue;
    return *found;
  }
  return std::nullopt;
}

}  // namespace

bool forward(Core& core, Call& call, Attempt& attempt, Party& leg, const link::Failed* redirect) {
  if (redirect != nullptr) remember_contacts(attempt, *redirect);
  const auto next = next_destination(core, call, attempt);
  if (!next) return false;
  core.log(LogLevel::Interaction, call, leg.name(), "forwards to " + next->name());
  tell_released(core, call, leg,
                {.state = tlib::CallStateForwarded, .third_party = &next->name(), .third_role = tlib::RoleDeletedBy});
  const std::string before = leg.name();
  const tlib::TDNRole role = leg.role;
  core.state.remove_party(call, leg);
  if (attempt.purpose == Attempt::Purpose::Joining)
    tell_replaced(core, call, next->name(), role, before, tlib::CallStateForwarded);
  if (!next->routes()) {
    start_attempt(core, call, std::move(attempt), *next, tlib::CallStateForwarded);
  } else if (attempt.purpose == Attempt::Purpose::Routed) {
    if (attempt.asker) core.settle(attempt.asker);
    change_routing_point(core, call, *next->device, attempt, tlib::CallStateForwarded);
  } else if (attempt.purpose == Attempt::Purpose::Transfer) {
    transfer_to_routing_point(core, call, attempt, *next->device);
  } else {
    queue_at(core, call, *next->device, tlib::CallStateForwarded);
  }
  return true;
}

}  // namespace tandem::tserver
