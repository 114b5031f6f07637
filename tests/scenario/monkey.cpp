#include "monkey.h"

#include <algorithm>
#include <array>
#include <random>

#include "fake_connector.h"
#include "sequence_checker.h"
#include "world.h"

namespace tandem::tserver::test {
namespace {

const std::vector<std::string> kExtensions{"alice", "bob", "carol", "dave", "e05", "e06", "e07", "e08", "e09", "e10",
                                           "e11",   "e12", "e13",   "e14",  "e15", "e16", "e17", "e18", "e19", "e20"};
const std::vector<std::string> kRoutingPoints{"support", "sales", "night"};
const std::vector<std::string> kNumbers{"+1555", "+1666", "sip:out@side", ""};
constexpr SessionId kWall{1};

Settings random_switch() {
  Settings settings;
  settings.domains = {"t.test"};
  settings.links = {{"c1", ""}, {"c2", ""}, {"w1", "West"}};
  settings.no_answer_timeout = std::chrono::seconds(15);
  settings.user_data_limit = 200;
  settings.max_calls = 24;
  settings.max_requests_per_client = 3;
  for (const std::string& name : kExtensions) settings.dns[Dn(name)] = {.dn = Dn(name)};
  for (const std::string& name : kRoutingPoints)
    settings.dns[Dn(name)] = {.dn = Dn(name), .type = DnType::RoutingPoint};
  settings.dns[Dn("dave")].pool = "West";
  settings.dns[Dn("sales")].default_dn = "night";
  settings.dns[Dn("night")].default_dn = "sales";
  settings.dns[Dn("queue")] = {.dn = Dn("queue"), .type = DnType::VirtualQueue};
  settings.default_dn = "carol";
  settings.agents.options.wrap_up = WrapUp{std::chrono::seconds(8)};
  settings.agents.options.legal_guard = std::chrono::seconds(2);
  settings.agents.options.auto_logout = std::chrono::minutes(3);
  settings.agents.options.login_on_call = true;
  settings.agents.options.no_answer_action = NoAnswerAction::NotReady;
  settings.dns[Dn("bob")].agent.wrap_up = WrapUp{{}, true};
  settings.dns[Dn("bob")].agent.no_answer_action = NoAnswerAction::Logout;
  return settings;
}

class Monkey {
 public:
  explicit Monkey(std::uint32_t seed) : random_(seed), settings_(random_switch()), world_(settings_), connectors_(3) {
    step(ClientOpened{kWall, "wall"});
    request(kWall, tlib::RequestRegisterClient, [](tlib::Message&) {});
    for (LinkNo no = 0; no < 3; ++no) link_up(no, true);
    watch_everything();
  }

  void act() {
    switch (pick(40)) {
      case 0:
        return open_or_close();
      case 1:
      case 2:
        return registration();
      case 3:
      case 4:
      case 5:
        return offer();
      case 6:
      case 7:
      case 8:
      case 9:
        return call_request();
      case 10:
        return data_request();
      case 11:
        return make_call();
      case 12:
        return pass_time();
      case 13:
        return lose_or_find_link();
      case 14:
        return one_in(6) ? change_settings() : odd_request();
      case 15:
        return late_happening();
      case 16:
      case 17:
      case 18:
      case 19:
      case 20:
      case 21:
      case 22:
      case 23:
        return party_request();
      case 24:
      case 25:
      case 26:
        return two_call_request();
      case 27:
        return refer();
      case 28:
        return enter();
      case 29:
      case 30:
        return agent_request();
      case 31:
        return small_request();
      default:
        return phone_happening();
    }
  }

  // Everybody hangs up, Connectors that are away are given up; then it must be quiet.
  void finish() {
    for (LinkNo no = 0; no < 3; ++no) {
      auto talks = connectors_[no].talks();
      for (const auto& [conversation, talk] : talks) {
        for (const auto& [party, leg] : talk.legs)
          happen(no, conversation, party, [](link::Happening& h) { h.mutable_left(); });
      }
    }
    for (const SessionId session : clients_) step(ClientClosed{session, "the end"});  // agents go with them
    clients_.clear();
    advance(std::chrono::minutes(20));
    if (!world_.state().calls.empty()) {
      for (LinkNo no = 0; no < 3; ++no) link_up(no, true);
    }
    advance(std::chrono::minutes(20));
    world_.expect_empty();
    checker_.expect_closed();
  }

  std::vector<std::string> faults() {
    std::vector<std::string> all = world_.faults();
    all.insert(all.end(), checker_.faults().begin(), checker_.faults().end());
    return all;
  }

  std::string story() const {
    std::string text;
    const auto& log = world_.log();
    for (std::size_t i = log.size() > 40 ? log.size() - 40 : 0; i < log.size(); ++i) text += log[i] + "\n";
    return text;
  }
  std::size_t calls_seen() const { return calls_seen_; }
  std::size_t routed() const { return routed_; }
  std::size_t seen(tlib::MessageType type) const { return seen_[type]; }

 private:
  std::uint32_t pick(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return pick(n) == 0; }
  const std::string& any(const std::vector<std::string>& names) {
    return names[pick(static_cast<std::uint32_t>(names.size()))];
  }
  std::string anywhere() {
    switch (pick(8)) {
      case 0:
        return any(kNumbers);
      case 1:
      case 2:
        return any(kRoutingPoints);
      case 3:
        return one_in(3) ? "queue" : "nobody at all";
      default:
        return any(kExtensions);
    }
  }

  void saw(const Effects& effects) {
    checker_.note_conferences(world_.state());
    for (const Effect& effect : effects) {
      if (const auto* order = std::get_if<Order>(&effect)) {
        remember(order->link, order->command.conversation(), order->command.party());
        if (!one_in(200)) connectors_[order->link].obey(order->command);  // sometimes a command is lost
      } else if (const auto* deliver = std::get_if<Deliver>(&effect)) {
        const auto type = deliver->event->type();
        calls_seen_ += type == tlib::EventEstablished;
        routed_ += type == tlib::EventDiverted;
        if (static_cast<std::size_t>(type) < seen_.size()) ++seen_[static_cast<std::size_t>(type)];
        if (std::find(deliver->to.begin(), deliver->to.end(), kWall) != deliver->to.end())
          checker_.see(*deliver->event);
      }
    }
  }

  void step(Input input) { saw(world_.handle(std::move(input))); }
  void advance(Instant by) {
    world_.advance(by, [&](const Effects& effects) { saw(effects); });
  }

  template <class Fill>
  void request(SessionId session, tlib::MessageType type, Fill fill) {
    tlib::Message message;
    message.set_type(type);
    message.set_referenceid(++reference_);
    fill(message);
    step(ClientRequest{session, std::move(message)});
  }

  // The wall is registered on every DN, so that it hears every event of every call.
  void watch_everything() {
    for (const auto& [dn, dn_settings] : settings_.dns) {
      request(kWall, tlib::RequestRegisterAddress, [&](tlib::Message& m) {
        m.set_thisdn(dn.str());
        m.set_registermode(tlib::RegisterModeMonitor);
      });
    }
  }

  SessionId any_client() {
    if (clients_.empty() || one_in(40)) return SessionId{1000000};
    return clients_[pick(static_cast<std::uint32_t>(clients_.size()))];
  }

  // Most often somebody who may ask for that DN.
  SessionId client_of(const std::string& dn) {
    const auto it = world_.state().devices.find(Dn(dn));
    std::vector<SessionId> able;
    if (it != world_.state().devices.end()) {
      for (const Registration& r : it->second->registrations) {
        if (r.mode != tlib::RegisterModeMonitor) able.push_back(r.client->session);
      }
    }
    if (able.empty() || one_in(20)) return any_client();
    return able[pick(static_cast<std::uint32_t>(able.size()))];
  }

  // Most often a DN of ours and a call in which it talks.
  void about_a_talk(tlib::Message& m) {
    std::vector<std::pair<const Call*, const Party*>> talks;
    for (const auto& [id, call] : world_.state().calls) {
      for (const Party& party : call->parties) {
        const bool up = party.state == PartyState::Connected || party.state == PartyState::Held;
        if (up && party.device != nullptr) talks.emplace_back(call.get(), &party);
      }
    }
    if (talks.empty() || one_in(8)) return about_a_call(m);
    std::sort(talks.begin(), talks.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first->id, a.second->no) < std::pair(b.first->id, b.second->no);
    });
    const auto& [call, party] = talks[pick(static_cast<std::uint32_t>(talks.size()))];
    m.set_connid(call->id.value);
    m.set_thisdn(party->name());
  }

  void open_or_close() {
    if (clients_.size() < 4 || (clients_.size() < 8 && one_in(2))) {
      const SessionId session{++sessions_};
      clients_.push_back(session);
      step(ClientOpened{session, "monkey"});
      if (!one_in(10)) request(session, tlib::RequestRegisterClient, [](tlib::Message&) {});
      for (int i = 0; i < 14; ++i) {
        request(session, tlib::RequestRegisterAddress,
                [&](tlib::Message& m) { m.set_thisdn(one_in(4) ? any(kRoutingPoints) : any(kExtensions)); });
      }
    } else {
      const std::size_t i = pick(static_cast<std::uint32_t>(clients_.size()));
      step(ClientClosed{clients_[i], "bored"});
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void registration() {
    const auto type = one_in(4) ? tlib::RequestUnregisterAddress : tlib::RequestRegisterAddress;
    request(any_client(), type, [&](tlib::Message& m) {
      m.set_thisdn(one_in(20) ? "nobody" : one_in(2) ? any(kExtensions) : any(kRoutingPoints));
      if (one_in(6)) m.set_registermode(static_cast<tlib::TRegisterMode>(pick(3)));
    });
  }

  // Most often a call and a DN that is in it.
  void about_a_call(tlib::Message& m) {
    const auto& calls = world_.state().calls;
    if (calls.empty() || one_in(15)) {
      m.set_connid(random_());
      m.set_thisdn(anywhere());
      return;
    }
    auto it = calls.begin();
    std::advance(it, pick(static_cast<std::uint32_t>(calls.size())));
    m.set_connid(it->first.value);
    auto party = it->second->parties.begin();
    std::advance(party, pick(static_cast<std::uint32_t>(it->second->parties.size())));
    m.set_thisdn(one_in(8) ? anywhere() : party->name());
  }

  void call_request() {
    const auto& calls = world_.state().calls;
    if (one_in(4)) {
      request(any_client(), one_in(3) ? tlib::RequestClearCall : tlib::RequestReleaseCall,
              [&](tlib::Message& m) { about_a_call(m); });
      return;
    }
    request(any_client(), one_in(3) ? tlib::RequestApplyTreatment : tlib::RequestRouteCall, [&](tlib::Message& m) {
      about_a_call(m);
      const auto it = calls.find(ConnId{m.connid()});
      if (it != calls.end() && it->second->routing_point() != nullptr && !one_in(10))
        m.set_thisdn(it->second->routing_point()->name());
      if (m.type() == tlib::RequestApplyTreatment) return treatment(m);
      if (!one_in(15)) m.set_otherdn(anywhere());
      if (one_in(6)) m.set_routetype(static_cast<tlib::TRouteType>(pick(15)));
      if (one_in(4)) add_data(m);
      if (one_in(4)) kv_number(m);
    });
  }

  void treatment(tlib::Message& m) {
    m.set_treatmenttype(static_cast<tlib::TTreatmentType>(pick(19)));
    if (one_in(6)) return;
    tlib::KVPair& prompts = *m.mutable_treatmentparms()->add_pairs();
    prompts.set_key("PROMPT");
    tlib::KVPair& first = *prompts.mutable_list()->add_pairs();
    first.set_key("1");
    tlib::KVPair& id = *first.mutable_list()->add_pairs();
    id.set_key("ID");
    id.set_str("welcome");
  }

  // Hold, consult, transfer, conference: what a party of one call may ask for.
  void party_request() {
    constexpr tlib::MessageType kTypes[] = {tlib::RequestHoldCall,
                                            tlib::RequestRetrieveCall,
                                            tlib::RequestInitiateTransfer,
                                            tlib::RequestInitiateTransfer,
                                            tlib::RequestSingleStepTransfer,
                                            tlib::RequestSingleStepConference,
                                            tlib::RequestSingleStepConference,
                                            tlib::RequestDeleteFromConference};
    tlib::Message about;
    about_a_talk(about);
    request(client_of(about.thisdn()), kTypes[pick(8)], [&](tlib::Message& m) {
      m.set_connid(about.connid());
      m.set_thisdn(about.thisdn());
      if (!one_in(20)) m.set_otherdn(one_in(3) ? anywhere() : any(kExtensions));
      const auto it = world_.state().calls.find(ConnId{m.connid()});
      if (m.type() == tlib::RequestDeleteFromConference && it != world_.state().calls.end() && !one_in(6)) {
        auto party = it->second->parties.begin();
        std::advance(party, pick(static_cast<std::uint32_t>(it->second->parties.size())));
        m.set_otherdn(party->name());
      }
      if (one_in(4)) add_data(m);
      if (one_in(3)) {
        tlib::KVPair& pair = *m.mutable_extensions()->add_pairs();
        pair.set_key("ConsultUserData");
        pair.set_str(one_in(2) ? "joint" : "inherited");
      }
    });
  }

  void two_call_request() {
    constexpr tlib::MessageType kTypes[] = {tlib::RequestCompleteTransfer, tlib::RequestCompleteConference,
                                            tlib::RequestAlternateCall, tlib::RequestReconnectCall,
                                            tlib::RequestMergeCalls};
    std::vector<const Device*> busy;
    for (const auto& [dn, device] : world_.state().devices) {
      if (device->extension() && device->calls.size() > 1) busy.push_back(device.get());
    }
    std::sort(busy.begin(), busy.end(), [](const Device* a, const Device* b) { return a->dn < b->dn; });
    const bool sensible = !busy.empty() && !one_in(15);
    const Device* chosen = sensible ? busy[pick(static_cast<std::uint32_t>(busy.size()))] : nullptr;
    request(chosen != nullptr ? client_of(chosen->dn.str()) : any_client(), kTypes[pick(5)], [&](tlib::Message& m) {
      about_a_call(m);
      m.set_transferconnid(random_());
      if (one_in(2)) m.set_mergetype(tlib::MergeForConference);
      if (chosen == nullptr) return;
      const Device& device = *chosen;
      const auto calls = static_cast<std::uint32_t>(device.calls.size());
      m.set_thisdn(device.dn.str());
      m.set_connid(device.calls[pick(calls)]->id.value);
      m.set_transferconnid(device.calls[pick(calls)]->id.value);
    });
  }

  // Somebody comes in for a call there is: by Replaces, or by conference URI.
  void enter() {
    const LinkNo no = any_link();
    auto& talks = connectors_[no].talks();
    if (talks.empty() || !world_.state().links[no].up) return;
    auto talk = talks.begin();
    std::advance(talk, pick(static_cast<std::uint32_t>(talks.size())));
    auto leg = talk->second.legs.begin();
    std::advance(leg, pick(static_cast<std::uint32_t>(talk->second.legs.size())));
    const std::uint64_t replaced = one_in(10) ? 77 : leg->first;
    happen(no, talk->first, ++ids_, [&](link::Happening& h) {
      link::Offered& offered = *h.mutable_offered();
      offered.set_conversation_id(talk->second.id);
      offered.set_from(one_in(2) ? any(kExtensions) : leg->second.dn);
      offered.set_from_authenticated(!one_in(8));
      offered.set_to(anywhere());
      if (one_in(2)) {
        offered.set_conference(true);
      } else {
        offered.set_replaces(replaced);
      }
    });
  }

  // A phone transfers, blind or with another call of its own.
  void refer() {
    const auto& calls = world_.state().calls;
    if (calls.empty()) return;
    auto it = calls.begin();
    std::advance(it, pick(static_cast<std::uint32_t>(calls.size())));
    const Call& call = *it->second;
    auto party = call.parties.begin();
    std::advance(party, pick(static_cast<std::uint32_t>(call.parties.size())));
    link::Happening h;
    h.set_conversation(call.conversation.value);
    h.set_party(party->no.value);
    h.mutable_referred()->set_to(anywhere());
    if (party->device != nullptr && one_in(2)) {
      for (const Call* other : party->device->calls) {
        if (other == &call) continue;
        h.mutable_referred()->set_replaces_conversation(other->conversation.value);
        h.mutable_referred()->set_replaces_party(other->party(party->device)->no.value);
      }
    }
    step(Happened{call.link, h});
  }

  static void kv_number(tlib::Message& m) {
    tlib::KVPair& pair = *m.mutable_extensions()->add_pairs();
    pair.set_key("NO_ANSWER_TIMEOUT");
    pair.set_int_(5);
  }

  void add_data(tlib::Message& m) {
    for (std::uint32_t i = 0; i <= pick(3); ++i) {
      tlib::KVPair& pair = *m.mutable_userdata()->add_pairs();
      pair.set_key("k" + std::to_string(pick(4)));
      pair.set_str(std::string(pick(60), 'x'));
    }
  }

  void data_request() {
    constexpr tlib::MessageType kTypes[] = {tlib::RequestAttachUserData, tlib::RequestUpdateUserData,
                                            tlib::RequestDeletePair, tlib::RequestDeleteUserData,
                                            tlib::RequestQueryCall};
    request(any_client(), kTypes[pick(5)], [&](tlib::Message& m) {
      about_a_call(m);
      add_data(m);
      m.set_datakey("k1");
      m.set_callinfotype(tlib::CallInfoStatusQuery);
    });
  }

  void agent_request() {
    constexpr tlib::MessageType kTypes[] = {tlib::RequestAgentLogin, tlib::RequestAgentLogin, tlib::RequestAgentReady,
                                            tlib::RequestAgentNotReady, tlib::RequestAgentLogout};
    request(any_client(), kTypes[pick(5)], [&](tlib::Message& m) {
      m.set_thisdn(one_in(30) ? anywhere() : any(kExtensions));
      if (m.type() == tlib::RequestAgentLogin || one_in(8)) m.set_agentid(std::to_string(pick(12)));
      m.set_agentworkmode(static_cast<tlib::TAgentWorkMode>(pick(8)));
      if (!one_in(3)) return;
      tlib::KVPair& pair = *m.mutable_extensions()->add_pairs();
      pair.set_key(one_in(4) ? "LegalGuardTime" : "WrapUpTime");
      if (one_in(4)) {
        pair.set_str("untimed");
      } else {
        pair.set_int_(static_cast<std::int32_t>(pick(20)));
      }
    });
  }

  void small_request() {
    constexpr tlib::MessageType kTypes[] = {tlib::RequestSendDTMF,   tlib::RequestAnswerCall, tlib::RequestSetMuteOn,
                                            tlib::RequestSetMuteOff, tlib::RequestSetDNDOn,   tlib::RequestSetDNDOff,
                                            tlib::RequestSetDNDOff};
    request(any_client(), kTypes[pick(7)], [&](tlib::Message& m) {
      about_a_call(m);
      m.set_dtmfdigits(one_in(8) ? "x" : "12,#");
    });
  }

  void make_call() {
    const std::string dn = any(kExtensions);
    request(client_of(dn), tlib::RequestMakeCall, [&](tlib::Message& m) {
      m.set_thisdn(dn);
      m.set_otherdn(anywhere());
      if (one_in(3)) add_data(m);
    });
  }

  void odd_request() {
    request(any_client(), static_cast<tlib::MessageType>(pick(183)), [&](tlib::Message& m) {
      if (m.type() == tlib::RequestRegisterClient && one_in(2)) m.set_protocolversion("tserver protocol 1.0");
      if (one_in(2)) about_a_call(m);
      if (one_in(2)) m.set_inputmask(std::string(pick(70), static_cast<char>(pick(256))));
    });
  }

  LinkNo any_link() { return pick(3); }

  void offer() {
    const LinkNo no = any_link();
    if (!world_.state().links[no].up) return;
    const std::uint64_t conversation = ++ids_, party = ++ids_;
    happen(no, conversation, party, [&](link::Happening& h) {
      link::Offered& offered = *h.mutable_offered();
      offered.set_conversation_id("id" + std::to_string(conversation));
      offered.set_from(one_in(2) ? any(kExtensions) : any(kNumbers));
      offered.set_from_authenticated(!one_in(4));
      if (one_in(3)) offered.set_trunk("pstn");
      offered.set_to(one_in(2) ? any(kRoutingPoints) : anywhere());
    });
  }

  void remember(LinkNo no, std::uint64_t conversation, std::uint64_t party) {
    if (party == 0) return;
    history_.push_back({no, conversation, party});
    if (history_.size() > 60) history_.erase(history_.begin());
  }

  template <class Fill>
  void happen(LinkNo no, std::uint64_t conversation, std::uint64_t party, Fill fill) {
    link::Happening happening;
    happening.set_conversation(conversation);
    happening.set_party(party);
    fill(happening);
    connectors_[no].apply(happening);
    remember(no, conversation, party);
    if (world_.state().links[no].up) step(Happened{no, happening});  // else nobody hears it
  }

  void random_what(link::Happening& h) {
    switch (pick(9)) {
      case 0:
      case 1:
        h.mutable_alerting();
        break;
      case 2:
      case 3:
      case 4:
        h.mutable_answered()->set_dn(one_in(5) ? anywhere() : "");
        break;
      case 5:
        h.mutable_failed()->set_status(one_in(2) ? 486 : 300 + pick(400));
        for (std::uint32_t i = pick(4); i > 0; --i) h.mutable_failed()->add_contacts("<" + anywhere() + ";x=y>");
        break;
      case 6:
        h.mutable_hold_changed()->set_held(one_in(2));
        break;
      case 7:
        h.mutable_left()->set_cause(static_cast<link::Left::Cause>(pick(8)));
        break;
      default:
        if (!one_in(3)) {
          h.mutable_alerting();
        } else {
          h.mutable_command_failed()->set_code(static_cast<link::CommandFailed::Code>(pick(7)));
        }
    }
  }

  // What can happen to a leg that is there.
  void phone_happening() {
    const LinkNo no = any_link();
    auto& talks = connectors_[no].talks();
    if (talks.empty()) return;
    auto talk = talks.begin();
    std::advance(talk, pick(static_cast<std::uint32_t>(talks.size())));
    auto leg = talk->second.legs.begin();
    std::advance(leg, pick(static_cast<std::uint32_t>(talk->second.legs.size())));
    const bool ringing = leg->second.state == link::INVITING || leg->second.state == link::ALERTING;
    happen(no, talk->first, leg->first, [&](link::Happening& h) {
      if (ringing) {
        if (one_in(2)) h.mutable_answered();
        while (h.what_case() == link::Happening::WHAT_NOT_SET || h.has_hold_changed()) random_what(h);
      } else if (leg->second.play != 0 && !one_in(4)) {
        treatment_happening(h, leg->second.play);
      } else if (one_in(12)) {
        h.mutable_left();
      } else {
        h.mutable_hold_changed()->set_held(one_in(2));
      }
    });
  }

  void treatment_happening(link::Happening& h, std::uint64_t command) {
    h.set_command(one_in(10) ? command - 1 : command);
    if (one_in(2)) {
      h.mutable_playing();
    } else if (!one_in(5)) {
      h.mutable_played()->set_completion(static_cast<link::Played::Completion>(pick(4)));
    } else {
      h.mutable_command_failed()->set_code(link::CommandFailed::NO_RESOURCES);
    }
  }

  // Anything about anybody, long gone or never there.
  void late_happening() {
    if (history_.empty()) return;
    const auto& old = history_[pick(static_cast<std::uint32_t>(history_.size()))];
    if (!world_.state().links[old.link].up) return;
    link::Happening happening;
    happening.set_conversation(one_in(10) ? pick(1000) : old.conversation);
    happening.set_party(one_in(10) ? pick(1000) : old.party);
    random_what(happening);
    if (one_in(10)) {
      happening.mutable_dn_status()->set_dn(any(kExtensions));
      happening.mutable_dn_status()->set_in_service(one_in(2));
    } else {
      connectors_[old.link].apply(happening);
    }
    step(Happened{old.link, happening});
  }

  void pass_time() { advance(std::chrono::milliseconds(one_in(4) ? pick(70000) : pick(4000))); }

  void lose_or_find_link() {
    const LinkNo no = any_link();
    if (!world_.state().links[no].up) {
      link_up(no, one_in(3));
    } else if (one_in(5)) {
      step(LinkDown{no, "random"});
    }
  }

  void link_up(LinkNo no, bool anew) {
    if (anew) {
      connectors_[no] = {};
      ++incarnations_[no];
    }
    link::Hello hello;
    hello.set_incarnation(incarnations_[no]);
    link::Snapshot snapshot = connectors_[no].snapshot();
    if (!anew && one_in(4)) add_strangers(snapshot, no);
    step(LinkUp{no, hello, snapshot});
    checker_.take_up(world_.state());
  }

  // Conversations a former T-Server left behind, some of them nonsense.
  void add_strangers(link::Snapshot& snapshot, LinkNo no) {
    for (std::uint32_t i = pick(3); i > 0; --i) {
      link::Conversation& conversation = *snapshot.add_conversations();
      conversation.set_conversation(++ids_);
      conversation.set_conn_id(one_in(3) ? 0 : 1000 + ids_);
      FakeConnector::Talk talk;
      for (std::uint32_t p = pick(4); p > 0; --p) {
        link::Party& party = *conversation.add_parties();
        party.set_party(++ids_);
        party.set_state(static_cast<link::PartyState>(pick(7)));
        party.set_dn(anywhere());
        party.set_outgoing(one_in(2));
        talk.legs[party.party()] = {party.state(), party.dn(), party.outgoing()};
      }
      if (!talk.legs.empty()) connectors_[no].talks()[conversation.conversation()] = talk;
    }
  }

  void change_settings() {
    switch (pick(4)) {
      case 0:
        settings_.dns[Dn(any(kExtensions))].registered = one_in(2);
        break;
      case 1: {
        const Dn dn(one_in(2) ? any(kExtensions) : any(kRoutingPoints));
        if (settings_.dns.erase(dn) == 0) settings_.dns[dn] = random_switch().dns[dn];
        break;
      }
      case 2:
        settings_.default_dn = anywhere();
        settings_.router_timeout = std::chrono::seconds(pick(12));
        break;
      default:
        settings_ = random_switch();
        settings_.default_redirection_limit = pick(6);
    }
    for (auto& [dn, dn_settings] : settings_.dns) dn_settings.dn = dn;
    step(SettingsChanged{std::make_shared<const Settings>(settings_)});
    watch_everything();
    checker_.take_up(world_.state());  // calls may have gone to a DN before the wall was registered on it
  }

  struct Old {
    LinkNo link;
    std::uint64_t conversation, party;
  };

  std::mt19937 random_;
  Settings settings_;
  World world_;
  std::vector<FakeConnector> connectors_;
  SequenceChecker checker_;
  std::vector<SessionId> clients_;
  std::vector<Old> history_;
  std::array<std::uint64_t, 3> incarnations_{};
  std::uint64_t ids_ = 0;
  std::uint64_t sessions_ = 1;
  std::int32_t reference_ = 0;
  std::size_t calls_seen_ = 0, routed_ = 0;
  std::array<std::size_t, 256> seen_{};  // events by type
};

}  // namespace

Run play(std::uint32_t seed, std::uint32_t steps) {
  Monkey monkey(seed);
  Run run;
  while (run.steps < steps && monkey.faults().empty()) {
    monkey.act();
    ++run.steps;
  }
  if (monkey.faults().empty()) monkey.finish();
  run.established = monkey.calls_seen();
  run.diverted = monkey.routed();
  run.held = monkey.seen(tlib::EventHeld);
  run.moved = monkey.seen(tlib::EventPartyChanged);
  run.added = monkey.seen(tlib::EventPartyAdded);
  run.deleted = monkey.seen(tlib::EventPartyDeleted);
  run.faults = monkey.faults();
  run.story = monkey.story();
  return run;
}

}  // namespace tandem::tserver::test
