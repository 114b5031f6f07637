// Links, time and configuration around clients and phones.
#include "monkey_class.h"

namespace tandem::tserver::test {

void Monkey::watch_everything() {
  for (const auto& each : settings_.dns) {
    request(kWall, tlib::RequestRegisterAddress, [&](tlib::Message& m) {
      m.set_thisdn(each.first.str());
      m.set_registermode(tlib::RegisterModeMonitor);
    });
  }
}

void Monkey::pass_time() {
  advance(std::chrono::milliseconds(one_in(4) ? pick(70000) : pick(4000)));
}

void Monkey::lose_or_find_link() {
  const LinkNo no = any_link();
  if (!world_.state().links[no].up) {
    link_up(no, one_in(3));
  } else if (one_in(5)) {
    step(LinkDown{no, "random"});
  }
}

void Monkey::take_over() {
  std::vector<LinkNo> there;
  for (const CtiLink& link : world_.state().links) {
    if (link.up) there.push_back(link.no);
  }
  saw(world_.take_over());
  std::erase_if(clients_, [](SessionId session) { return !is_kept(session); });
  ++takeovers_;
  if (one_in(3)) return;  // the Connectors are slow, or gone as well
  for (const LinkNo no : there) link_up(no, false);
}

void Monkey::log_out_orphans() {
  std::vector<std::string> orphans;
  for (const std::string& name : kExtensions) {
    const auto it = world_.state().devices.find(Dn(name));
    if (it != world_.state().devices.end() && it->second->agent != nullptr && !it->second->agent->client)
      orphans.push_back(name);
  }
  if (orphans.empty()) return;
  const SessionId session{++sessions_};
  step(ClientOpened{session, "supervisor"});
  request(session, tlib::RequestRegisterClient, [](tlib::Message&) {});
  for (const std::string& name : orphans) {
    for (const auto type : {tlib::RequestRegisterAddress, tlib::RequestAgentLogout})
      request(session, type, [&](tlib::Message& m) { m.set_thisdn(name); });
  }
  step(ClientClosed{session, "done"});
}

void Monkey::link_up(LinkNo no, bool anew) {
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

void Monkey::add_strangers(link::Snapshot& snapshot, LinkNo no) {
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

void Monkey::change_settings() {
  switch (pick(4)) {
    case 0:
      settings_.dns[Dn(any(kExtensions))].registered = one_in(2);
      break;
    case 1: {
      const Dn dn(one_in(2) ? any(kExtensions) : any(kRoutingPoints));
      if (settings_.dns.erase(dn) == 0) settings_.dns[dn] = random_switch(pair_).dns[dn];
      break;
    }
    case 2:
      settings_.default_dn = anywhere();
      settings_.router_timeout = std::chrono::seconds(pick(12));
      break;
    default:
      settings_ = random_switch(pair_);
      settings_.default_redirection_limit = pick(6);
  }
  for (auto& [dn, dn_settings] : settings_.dns) dn_settings.dn = dn;
  step(SettingsChanged{std::make_shared<const Settings>(settings_)});
  watch_everything();
  checker_.take_up(world_.state());  // calls may have gone to a DN before the wall was registered on it
}

}  // namespace tandem::tserver::test
