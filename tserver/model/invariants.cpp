#include "tserver/model/invariants.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tandem::tserver {
namespace {

class Checker {
 public:
  explicit Checker(const State& state) : state_(state) {}

  std::vector<std::string> run() {
    for (const auto& [id, call] : state_.calls) check_call(id, *call);
    for (const auto& [key, awaited] : state_.awaited) {
      expect(key == Awaited::key(awaited.link, awaited.command), "an awaited command is filed under its key");
      const auto call = state_.calls.find(awaited.call);
      expect(call != state_.calls.end() && call->second->party(awaited.party) != nullptr,
             awaited.this_dn + ": what is awaited is of a party that is there");
      if (state_.clients.contains(awaited.asker.session)) ++pending_[awaited.asker.session];
    }
    for (const Asker& asker : state_.switchover) {
      if (state_.clients.contains(asker.session)) ++pending_[asker.session];
    }
    for (const auto& [dn, device] : state_.devices) check_device(dn, *device);
    check_agents();
    for (const auto& [id, places] : state_.virtual_queues) {
      expect(state_.calls.contains(id), "a call in a Virtual Queue is there");
      expect(!places.empty(), "who is in no Virtual Queue isn't filed");
      for (const VirtualPlace& place : places)
        expect(state_.devices.contains(place.queue) && state_.clients.contains(place.by),
               place.queue.str() + ": is a Virtual Queue, and who filled it is there");
    }
    for (const auto& [session, client] : state_.clients) check_client(session, *client);
    check_links();
    return std::move(found_);
  }

 private:
  void expect(bool holds, const std::string& what) {
    if (!holds) found_.push_back(what);
  }

  void check_call(ConnId id, const Call& call) {
    const std::string name = "call " + to_string(id) + ": ";
    expect(call.id == id && id, name + "is filed under its ConnID");
    expect(call.uuid.size() == 32, name + "has a CallUUID of 32 characters");
    expect(!call.parties.empty(), name + "has parties");
    expect(call.link < state_.links.size(), name + "is on a link");
    if (call.link < state_.links.size()) {
      const auto& conversations = state_.links[call.link].conversations;
      const auto it = conversations.find(call.conversation);
      expect(it != conversations.end() && it->second == &call, name + "is filed under its conversation");
    }
    int queued = 0, dialing = 0, alerting = 0;
    std::vector<PartyNo> numbers;
    std::vector<const Device*> devices;
    for (const Party& party : call.parties) {
      check_party(name, call, party);
      queued += party.state == PartyState::Queued;
      dialing += party.state == PartyState::Dialing;
      alerting += party.state == PartyState::Alerting;
      if (party.no) numbers.push_back(party.no);
      if (party.device != nullptr) devices.push_back(party.device);
    }
    expect(queued <= 1, name + "waits in one place at most");
    expect(dialing <= 1, name + "has one at most who dials");
    expect(alerting <= 1, name + "rings in one place at most");
    std::sort(numbers.begin(), numbers.end());
    expect(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end(), name + "party numbers differ");
    std::sort(devices.begin(), devices.end());
    expect(std::adjacent_find(devices.begin(), devices.end()) == devices.end(), name + "a DN is in it once");
    expect((call.type == tlib::CallTypeConsult) == static_cast<bool>(call.main), name + "is a consultation of a call");
    expect(call.main != call.id, name + "is no consultation of itself");
    for (const ConversationNo no : call.merged) {
      if (call.link >= state_.links.size()) break;
      const auto& merged = state_.links[call.link].merged;
      const auto it = merged.find(no);
      expect(it != merged.end() && it->second == &call, name + "what it took over is filed");
    }
    merged_ += call.merged.size();
    expect(call.lobby.timer.has_value() == !call.lobby.guests.empty(), name + "waits for those in its lobby");
    for (const LobbyGuest& guest : call.lobby.guests)
      expect(guest.no && call.party(guest.no) == nullptr, name + "who waits in the lobby is no party");
    expect(!call.router_timer || queued == 1, name + "waits for a router on a Routing Point only");
    if (call.treatment) {
      expect(queued == 1 && !call.router_timer, name + "is treated on a Routing Point only, which is an instruction");
      expect(call.treatment->applied != call.treatment->deadline.has_value(),
             name + "waits for its treatment to begin");
      if (call.treatment->asker) ++pending_[call.treatment->asker.session];
    }
    for (const Postponed& postponed : call.postponed) {
      if (state_.clients.contains(postponed.asker.session)) ++pending_[postponed.asker.session];
    }
    if (call.attempt) check_attempt(name, call);
    expect(call.attempt || alerting == 0, name + "rings only during an attempt");
  }

  void check_party(const std::string& call_name, const Call& call, const Party& party) {
    const std::string name = call_name + party.name() + ": ";
    expect(party.role == tlib::RoleOrigination || party.role == tlib::RoleDestination ||
               party.role == tlib::RoleConferenceMember || party.role == tlib::RoleObserver,
           name + "has a persistent role");
    const bool dials_held = party.state == PartyState::Dialing && party.held_by_phone && !party.on_hold;
    expect(dials_held || (party.state == PartyState::Held) == (party.on_hold || party.held_by_phone),
           name + "is held by somebody");
    expect(party.state != PartyState::Held || party.leg == LegState::Up, name + "is held on a leg that is up");
    expect(!party.leaving, name + "doesn't leave for ever");
    check_leg(name, call, party);
    expect((party.state == PartyState::Queued) == !party.no, name + "has a leg unless it is a Routing Point");
    expect((party.leg == LegState::None) == !party.no, name + "leg state fits");
    expect(party.state != PartyState::Connected || party.leg == LegState::Up,
           name + "is connected by a leg that is up");
    expect(party.state != PartyState::Alerting || party.leg == LegState::Inviting, name + "rings on an invited leg");
    expect(party.device != nullptr || !party.address.empty(), name + "has a name");
    if (party.device == nullptr) return;
    const auto& calls = party.device->calls;
    expect(std::count(calls.begin(), calls.end(), &call) == 1, name + "its DN knows the call");
    const auto it = state_.devices.find(party.device->dn);
    expect(it != state_.devices.end() && it->second.get() == party.device, name + "its DN is configured");
  }

  // A leg is a party of one DN in several calls, and heard in one of them.
  void check_leg(const std::string& name, const Call& call, const Party& party) {
    if (!party.no || call.link >= state_.links.size()) return;
    Leg& leg = legs_[{call.link, party.no.value}];
    expect(leg.calls == 0 || (party.device != nullptr && leg.device == party.device),
           name + "shares its leg with none");
    leg.device = party.device;
    ++leg.calls;
    leg.active += party.state == PartyState::Connected || party.state == PartyState::Dialing;
    expect(leg.active <= 1, name + "is active in one call at most");
  }

  void check_attempt(const std::string& name, const Call& call) {
    const Attempt& attempt = *call.attempt;
    const Party* leg = const_cast<Call&>(call).party(attempt.leg);
    expect(leg != nullptr && leg->leg == LegState::Inviting, name + "its attempt has an invited leg");
    expect(attempt.joining_timer.has_value() || attempt.no_answer_timer.has_value(),
           name + "its attempt has a deadline");
    const bool queued = const_cast<Call&>(call).routing_point() != nullptr;
    expect(queued == (attempt.purpose == Attempt::Purpose::Routed), name + "is routed from a Routing Point");
    if (attempt.purpose == Attempt::Purpose::Transfer) {
      const Party* by = call.party(attempt.by);
      expect(by != nullptr && !call.invites(*by) && by->leg == LegState::Up, name + "who transfers is there");
    }
    expect(!call.router_timer, name + "doesn't wait for a router during an attempt");
    if (attempt.asker) ++pending_[attempt.asker.session];
  }

  void check_device(const Dn& dn, const Device& device) {
    const std::string name = dn.str() + ": ";
    expect(device.dn == dn, name + "is filed under its name");
    expect(device.in_service == state_.serviceable(device), name + "service state is what its links say");
    for (const Call* call : device.calls) {
      const bool known = std::any_of(state_.calls.begin(), state_.calls.end(),
                                     [&](const auto& entry) { return entry.second.get() == call; });
      expect(known && const_cast<Call*>(call)->party(&device) != nullptr, name + "has calls that it is a party of");
    }
    int exclusive = 0;
    for (const Registration& r : device.registrations) {
      exclusive += r.mode == tlib::RegisterModePrivate;
      const auto it = state_.clients.find(r.client->session);
      expect(it != state_.clients.end() && it->second.get() == r.client,
             name + "is registered by a client that is there");
      expect(std::count(r.client->devices.begin(), r.client->devices.end(), &device) == 1, name + "client knows it");
    }
    expect(exclusive == 0 || device.registrations.size() == 1, name + "a private registration is the only one");
  }

  void check_agents() {
    std::size_t logged_in = 0;
    for (const auto& [dn, device] : state_.devices) {
      const Agent* agent = device->agent.get();
      if (agent == nullptr) continue;
      ++logged_in;
      const std::string name = "agent " + agent->id + ": ";
      expect(state_.agents.find(agent->id) == device.get(), name + "is filed under its id");
      expect(state_.agents.find(agent->session) == device.get(), name + "is filed under its login session");
      expect(device->extension(), name + "is on an Extension");
      expect(!agent->client || state_.clients.contains(agent->client), name + "its client is there");
      const bool timed =
          agent->work == Agent::Work::Guard ||
          ((agent->work == Agent::Work::AfterCall || agent->work == Agent::Work::InIdle) && !agent->untimed);
      expect(agent->work_timer.has_value() == timed, name + "timed work has an end");
      expect(agent->work == Agent::Work::None || !agent->state.ready, name + "who works isn't Ready");
      const bool talks = std::any_of(device->calls.begin(), device->calls.end(),
                                     [on = device.get()](Call* call) { return call->party(on)->up(); });
      expect(agent->work != Agent::Work::Announced || talks, name + "announced work follows a call");
    }
    expect(state_.agents.by_id.size() == logged_in && state_.agents.by_session.size() == logged_in,
           "agents are counted");
  }

  void check_client(SessionId session, const Client& client) {
    const std::string name = "client " + std::to_string(session.value) + ": ";
    expect(client.session == session, name + "is filed under its session");
    expect(client.open || client.devices.empty(), name + "registers after it opened");
    for (const Device* device : client.devices) {
      const auto it = state_.devices.find(device->dn);
      expect(it != state_.devices.end() && it->second.get() == device && device->registration(client) != nullptr,
             name + "is known to its DNs");
    }
    const auto it = pending_.find(session);
    expect(client.outstanding == (it == pending_.end() ? 0 : it->second), name + "outstanding requests are counted");
  }

  void check_links() {
    std::size_t up = 0, filed = 0, merged = 0;
    for (const CtiLink& link : state_.links) {
      up += link.up;
      filed += link.conversations.size();
      merged += link.merged.size();
      expect(!link.up || !link.loss_timer, "link " + link.name + ": is waited for only while it is down");
      expect(link.up || link.conversations.empty() || link.loss_timer,
             "link " + link.name + ": its calls have a deadline");
      expect(!link.up || link.given_up.empty(), "link " + link.name + ": nothing left to tell it");
    }
    expect(up == state_.links_up, "links up are counted");
    expect(filed == state_.calls.size(), "each call has one conversation");
    expect(merged == merged_, "nothing is left of conversations that were taken over");
  }

  struct Leg {
    const Device* device = nullptr;
    int calls = 0, active = 0;
  };

  const State& state_;
  std::vector<std::string> found_;
  std::map<std::pair<LinkNo, std::uint64_t>, Leg> legs_;
  std::size_t merged_ = 0;
  std::unordered_map<SessionId, std::uint32_t> pending_;
};

}  // namespace

std::vector<std::string> check_invariants(const State& state) {
  return Checker(state).run();
}

}  // namespace tandem::tserver
