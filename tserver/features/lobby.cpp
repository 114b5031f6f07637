#include "tserver/features/lobby.h"

#include <algorithm>

#include "tserver/features/entering.h"
#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

constexpr char kAdmit[] = "ConferenceAdmit";
constexpr char kRefuse[] = "ConferenceRefuse";
constexpr char kWaiting[] = "ConferenceWaiting";
constexpr char kEverybody[] = "*";
constexpr std::size_t kMaxGuests = 50;
constexpr std::uint32_t kTooMany = 503, kInAlready = 486, kDeclined = 603, kNobodyCame = 480;

const std::string& name_of(const LobbyGuest& guest) {
  return guest.dn.empty() ? guest.address : guest.dn.str();
}

bool leaves_before(const LobbyGuest& a, const LobbyGuest& b) {
  return a.until < b.until;
}

const std::string* named(const tlib::KVList& extensions, const char* key) {
  const tlib::KVPair* pair = kv_find(extensions, key);
  return pair != nullptr && pair->has_str() ? &pair->str() : nullptr;
}

void reject(Core& core, const Call& call, const LobbyGuest& guest, std::uint32_t status) {
  core.log(LogLevel::Interaction, call, name_of(guest), "is not let into the conference: " + std::to_string(status));
  core.order(call, guest.no, [&](link::Command& command) { command.mutable_reject()->set_status(status); });
}

void arm(Core& core, Call& call) {
  core.cancel_timer(call.lobby.timer);
  if (call.lobby.guests.empty()) return;
  const Instant left = std::max(Instant(0), call.lobby.guests.front().until - core.now.steady);
  call.lobby.timer = core.set_timer(TimerKind::Lobby, call.id.value, ++call.generation, left);
}

// To the members, since what they see of the lobby changed by `guest`.
void tell_members(Core& core, const Call& call, const std::string& guest) {
  tlib::KVList shown;
  kv_add(shown, "ConferenceLobby", call.conference_address.lobby ? 1 : 0);
  add_lobby(shown, call);
  for (const Party& party : call.parties) {
    if (party.state == PartyState::Queued || call.invites(party)) continue;
    core.tell(call, party, tlib::EventCallInfoChanged, {.third_party = &guest, .extensions = &shown});
  }
}

// Those that `name` means leave the lobby.
std::vector<LobbyGuest> take(Core& core, Call& call, const std::string& name) {
  auto& guests = call.lobby.guests;
  const Dn dn(name);
  std::vector<LobbyGuest> taken;
  std::copy_if(guests.begin(), guests.end(), std::back_inserter(taken), [&](const LobbyGuest& guest) {
    return name == kEverybody || guest.address == name || (!guest.dn.empty() && guest.dn == dn);
  });
  std::erase_if(guests, [&](const LobbyGuest& guest) {
    return std::any_of(taken.begin(), taken.end(), [&](const LobbyGuest& one) { return one.no == guest.no; });
  });
  arm(core, call);
  return taken;
}

void admit(Core& core, Call& call, const std::vector<LobbyGuest>& guests) {
  for (const LobbyGuest& guest : guests) {
    Device* device = guest.dn.empty() ? nullptr : core.state.device(guest.dn);
    if (device != nullptr && call.party(device) != nullptr) {
      reject(core, call, guest, kInAlready);
      continue;
    }
    Party party;
    party.no = guest.no;
    party.device = device;
    if (device == nullptr) party.address = name_of(guest);
    party.call_id = guest.call_id;
    core.order(call, guest.no, [](link::Command& command) { command.mutable_stop(); });
    let_in(core, call, std::move(party));
  }
}

void on_timer(Core& core, const TimerKey& key) {
  Call* call = core.state.call(ConnId{key.subject});
  if (call == nullptr || call->lobby.timer != key) return;
  call->lobby.timer.reset();
  auto& guests = call->lobby.guests;
  while (!guests.empty() && guests.front().until <= core.now.steady) {
    const LobbyGuest guest = std::move(guests.front());
    guests.erase(guests.begin());
    reject(core, *call, guest, kNobodyCame);
    tell_members(core, *call, name_of(guest));
  }
  arm(core, *call);
}

}  // namespace

std::uint32_t wait_in_lobby(Core& core, Call& call, const link::Happening& happening, const Device* caller) {
  const link::Offered& offered = happening.offered();
  auto& guests = call.lobby.guests;
  if (guests.size() >= kMaxGuests) return kTooMany;
  const bool there = std::any_of(guests.begin(), guests.end(),
                                 [&](const LobbyGuest& guest) { return caller != nullptr && guest.dn == caller->dn; });
  if (there) return kInAlready;
  LobbyGuest guest;
  guest.no = PartyNo{happening.party()};
  if (caller != nullptr) guest.dn = caller->dn;
  if (caller == nullptr) guest.address = offered.from().empty() ? "anonymous" : offered.from();
  guest.call_id = offered.call_id();
  guest.until = core.now.steady + core.settings().lobby_timeout;
  core.log(LogLevel::Interaction, call, name_of(guest), "waits in the lobby, Call-ID " + guest.call_id);
  core.order(call, guest.no, [](link::Command& command) { command.mutable_admit()->set_mode(link::Admit::WAITING); });
  // A phone that can't be played to hears its own ringback.
  core.order(call, guest.no, [](link::Command& command) { command.mutable_play()->set_source(link::Play::MUSIC); });
  // Perhaps not the last: lobby-timeout may have changed.
  guests.insert(std::upper_bound(guests.begin(), guests.end(), guest, leaves_before), guest);
  if (guests.front().no == guest.no) arm(core, call);
  tell_members(core, call, name_of(guest));
  return 0;
}

bool asks_for_lobby(const tlib::Message& message) {
  return kv_find(message.extensions(), kAdmit) != nullptr || kv_find(message.extensions(), kRefuse) != nullptr;
}

std::optional<Refusal> change_lobby(Core& core, Call& call, const tlib::Message& message) {
  const std::string* let = named(message.extensions(), kAdmit);
  const std::string* refused = named(message.extensions(), kRefuse);
  if ((let == nullptr) == (refused == nullptr))
    return refusal(tlib::TERR_INVALID_ATTR, "one of ConferenceAdmit and ConferenceRefuse names who waits");
  const auto guests = take(core, call, let != nullptr ? *let : *refused);
  if (guests.empty()) return refusal(tlib::TERR_INVALID_ATTR, "nobody of that name waits in the lobby");
  if (let != nullptr) {
    admit(core, call, guests);
  } else {
    for (const LobbyGuest& guest : guests) reject(core, call, guest, kDeclined);
  }
  return std::nullopt;
}

void open_lobby(Core& core, Call& call) {
  if (!call.lobby.guests.empty()) admit(core, call, take(core, call, kEverybody));
}

bool waits_in_lobby(const Call& call, PartyNo no) {
  const auto& guests = call.lobby.guests;
  return std::any_of(guests.begin(), guests.end(), [&](const LobbyGuest& guest) { return guest.no == no; });
}

bool guest_left(Core& core, Call& call, PartyNo no) {
  auto& guests = call.lobby.guests;
  const auto it = std::find_if(guests.begin(), guests.end(), [&](const LobbyGuest& guest) { return guest.no == no; });
  if (it == guests.end()) return false;
  const std::string name = name_of(*it);
  guests.erase(it);
  arm(core, call);
  core.log(LogLevel::Interaction, call, name, "left the lobby");
  tell_members(core, call, name);
  return true;
}

void reconcile_lobby(Core& core, Call& call, const link::Conversation& conversation) {
  std::vector<PartyNo> gone;
  for (const LobbyGuest& guest : call.lobby.guests) {
    const bool there = std::any_of(conversation.parties().begin(), conversation.parties().end(),
                                   [&](const link::Party& party) { return party.party() == guest.no.value; });
    if (!there) gone.push_back(guest.no);
  }
  for (const PartyNo no : gone) guest_left(core, call, no);
}

void move_lobby(Core& core, Call& from, Call& to) {
  if (from.lobby.guests.empty()) return;
  auto& guests = to.lobby.guests;
  guests.insert(guests.end(), from.lobby.guests.begin(), from.lobby.guests.end());
  std::stable_sort(guests.begin(), guests.end(), leaves_before);
  close_lobby(core, from);
  arm(core, to);
}

void close_lobby(Core& core, Call& call) {
  call.lobby.guests.clear();
  core.cancel_timer(call.lobby.timer);
}

void add_lobby(tlib::KVList& policy, const Call& call) {
  if (call.lobby.guests.empty()) return;
  tlib::KVPair& waiting = *policy.add_pairs();
  waiting.set_key(kWaiting);
  int n = 0;
  for (const LobbyGuest& guest : call.lobby.guests)
    kv_add(*waiting.mutable_list(), std::to_string(++n), name_of(guest));
}

void register_lobby(Table& table) {
  table.on(TimerKind::Lobby, on_timer);
}

}  // namespace tandem::tserver
