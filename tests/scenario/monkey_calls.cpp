// What clients ask of calls.
#include <algorithm>

#include "monkey_class.h"

namespace tandem::tserver::test {

namespace {

void add_extension(tlib::Message& m, const char* key, const char* text) {
  tlib::KVPair& pair = *m.mutable_extensions()->add_pairs();
  pair.set_key(key);
  pair.set_str(text);
}

}  // namespace

void Monkey::about_a_call(tlib::Message& m) {
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

void Monkey::about_a_talk(tlib::Message& m) {
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

void Monkey::call_request() {
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
    calling(m);
  });
}

void Monkey::treatment(tlib::Message& m) {
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

void Monkey::party_request() {
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

void Monkey::two_call_request() {
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

void Monkey::make_call() {
  const std::string dn = any(kExtensions);
  request(client_of(dn), tlib::RequestMakeCall, [&](tlib::Message& m) {
    m.set_thisdn(dn);
    m.set_otherdn(anywhere());
    if (one_in(3)) add_data(m);
    calling(m);
  });
}

// How the destination is to be called, and for how long.
void Monkey::calling(tlib::Message& m) {
  if (one_in(4)) {
    tlib::KVPair& pair = *m.mutable_extensions()->add_pairs();
    pair.set_key("NO_ANSWER_TIMEOUT");
    pair.set_int_(5);
  }
  if (one_in(6)) add_extension(m, "calling-method", one_in(5) ? "carrier pigeon" : one_in(2) ? "b2b" : "dialout");
  if (one_in(8)) add_extension(m, "CPNDigits", one_in(4) ? "not < a number" : "5550100");
}

}  // namespace tandem::tserver::test
