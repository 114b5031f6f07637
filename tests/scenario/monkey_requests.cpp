// What clients ask beside calls: sessions, registrations, agents, data.
#include "monkey_class.h"

namespace tandem::tserver::test {

SessionId Monkey::any_client() {
  if (clients_.empty() || one_in(40)) return SessionId{1000000};
  return clients_[pick(static_cast<std::uint32_t>(clients_.size()))];
}

SessionId Monkey::client_of(const std::string& dn) {
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

void Monkey::open_or_close() {
  if (clients_.size() < 4 || (clients_.size() < 8 && one_in(2))) {
    const SessionId session{pair_ && one_in(5) ? ++passing_ : ++sessions_};
    clients_.push_back(session);
    step(ClientOpened{session, "monkey"});
    if (!one_in(10)) request(session, tlib::RequestRegisterClient, [](tlib::Message&) {});
    request(session, tlib::RequestRegisterAddress, [](tlib::Message& m) { m.set_thisdn(kQueue); });
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

void Monkey::registration() {
  const auto type = one_in(4) ? tlib::RequestUnregisterAddress : tlib::RequestRegisterAddress;
  request(any_client(), type, [&](tlib::Message& m) {
    m.set_thisdn(one_in(20) ? "nobody" : one_in(2) ? any(kExtensions) : any(kRoutingPoints));
    if (one_in(6)) m.set_registermode(static_cast<tlib::TRegisterMode>(pick(3)));
  });
}

void Monkey::add_data(tlib::Message& m) {
  for (std::uint32_t i = 0; i <= pick(3); ++i) {
    tlib::KVPair& pair = *m.mutable_userdata()->add_pairs();
    pair.set_key("k" + std::to_string(pick(4)));
    pair.set_str(std::string(pick(60), 'x'));
  }
}

void Monkey::data_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestAttachUserData, tlib::RequestUpdateUserData,
                                          tlib::RequestDeletePair, tlib::RequestDeleteUserData, tlib::RequestQueryCall};
  request(any_client(), kTypes[pick(5)], [&](tlib::Message& m) {
    about_a_call(m);
    add_data(m);
    m.set_datakey("k1");
    m.set_callinfotype(tlib::CallInfoStatusQuery);
  });
}

void Monkey::agent_request() {
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

void Monkey::small_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestSendDTMF,   tlib::RequestAnswerCall, tlib::RequestSetMuteOn,
                                          tlib::RequestSetMuteOff, tlib::RequestSetDNDOn,   tlib::RequestSetDNDOff,
                                          tlib::RequestSetDNDOff};
  request(any_client(), kTypes[pick(7)], [&](tlib::Message& m) {
    about_a_call(m);
    m.set_dtmfdigits(one_in(8) ? "x" : "12,#");
  });
}

void Monkey::odd_request() {
  request(any_client(), static_cast<tlib::MessageType>(pick(183)), [&](tlib::Message& m) {
    if (m.type() == tlib::RequestRegisterClient && one_in(2)) m.set_protocolversion("tserver protocol 1.0");
    if (one_in(2)) about_a_call(m);
    if (one_in(2)) m.set_inputmask(std::string(pick(70), static_cast<char>(pick(256))));
  });
}

// A routing application says that a call came to its Virtual Queue, or left it; agents are reserved meanwhile.
void Monkey::queue_request() {
  if (one_in(5)) {
    request(any_client(), tlib::RequestReserveAgent, [&](tlib::Message& m) {
      m.set_thisdn(any(kExtensions));
      m.set_timeout(static_cast<std::int32_t>(pick(4)) * 1000);
    });
    return;
  }
  constexpr tlib::MessageType kTypes[] = {tlib::EventQueued, tlib::EventQueued, tlib::EventDiverted,
                                          tlib::EventAbandoned, tlib::EventPartyChanged};
  request(client_of(kQueue), tlib::RequestDistributeEvent, [&](tlib::Message& m) {
    about_a_call(m);
    const auto& queues = world_.state().virtual_queues;
    m.set_userevent(kTypes[pick(5)]);
    if (m.userevent() != tlib::EventQueued && !queues.empty() && one_in(2)) m.set_connid(queues.begin()->first.value);
    // Of calls that are not there, or in another queue, anything may be said: the wall takes it for true.
    if (!world_.state().calls.contains(ConnId{m.connid()})) m.clear_connid();
    m.set_thisdn(one_in(30) ? "nobody" : kQueue);
  });
}

// Lock, lobby, and who waits there.
void Monkey::conference_request() {
  tlib::Message about;
  about_a_talk(about);
  request(client_of(about.thisdn()), tlib::RequestSetCallInfo, [&](tlib::Message& m) {
    m.set_connid(about.connid());
    m.set_thisdn(about.thisdn());
    tlib::KVPair& pair = *m.mutable_extensions()->add_pairs();
    switch (pick(5)) {
      case 0:
        pair.set_key("ConferenceLocked");
        pair.set_int_(static_cast<std::int32_t>(pick(3)));
        break;
      case 1:
      case 2:
        pair.set_key("ConferenceLobby");
        pair.set_int_(one_in(4) ? 0 : 1);
        break;
      default:
        pair.set_key(one_in(3) ? "ConferenceRefuse" : "ConferenceAdmit");
        pair.set_str(one_in(2) ? "*" : anywhere());
    }
  });
}

}  // namespace tandem::tserver::test
