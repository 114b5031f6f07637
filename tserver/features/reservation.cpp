// RequestReserveAgent: routing applications that share agents keep one for themselves for a moment (MMC-412). It binds
// applications to each other; calls are not refused for it.
#include <algorithm>

#include "tserver/features/checks.h"
#include "tserver/features/features.h"

namespace tandem::tserver {
namespace {

constexpr Instant kUsual = std::chrono::seconds(10);
constexpr Instant kLongest = std::chrono::minutes(10);
constexpr std::size_t kMaxReservations = 100000;

std::vector<std::string> keys_of(const tlib::Message& message) {
  std::vector<std::string> keys;
  if (!message.thisdn().empty()) keys.push_back("dn " + Dn(message.thisdn()).str());
  if (!message.agentid().empty()) keys.push_back("agent " + message.agentid());
  if (!message.place().empty()) keys.push_back("place " + message.place());
  return keys;
}

void forget_past(Core& core) {
  const auto past = [&](const auto& entry) { return entry.second.until <= core.now.steady; };
  if (std::erase_if(core.state.reservations, past) > 0) core.state.touched.everything();
}

Instant interval_of(const tlib::Message& message) {
  if (!message.has_timeout()) return kUsual;
  return std::min(kLongest, Instant(std::chrono::milliseconds(message.timeout())));
}

Check reserved_by_others(const Core& core, SessionId session, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    const auto it = core.state.reservations.find(key);
    if (it != core.state.reservations.end() && it->second.session != session && it->second.until > core.now.steady)
      return refusal(tlib::TERR_AGENT_ALREADY_RESERVED, "the agent is reserved by another client");
  }
  return std::nullopt;
}

// Timeout is the interval in milliseconds; 0 gives the agent back.
std::optional<Refusal> reserve_agent(Core& core, Request& request) {
  const tlib::Message& message = request.message;
  const auto keys = keys_of(message);
  if (keys.empty()) return refusal(tlib::TERR_INVALID_ATTR, "none of ThisDN, AgentID and Place is given");
  if (message.timeout() < 0) return refusal(tlib::TERR_INVALID_ATTR, "Timeout is negative");
  if (!message.thisdn().empty() && core.state.device(Dn(message.thisdn())) == nullptr)
    return refusal(tlib::TERR_NOT_CONFIGURED, "ThisDN is not configured");
  if (!message.agentid().empty() && core.state.agents.find(message.agentid()) == nullptr)
    return refusal(tlib::TERR_NOT_SIGNED_AGENT, "the agent is not logged in");
  if (auto why = reserved_by_others(core, request.client.session, keys)) return why;
  auto& reservations = core.state.reservations;
  if (reservations.size() + keys.size() > kMaxReservations) forget_past(core);
  if (reservations.size() + keys.size() > kMaxReservations)
    return refusal(tlib::TERR_TOO_MANY_REQ, "too many agents are reserved");
  const Instant interval = interval_of(message);
  for (const std::string& key : keys) {
    core.state.touched.reservation(key);
    if (interval.count() == 0) {
      reservations.erase(key);
    } else {
      reservations[key] = {request.client.session, core.now.steady + interval};
    }
  }
  Event event = new_event(core.now, tlib::EventAgentReserved);
  if (message.has_thisdn()) event->set_thisdn(Dn(message.thisdn()).str());
  if (message.has_agentid()) event->set_agentid(message.agentid());
  if (message.has_place()) event->set_place(message.place());
  event->set_timeout(
      static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(interval).count()));
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

}  // namespace

void register_reservation(Table& table) {
  table.serve(tlib::RequestReserveAgent, reserve_agent);
  table.makes({tlib::EventAgentReserved});
}

}  // namespace tandem::tserver
