// What people do: at phones, and by their applications.
#include <algorithm>

#include "site.h"

namespace tandem::simulation {

using tserver::Call;
using tserver::Device;
using tserver::Party;

namespace {

const std::vector<std::string> kPlaces{"alice", "bob", "carol", "dave", "erin", "frank", "support", "support", "sales"};

bool ours(const std::string& name) {
  return std::find(kPlaces.begin(), kPlaces.end(), name) != kPlaces.end();
}

void add_data(tlib::Message& m, Random& random) {
  tlib::KVPair& pair = *m.mutable_userdata()->add_pairs();
  pair.set_key("k" + std::to_string(random.pick(4)));
  pair.set_str("value" + std::to_string(random.pick(100)));
}

}  // namespace

void Site::act() {
  switch (random_.pick(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return call_in();
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return phone_act();
    case 9:
      return random_.one_in(3) ? enter() : refer();
    case 10:
    case 11:
      return make_call();
    case 12:
    case 13:
      return call_request();
    case 14:
    case 15:
    case 16:
    case 17:
      return party_request();
    case 18:
    case 19:
    case 20:
      return two_call_request();
    case 21:
      return agent_request();
    case 22:
      return data_request();
    default:
      if (random_.one_in(3)) return kept_desk_->reconnect();
      if (random_.one_in(4)) random_.any(desks_)->reconnect();
  }
}

std::string Site::anywhere() {
  if (random_.one_in(6)) return any_phone().dn();
  return random_.one_in(20) ? "nobody" : random_.any(kPlaces);
}

// The one that may act; those who ask it may be wrong, too.
Server* Site::primary() {
  for (const auto& server : servers_) {
    if (server->primary()) return server.get();
  }
  return nullptr;
}

DialogPtr Site::any_dialog() {
  std::vector<DialogPtr> all;
  for (const auto& phone : phones_) {
    for (const DialogPtr& dialog : phone->dialogs()) all.push_back(dialog);
  }
  return all.empty() ? nullptr : random_.any(all);
}

void Site::call_in() {
  Phone& phone = random_.one_in(3) ? any_phone() : *phones_[6 + random_.pick(3)];
  if (phone.dialogs().size() < 3) phone.call(any_connector(), anywhere());
}

void Site::phone_act() {
  const DialogPtr dialog = any_dialog();
  if (!dialog) return call_in();
  Phone& phone = *dialog->phone;
  switch (random_.pick(8)) {
    case 0:
    case 1:
      return phone.hang_up(dialog);
    case 2:
      return phone.digit(dialog, "0123456789*#"[random_.pick(12)]);
    default:
      return phone.hold(dialog, !dialog->held);
  }
}

// Somebody takes a call over: INVITE with Replaces.
void Site::enter() {
  const DialogPtr dialog = any_dialog();
  if (dialog) any_phone().call(*dialog->connector, anywhere(), dialog);
}

void Site::refer() {
  const DialogPtr dialog = any_dialog();
  if (!dialog) return;
  DialogPtr other;
  for (const DialogPtr& one : dialog->phone->dialogs()) {
    if (one != dialog && random_.one_in(2)) other = one;
  }
  dialog->phone->refer(dialog, anywhere(), other);
}

// --- Applications ---

void Site::ask(const std::string& dn, tlib::Message message) {
  if (random_.one_in(3)) return kept_desk_->ask(std::move(message));
  Desk& desk = ours(dn) && (dn == "support" || dn == "sales") ? *desks_[0] : *desks_[1 + random_.pick(2)];
  std::size_t server = random_.pick(servers_.size());
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i]->primary() && !random_.one_in(12)) server = i;
  }
  desk.ask(server, std::move(message));
}

void Site::make_call() {
  tlib::Message m;
  m.set_type(tlib::RequestMakeCall);
  m.set_thisdn(phones_[random_.pick(6)]->dn());
  m.set_otherdn(anywhere());
  if (random_.one_in(3)) add_data(m, random_);
  ask(m.thisdn(), m);
}

// Most often a DN of ours and a call in which it talks.
bool Site::pick_talk(tlib::Message& m) {
  Server* server = primary();
  if (server == nullptr) return false;
  std::vector<std::pair<const Call*, const Party*>> talks;
  for (const auto& [id, call] : server->state().calls) {
    for (const Party& party : call->parties) {
      if (party.device != nullptr && (party.up() || random_.one_in(8))) talks.emplace_back(call.get(), &party);
    }
  }
  if (talks.empty()) return false;
  std::sort(talks.begin(), talks.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first->id, a.second->no) < std::pair(b.first->id, b.second->no);
  });
  const auto& [call, party] = random_.any(talks);
  m.set_connid(call->id.value);
  m.set_thisdn(party->name());
  return true;
}

void Site::call_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestReleaseCall, tlib::RequestReleaseCall, tlib::RequestClearCall,
                                          tlib::RequestAnswerCall,  tlib::RequestSetMuteOn,   tlib::RequestSetMuteOff,
                                          tlib::RequestSendDTMF};
  tlib::Message m;
  if (!pick_talk(m)) return make_call();
  m.set_type(kTypes[random_.pick(std::size(kTypes))]);
  m.set_dtmfdigits("12");
  ask(m.thisdn(), m);
}

void Site::party_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestHoldCall,
                                          tlib::RequestRetrieveCall,
                                          tlib::RequestInitiateTransfer,
                                          tlib::RequestInitiateTransfer,
                                          tlib::RequestInitiateConference,
                                          tlib::RequestSingleStepTransfer,
                                          tlib::RequestSingleStepConference,
                                          tlib::RequestSingleStepConference,
                                          tlib::RequestDeleteFromConference};
  tlib::Message m;
  if (!pick_talk(m)) return make_call();
  m.set_type(kTypes[random_.pick(std::size(kTypes))]);
  m.set_otherdn(anywhere());
  if (m.type() == tlib::RequestDeleteFromConference) {
    const auto& calls = primary()->state().calls;
    const auto& parties = calls.at(ConnId{m.connid()})->parties;
    auto party = parties.begin();
    std::advance(party, random_.pick(parties.size()));
    m.set_otherdn(party->name());
  }
  if (random_.one_in(4)) add_data(m, random_);
  ask(m.thisdn(), m);
}

void Site::two_call_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestCompleteTransfer, tlib::RequestCompleteConference,
                                          tlib::RequestAlternateCall, tlib::RequestReconnectCall,
                                          tlib::RequestMergeCalls};
  Server* server = primary();
  std::vector<const Device*> busy;
  if (server != nullptr) {
    for (const auto& [dn, device] : server->state().devices) {
      if (device->extension() && device->calls.size() > 1) busy.push_back(device.get());
    }
  }
  if (busy.empty()) return party_request();
  std::sort(busy.begin(), busy.end(), [](const Device* a, const Device* b) { return a->dn < b->dn; });
  const Device& device = *random_.any(busy);
  tlib::Message m;
  m.set_type(kTypes[random_.pick(std::size(kTypes))]);
  m.set_thisdn(device.dn.str());
  m.set_connid(random_.any(device.calls)->id.value);
  m.set_transferconnid(random_.any(device.calls)->id.value);
  if (random_.one_in(2)) m.set_mergetype(tlib::MergeForConference);
  ask(m.thisdn(), m);
}

void Site::agent_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestAgentLogin, tlib::RequestAgentLogin, tlib::RequestAgentReady,
                                          tlib::RequestAgentNotReady, tlib::RequestAgentLogout};
  tlib::Message m;
  m.set_type(kTypes[random_.pick(std::size(kTypes))]);
  m.set_thisdn(phones_[random_.pick(6)]->dn());
  if (m.type() == tlib::RequestAgentLogin) m.set_agentid(std::to_string(random_.pick(6)));
  m.set_agentworkmode(static_cast<tlib::TAgentWorkMode>(random_.pick(8)));
  ask(m.thisdn(), m);
}

void Site::data_request() {
  constexpr tlib::MessageType kTypes[] = {tlib::RequestAttachUserData, tlib::RequestUpdateUserData,
                                          tlib::RequestDeletePair, tlib::RequestQueryCall};
  tlib::Message m;
  if (!pick_talk(m)) return call_in();
  m.set_type(kTypes[random_.pick(std::size(kTypes))]);
  add_data(m, random_);
  m.set_datakey("k1");
  m.set_callinfotype(tlib::CallInfoStatusQuery);
  ask(m.thisdn(), m);
}

}  // namespace tandem::simulation
