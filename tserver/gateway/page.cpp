#include "tserver/gateway/page.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tandem::tserver {
namespace {

double seconds(Instant time) {
  return std::chrono::duration<double>(time).count();
}

// What a call is doing, seen as a whole: the first of these that one of its parties is in.
constexpr std::array<const char*, 5> kCallStates{"queued", "ringing", "dialing", "held", "connected"};
std::size_t state_of(const Call& call) {
  std::size_t first = 4;
  for (const Party& party : call.parties) {
    switch (party.state) {
      case PartyState::Queued:
        return 0;
      case PartyState::Alerting:
        first = std::min<std::size_t>(first, 1);
        break;
      case PartyState::Dialing:
        first = std::min<std::size_t>(first, 2);
        break;
      case PartyState::Held:
        first = std::min<std::size_t>(first, 3);
        break;
      case PartyState::Connected:
        break;
    }
  }
  return first;
}

std::string short_name(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string error_name(std::int32_t code) {
  const auto& name = tlib::TErrorCode_Name(static_cast<tlib::TErrorCode>(code));
  return name.empty() ? std::to_string(code) : name;
}

std::string type_name(std::size_t type) {
  const auto& name = tlib::MessageType_Name(static_cast<tlib::MessageType>(type));
  return type == 0 || name.empty() ? "unknown" : name;
}

void add_calls(metrics::Exposition& out, const State& state) {
  std::map<std::pair<std::size_t, tlib::TCallType>, std::uint64_t> calls;
  for (const auto& [id, call] : state.calls) ++calls[{state_of(*call), call->type}];
  out.gauge("tandem_calls", "Calls in progress, by what they are doing and by type.");
  for (const auto& [kind, count] : calls)
    out.add({{"state", kCallStates[kind.first]}, {"type", short_name(tlib::TCallType_Name(kind.second), "CallType")}},
            static_cast<double>(count));
  out.gauge("tandem_calls_limit", "Most calls at once (limits/calls).").add(state.settings->max_calls);
  out.counter("tandem_calls_created_total", "Calls since the start.").add(static_cast<double>(state.tally.calls));
}

void add_queues(metrics::Exposition& out, const State& state, Now now) {
  std::vector<const Device*> points;
  for (const auto& [dn, device] : state.devices)
    if (device->routes()) points.push_back(device.get());
  std::sort(points.begin(), points.end(), [](const Device* a, const Device* b) { return a->dn < b->dn; });

  out.gauge("tandem_queue_calls", "Calls that wait at a Routing Point.");
  for (const Device* point : points) out.add({{"dn", point->dn.str()}}, static_cast<double>(point->calls.size()));
  out.gauge("tandem_queue_oldest_wait_seconds", "How long the oldest of them has waited.");
  for (const Device* point : points) {
    Instant longest{0};
    for (Call* call : point->calls) {
      const Party* party = call->party(point);
      if (party != nullptr) longest = std::max(longest, now.steady - party->queued_at);
    }
    out.add({{"dn", point->dn.str()}}, seconds(longest));
  }
  out.gauge("tandem_queue_routers", "Clients registered on a Routing Point that can route.");
  for (const Device* point : points)
    out.add({{"dn", point->dn.str()}}, static_cast<double>(std::count_if(
                                           point->registrations.begin(), point->registrations.end(),
                                           [](const Registration& r) { return r.mode != tlib::RegisterModeMonitor; })));

  std::vector<std::pair<std::string_view, const QueueTally*>> tallies;
  for (const auto& [dn, tally] : state.tally.queues) tallies.emplace_back(dn.str(), &tally);
  std::sort(tallies.begin(), tallies.end());
  out.counter("tandem_queue_entered_total", "Calls that came to a Routing Point.");
  for (const auto& [dn, tally] : tallies) out.add({{"dn", dn}}, static_cast<double>(tally->entered));
  out.counter("tandem_queue_diverted_total", "Calls that left it for where they were routed.");
  for (const auto& [dn, tally] : tallies) out.add({{"dn", dn}}, static_cast<double>(tally->diverted));
  out.counter("tandem_queue_abandoned_total", "Calls whose caller gave up there.");
  for (const auto& [dn, tally] : tallies) out.add({{"dn", dn}}, static_cast<double>(tally->abandoned));
  out.histogram("tandem_queue_wait_seconds", "How long calls that left had waited.");
  for (const auto& [dn, tally] : tallies) out.add({{"dn", dn}}, tally->wait);
}

// As a DN's snapshot has them.
void add_agents(metrics::Exposition& out, const State& state) {
  constexpr std::array<const char*, 6> names{"unknown", "logged-in", "ready", "not-ready", "after-call-work", "away"};
  std::array<std::uint64_t, names.size()> agents{};
  for (const auto& [dn, device] : state.devices) {
    if (device->agent == nullptr) continue;
    const std::int32_t status = agent_status(device->agent.get());
    ++agents[status > 0 && status < static_cast<std::int32_t>(names.size()) ? static_cast<std::size_t>(status) : 0];
  }
  out.gauge("tandem_agents", "Agents logged in.");
  for (std::size_t i = 1; i < names.size(); ++i) out.add({{"state", names[i]}}, static_cast<double>(agents[i]));
}

void add_dns(metrics::Exposition& out, const State& state) {
  std::map<std::pair<DnType, bool>, std::uint64_t> dns;
  for (const auto& [dn, device] : state.devices) ++dns[{device->settings.type, device->in_service}];
  constexpr std::array<const char*, 7> names{"Extension",  "Routing Point", "External Routing Point",
                                             "ACD Queue",  "Virtual Queue", "Voice over IP Service",
                                             "Trunk Group"};
  out.gauge("tandem_dns", "Configured DNs.");
  for (const auto& [kind, count] : dns)
    out.add({{"type", names[static_cast<std::size_t>(kind.first)]}, {"service", kind.second ? "in" : "out"}},
            static_cast<double>(count));
}

void add_traffic(metrics::Exposition& out, const Meter& meter) {
  out.counter("tandem_requests_total", "Requests of clients; refused: by an EventError at once.");
  for (std::size_t type = 0; type < Meter::kTypes; ++type) {
    const Meter::Requests& count = meter.requests()[type];
    if (count.taken == 0) continue;
    const std::string name = type_name(type);
    out.add({{"request", name}, {"result", "accepted"}}, static_cast<double>(count.taken - count.refused));
    out.add({{"request", name}, {"result", "refused"}}, static_cast<double>(count.refused));
  }
  out.counter("tandem_errors_total", "EventErrors sent, also those that come later.");
  for (const auto& [code, count] : meter.errors()) out.add({{"error", error_name(code)}}, static_cast<double>(count));
  out.counter("tandem_events_total", "Events sent, each counted once however many clients hear of it.");
  for (std::size_t type = 0; type < Meter::kTypes; ++type) {
    if (const auto count = meter.events()[type]; count > 0)
      out.add({{"event", type_name(type)}}, static_cast<double>(count));
  }
  out.counter("tandem_event_copies_total", "Events sent, each counted for every client that hears of it.")
      .add(static_cast<double>(meter.copies()));
  out.counter("tandem_commands_total", "Commands to Connectors.").add(static_cast<double>(meter.commands()));
  out.histogram("tandem_handling_seconds", "Time the model takes over one input.");
  for (std::size_t i = 0; i < Meter::kKinds.size(); ++i)
    out.add({{"input", Meter::kKinds[i]}}, meter.took(static_cast<Meter::Kind>(i)));
}

void add_client_queues(metrics::Exposition& out, const Figures& figures) {
  out.gauge("tandem_client_queue_bytes", "Bytes that clients have not taken yet.")
      .add(static_cast<double>(figures.client_queues));
  out.gauge("tandem_client_queue_largest_bytes", "Bytes that one client, the slowest, has not taken yet.")
      .add(static_cast<double>(figures.longest_client_queue));
  out.gauge("tandem_client_queue_limit_bytes", "A client with more than these is disconnected (limits/client-queue).")
      .add(static_cast<double>(figures.client_queue_limit));
  out.gauge("tandem_kept_sessions", "Client sessions that outlive their connection.")
      .add({{"connected", "yes"}}, static_cast<double>(figures.kept_sessions - figures.kept_unconnected))
      .add({{"connected", "no"}}, static_cast<double>(figures.kept_unconnected));
}

void add_sync(metrics::Exposition& out, const State& state, const Figures& figures) {
  if (!state.settings->hot_standby) return;
  const auto is = [&](PairReport::Sync sync) { return state.pair.sync == sync ? 1.0 : 0.0; };
  out.gauge("tandem_sync_state", "1 for how far the backup of the pair is; off: the primary has none.")
      .add({{"state", "off"}}, is(PairReport::Sync::Off))
      .add({{"state", "joining"}}, is(PairReport::Sync::Joining))
      .add({{"state", "caught-up"}}, is(PairReport::Sync::CaughtUp));
  out.gauge("tandem_sync_lag_seconds", "How old what the backup knows is.");
  if (state.pair.lag_ms >= 0) out.add(static_cast<double>(state.pair.lag_ms) / 1000);
  out.gauge("tandem_sync_records", "Records that the backup has.").add(static_cast<double>(state.pair.records));
  out.counter("tandem_sync_deltas_total", "Inputs whose changes were told to the backup.")
      .add(static_cast<double>(figures.sync_deltas));
  out.counter("tandem_sync_bytes_total", "Bytes of them, without TLS.").add(static_cast<double>(figures.sync_bytes));
  out.counter("tandem_sync_snapshots_total", "Times that the backup was told everything.")
      .add(static_cast<double>(figures.sync_snapshots));
}

void add_links(metrics::Exposition& out, const State& state, const std::vector<LinkFigures>& links) {
  out.gauge("tandem_link_up", "1 while the link to a Connector is up.");
  for (const LinkFigures& link : links) out.add({{"link", link.name}}, link.up ? 1 : 0);
  out.gauge("tandem_link_queue_bytes", "Bytes that a Connector has not taken yet.");
  for (const LinkFigures& link : links) out.add({{"link", link.name}}, static_cast<double>(link.queued));
  out.gauge("tandem_link_round_trip_seconds", "How long a Connector took to answer the last time it was asked.");
  for (const LinkFigures& link : links)
    if (link.up && link.round_trip.count() > 0) out.add({{"link", link.name}}, seconds(link.round_trip));
  out.gauge("tandem_link_draining", "1 while a Connector takes no new calls because it was told to end.");
  for (const CtiLink& link : state.links)
    if (!link.name.empty()) out.add({{"link", link.name}}, link.up && link.draining ? 1 : 0);
  out.gauge("tandem_link_calls", "Calls on a Connector.");
  for (const CtiLink& link : state.links)
    if (!link.name.empty()) out.add({{"link", link.name}}, static_cast<double>(link.conversations.size()));
}

}  // namespace

void add_metrics(metrics::Exposition& out, const State& state, const Meter& meter, const Figures& figures, Now now) {
  out.gauge("tandem_role_primary", "1 while this T-Server is primary, 0 while it is the backup of its pair.")
      .add(state.role == Role::Primary ? 1 : 0);
  out.gauge("tandem_role_epoch", "Epoch of the role it has, or had last.").add(static_cast<double>(state.epoch));
  add_calls(out, state);
  add_queues(out, state, now);
  add_agents(out, state);
  add_dns(out, state);
  const auto open =
      std::count_if(state.clients.begin(), state.clients.end(), [](const auto& client) { return client.second->open; });
  out.gauge("tandem_clients", "T-Library clients with an open session.").add(static_cast<double>(open));
  out.gauge("tandem_event_sequence", "EventSequenceNumber last given.").add(static_cast<double>(state.event_sequence));
  add_client_queues(out, figures);
  out.gauge("tandem_timers", "Timers that run in the model.").add(static_cast<double>(figures.timers));
  add_sync(out, state, figures);
  add_links(out, state, figures.links);
  add_traffic(out, meter);
}

std::size_t unsettled(const State& state) {
  return static_cast<std::size_t>(std::count_if(state.calls.begin(), state.calls.end(), [](const auto& entry) {
    const Call& call = *entry.second;
    return call.attempt || state_of(call) < 3;
  }));
}

}  // namespace tandem::tserver
